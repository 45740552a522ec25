// RFC 3161 timestamps of a signature, judged as go-witness's timestamp verifier does.
import { createHash } from 'node:crypto';
import { checkCost } from '../keys.ts';
import type { Certificate } from './certificate.ts';
import type { CertificateCache } from './certificate-cache.ts';
import type { ChainBudget, ChainResult } from './chain.ts';
import { spend, verifyChain } from './chain.ts';
import { verifyScheme } from './signature-scheme.ts';
import { readToken } from './timestamp-token.ts';

export interface TimestampRequest {
	/** DER of the CMS TimeStampToken, not of the whole response. */
	token: Uint8Array;
	/** What was stamped: the raw bytes of the DSSE signature. */
	signature: Uint8Array;
	/** Trust anchors: an authority's root and intermediates alike, as go-witness takes them. */
	authorities: readonly Certificate[];
	/** Unix time in milliseconds at which the real engine judges a token that has no signing time. */
	nowMs: number;
	/** Also tokens that only the real engine takes: without signed attributes, with SHA-1, of other content, ... */
	lenient?: boolean;
	budget?: ChainBudget;
	cache?: CertificateCache;
}

export type TimestampResult =
	/** `atMs`: the token's own time; `authority`: subject of the certificate that signed it. */
	{ kind: 'timestamp'; atMs: number; authority: string } | { kind: 'refused'; reason: string };

const timeStampingUsage = '1.3.6.1.5.5.7.3.8';

/** Never throws. */
export function verifyTimestamp({
	token,
	signature,
	authorities,
	nowMs,
	lenient = false,
	budget,
	cache,
}: TimestampRequest): TimestampResult {
	const read = readToken(token, lenient, cache);
	if (read.kind === 'refused') return read;
	const { content, signed, signer, certificates, scheme, signatureValue, signingMs, atMs, imprint } = read.token;
	const { digest, messageDigest } = read.token;
	if (!createHash('sha256').update(signature).digest().equals(imprint))
		return refused('it stamps another signature than this one');
	if (messageDigest && !createHash(digest).update(content).digest().equals(messageDigest))
		return refused('the digest that is signed is not that of its content');
	// Anybody can make a token with a key that is slow to check.
	if (budget && !spend(budget, checkCost(signer.key))) return refused('too many timestamps and certificates to check');
	if (!verifyScheme(scheme, signer.key, signed, signatureValue))
		return refused('its signature does not verify under the certificate that it names');
	const { extendedKeyUsages, extendedKeyUsageCritical } = signer.path;
	if (extendedKeyUsages.length !== 1 || extendedKeyUsages[0] !== timeStampingUsage)
		return refused('its certificate must have timeStamping as its only extended key usage');
	if (!extendedKeyUsageCritical) return refused('the extended key usage of its certificate must be critical');
	const about = { leaf: signer, intermediates: certificates, roots: authorities, ...(budget && { budget }) };
	const whenSigned = verifyChain({ ...about, atMs: signingMs ?? nowMs });
	if (whenSigned.kind === 'refused') return untrusted(whenSigned);
	const whenStamped = verifyChain({ ...about, atMs, extendedKeyUsage: timeStampingUsage });
	if (whenStamped.kind === 'refused') return untrusted(whenStamped);
	return { kind: 'timestamp', atMs, authority: signer.subject };
}

const refused = (reason: string): TimestampResult => ({ kind: 'refused', reason: `timestamp: ${reason}` });
const untrusted = ({ reason }: ChainResult & { kind: 'refused' }): TimestampResult =>
	refused(`its certificate has no chain to a timestamp authority of the policy: ${reason}`);
