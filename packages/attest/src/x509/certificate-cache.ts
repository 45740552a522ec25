// Certificates that were read before: a thousand envelopes carry the same intermediates and timestamp authorities.
import type { CertificateResult } from './certificate.ts';

/** One for a set of envelopes; the caller holds it as long as the set. */
export interface CertificateCache {
	/** By the text of PEM or the bytes of DER, as Latin-1. */
	results: Map<string, CertificateResult>;
	charsLeft: number;
}

/** What all keys of one cache may take, characters. */
export const cacheCharsMax = 4 * 1024 * 1024;

export const makeCertificateCache = (): CertificateCache => ({ results: new Map(), charsLeft: cacheCharsMax });

/** Once full it holds what it has: the certificates that come often came early. */
export function readCached(
	cache: CertificateCache | undefined,
	bytes: Uint8Array,
	read: (bytes: Uint8Array) => CertificateResult,
): CertificateResult {
	if (!cache) return read(bytes);
	const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
	const known = cache.results.get(key);
	if (known) return known;
	const result = read(bytes);
	if (key.length <= cache.charsLeft) {
		cache.charsLeft -= key.length;
		cache.results.set(key, result);
	}
	return result;
}
