// RFC 3161 timestamps of a signature, judged as go-witness's timestamp verifier does.
import type { Certificate } from './certificate.ts';

export interface TimestampRequest {
	/** DER of the CMS TimeStampToken, not of the whole response. */
	token: Uint8Array;
	/** What was stamped: the raw bytes of the DSSE signature. */
	signature: Uint8Array;
	/** Trust anchors: an authority's root and intermediates alike, as go-witness takes them. */
	authorities: readonly Certificate[];
	/** Unix time in milliseconds at which the real engine judges a token that has no signing time. */
	nowMs: number;
}

export type TimestampResult =
	/** `atMs`: the token's own time; `authority`: subject of the certificate that signed it. */
	{ kind: 'timestamp'; atMs: number; authority: string } | { kind: 'refused'; reason: string };

/** Largest token that is read, bytes. */
export const timestampBytesMax = 256 * 1024;
