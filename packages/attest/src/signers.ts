// Who signed an envelope: every signature against every key, and against its own certificate (go-witness dsse/verify.go).
import type { Envelope, EnvelopeSignature, TrustedKey } from './dsse.ts';
import { signedBytes, signedWorkBytesMax } from './dsse.ts';
import type { Padding, SignatureCheck } from './keys.ts';
import { checkBytes, checkSignature } from './keys.ts';
import type { Certificate } from './x509/certificate.ts';
import type { CertificateCache } from './x509/certificate-cache.ts';
import { makeCertificateCache, readCached } from './x509/certificate-cache.ts';
import type { ChainBudget, ChainResult } from './x509/chain.ts';
import { verifyChain } from './x509/chain.ts';
import { parseCertificatePem } from './x509/parse.ts';
import { verifyTimestamp } from './x509/timestamp.ts';

export interface SignersRequest {
	keys: readonly TrustedKey[];
	/** Roots of all the policy's trust bundles. */
	roots: readonly Certificate[];
	/** Intermediates of all the policy's trust bundles; those of a signature come first. */
	intermediates: readonly Certificate[];
	/** Roots and intermediates of all the policy's timestamp authorities; with any, only a timestamp gives the time. */
	timestampAuthorities: readonly Certificate[];
	/** Unix time in milliseconds that a certificate is judged at when the policy has no timestamp authority. */
	nowMs: number;
	/** Also keys and timestamps that only the real engine takes: P-224, RSA below 2048 bits, SHA-1, ... */
	lenient?: boolean;
	/** For a set of envelopes: what their signatures have in common is then read once. */
	cache?: CertificateCache;
	/** For a set of envelopes: what all their checks may take together, beside the limits of each. */
	allowance?: SignersAllowance;
}

/** Counts down; what is left of it bounds the next envelope. */
export interface SignersAllowance {
	/** To hash, and what checks cost beside, in bytes that could be hashed in that time. */
	signedBytes: number;
	/** Of certificates, intermediates and timestamps. */
	signerBytes: number;
	/** Issuers that are tried, and what their signatures cost (x509/chain.ts). */
	candidates: number;
}

/** Seconds, not minutes, for as many envelopes as there may be. */
export const makeSignersAllowance = (): SignersAllowance => ({
	signedBytes: 3 * 1024 * 1024 * 1024,
	signerBytes: 24 * 1024 * 1024,
	candidates: 30_000,
});

/** `signature`: position in the envelope. `padding`: of an RSA signature that verified, else 'none'. `reason`: '' when verified. */
export type SignerCheck =
	| { kind: 'key'; signature: number; keyId: string; verified: boolean; padding: Padding; reason: string }
	| CertificateCheck
	/** The signature carries a certificate that cannot be read: go-witness then tries no key on it either. */
	| { kind: 'unreadable-certificate'; signature: number; verified: false; reason: string };

export interface CertificateCheck {
	kind: 'certificate';
	signature: number;
	certificate: Certificate;
	/** What chains are built with, the signature's own first: for asking which root it belongs to. */
	intermediates: Certificate[];
	/** Leaf first, root last; empty when there is none. */
	chain: Certificate[];
	/** Unix time in milliseconds that it was judged at; NaN when no timestamp gave one. */
	atMs: number;
	/** True when `atMs` is a timestamp's. */
	timestamped: boolean;
	verified: boolean;
	padding: Padding;
	reason: string;
}

/** Bytes of certificates, intermediates and timestamps that one envelope's signatures may carry: reading them is slow. */
export const signerBytesMax = 128 * 1024;
/** Issuers that are tried for one envelope, over all signatures and timestamps. */
export const envelopeCandidatesMax = 500;

interface Work {
	signed: Buffer;
	bytesLeft: number;
	budget: ChainBudget;
	cache: CertificateCache;
	lenient: boolean;
	/** Why certificates are not looked at, '' when they are. */
	tooMuch: string;
}

/** One check per signature and key, and one per signature with a certificate; in the envelope's order. Never throws. */
export const checkSigners = (envelope: Envelope, request: SignersRequest): SignerCheck[] =>
	runChecks(envelope, request).checks;

/** Has anybody signed it whom the request knows? `undecided`: a limit was reached before one was found. */
export function isSigned(envelope: Envelope, request: SignersRequest): 'signed' | 'unsigned' | 'undecided' {
	const { checks, limited } = runChecks(envelope, request);
	if (checks.some(({ verified }) => verified)) return 'signed';
	return limited ? 'undecided' : 'unsigned';
}

function runChecks(envelope: Envelope, request: SignersRequest): { checks: SignerCheck[]; limited: boolean } {
	const { allowance = makeSignersAllowance() } = request;
	const carried = carriedBytes(envelope);
	const carriedMax = Math.min(signerBytesMax, allowance.signerBytes);
	const work: Work = {
		signed: signedBytes(envelope),
		bytesLeft: Math.min(signedWorkBytesMax, allowance.signedBytes),
		budget: { candidatesLeft: Math.min(envelopeCandidatesMax, allowance.candidates) },
		cache: request.cache ?? makeCertificateCache(),
		lenient: request.lenient ?? false,
		tooMuch: carried > carriedMax ? `more than ${carriedMax} bytes of certificates` : '',
	};
	const { bytesLeft } = work;
	const { candidatesLeft } = work.budget;
	const checks: SignerCheck[] = [];
	for (const [index, signature] of envelope.signatures.entries()) {
		if (signature.certificate && signature.certificate.length > 0) {
			const check = checkCertificate(index, signature, signature.certificate, request, work);
			checks.push(check);
			if (check.kind === 'unreadable-certificate') continue;
		}
		checkKeys(checks, index, signature, request.keys, work);
	}
	allowance.signedBytes -= bytesLeft - Math.max(0, work.bytesLeft);
	allowance.candidates -= candidatesLeft - Math.max(0, work.budget.candidatesLeft);
	if (work.tooMuch === '') allowance.signerBytes -= carried;
	const limited = work.tooMuch !== '' || work.bytesLeft < 0 || work.budget.candidatesLeft < 0;
	return { checks, limited };
}

function carriedBytes({ signatures }: Envelope): number {
	let sum = 0;
	for (const { certificate, intermediates = [], timestamps = [] } of signatures) {
		sum += certificate?.length ?? 0;
		for (const { length } of intermediates) sum += length;
		for (const { data } of timestamps) sum += data.length;
	}
	return sum;
}

/** The key that the signature names is tried first; a signature is one key's, so the others need no work then. */
function checkKeys(
	checks: SignerCheck[],
	index: number,
	{ keyid, sig }: EnvelopeSignature,
	keys: readonly TrustedKey[],
	work: Work,
): void {
	const named = keys.find(({ keyId }) => keyId === keyid);
	const first = named ? check(work, named.key, sig) : notVerified;
	for (const key of keys) {
		const result = key === named ? first : first.verified ? notVerified : check(work, key.key, sig);
		const padding = result.verified ? result.padding : 'none';
		const reason = result.verified ? '' : unverified(work);
		checks.push({ kind: 'key', signature: index, keyId: key.keyId, verified: result.verified, padding, reason });
	}
}

const notVerified: SignatureCheck = { verified: false };

function check(work: Work, key: Certificate['key'], sig: Uint8Array): SignatureCheck {
	work.bytesLeft -= checkBytes(key, work.signed.length);
	return work.bytesLeft < 0 ? notVerified : checkSignature(key, work.signed, sig, work.lenient);
}

const unverified = (work: Work): string =>
	work.bytesLeft < 0
		? 'more bytes to hash than the limit: too many signatures and keys for payloads of this size'
		: 'the signature does not verify under the key';

function checkCertificate(
	index: number,
	signature: EnvelopeSignature,
	pem: Uint8Array,
	request: SignersRequest,
	work: Work,
): SignerCheck {
	const parsed =
		work.tooMuch === ''
			? readCached(work.cache, pem, parseCertificatePem)
			: { kind: 'invalid' as const, reason: work.tooMuch };
	if (parsed.kind === 'invalid')
		return { kind: 'unreadable-certificate', signature: index, verified: false, reason: parsed.reason };
	const { certificate } = parsed;
	const intermediates = [...own(signature, work.cache), ...request.intermediates];
	const time = timeOf(signature, certificate, intermediates, request, work);
	const about = { kind: 'certificate', signature: index, certificate, intermediates } as const;
	if (time.kind === 'refused') {
		const none = { atMs: Number.NaN, timestamped: false, verified: false, padding: 'none' } as const;
		return { ...about, ...none, chain: [], reason: time.reason };
	}
	const { atMs, timestamped, chain } = time;
	if (chain.kind === 'refused')
		return { ...about, chain: [], atMs, timestamped, verified: false, padding: 'none', reason: chain.reason };
	const result = check(work, certificate.key, signature.sig);
	const padding = result.verified ? result.padding : 'none';
	const reason = result.verified ? '' : unverified(work);
	return { ...about, chain: chain.chain, atMs, timestamped, verified: result.verified, padding, reason };
}

/** Unreadable intermediates are left out, as in go-witness: the chain does without them or fails. */
function own({ intermediates = [] }: EnvelopeSignature, cache: CertificateCache): Certificate[] {
	const certificates: Certificate[] = [];
	for (const pem of intermediates) {
		const parsed = readCached(cache, pem, parseCertificatePem);
		if (parsed.kind === 'certificate') certificates.push(parsed.certificate);
	}
	return certificates;
}

type Judged =
	| { kind: 'judged'; atMs: number; timestamped: boolean; chain: ChainResult }
	| { kind: 'refused'; reason: string };

/** Without authorities: now. With them: the last timestamp at which there is a chain, else the last good one. */
function timeOf(
	{ timestamps = [], sig }: EnvelopeSignature,
	leaf: Certificate,
	intermediates: readonly Certificate[],
	{ roots, timestampAuthorities: authorities, nowMs }: SignersRequest,
	{ budget, cache, lenient }: Work,
): Judged {
	const judge = (atMs: number, timestamped: boolean): Judged & { kind: 'judged' } => {
		const chain = verifyChain({ leaf, intermediates, roots, atMs, budget });
		return { kind: 'judged', atMs, timestamped, chain };
	};
	if (authorities.length === 0) return judge(nowMs, false);
	let best: (Judged & { kind: 'judged' }) | null = null;
	let reason = 'the signature has no timestamp, which the policy asks for';
	for (const { data } of timestamps) {
		const stamp = verifyTimestamp({ token: data, signature: sig, authorities, nowMs, lenient, budget, cache });
		if (stamp.kind === 'refused') {
			reason = `no valid timestamp: ${stamp.reason}`;
			continue;
		}
		const judged = judge(stamp.atMs, true);
		if (judged.chain.kind === 'chain' || best?.chain.kind !== 'chain') best = judged;
	}
	return best ?? { kind: 'refused', reason };
}
