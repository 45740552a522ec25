// Is this artifact the product of a session that passed, and who says so? Pure: files and keys come in as bytes.
import { isSha256, sha256Hex } from '@affidavit/model/digests.ts';
import type { SignedWork, TrustedKey } from './dsse.ts';
import { parseEnvelope, verifyEnvelope } from './dsse.ts';
import { parseStatement, quote } from './statement.ts';
import { productsWithDigest } from './subjects.ts';
import { inTotoPayloadType } from './type-uris.ts';
import type { Said } from './verdicts.ts';
import { readVerdict } from './verdicts.ts';

export interface NamedEnvelope {
	/** What the outcome calls it: the file. */
	name: string;
	bytes: Uint8Array;
}

export interface VerifyRequest {
	/** sha256 of the artifact, hex. */
	artifactDigest: string;
	envelopes: readonly NamedEnvelope[];
	publicKeys: readonly TrustedKey[];
}

/** What became of one envelope. */
export type EnvelopeOutcome =
	| { kind: 'supports'; name: string; payloadSha256: string; said: Said; products: string[] }
	| { kind: 'not-an-envelope'; name: string; reason: string }
	| { kind: 'bad-signature'; name: string; reason: string }
	| { kind: 'other-key'; name: string; reason: string }
	| { kind: 'not-checked'; name: string; reason: string }
	| { kind: 'not-a-statement'; name: string; reason: string }
	| { kind: 'other-predicate'; name: string; reason: string }
	| { kind: 'no-verdict'; name: string; reason: string }
	| { kind: 'subject-mismatch'; name: string; reason: string; said: Said }
	| { kind: 'verdict-failed'; name: string; reason: string; said: Said }
	| { kind: 'verdict-incomplete'; name: string; reason: string; said: Said }
	| { kind: 'imported'; name: string; reason: string; said: Said }
	| { kind: 'superseded'; name: string; reason: string; said: Said };

export interface VerifyResult {
	accepted: boolean;
	/** One sentence. */
	reason: string;
	/** One per envelope, in order. */
	outcomes: EnvelopeOutcome[];
}

/** Most envelopes of one request. */
export const envelopesMax = 10_000;
/** Bytes that are hashed for one request, and what checks cost beside: seconds, whatever strangers put there. */
export const signedBytesMax = 2 * 1024 * 1024 * 1024;

/**
 * Accepted when a given key signed a passed verdict (our VSA, or a passed session's collection) whose products hold the
 * digest, and no signed verdict of a later revision of that session, nor a contradicting one of the same, says otherwise.
 */
export function verifyArtifact({ artifactDigest, envelopes, publicKeys }: VerifyRequest): VerifyResult {
	if (!isSha256(artifactDigest)) return refuse('artifact digest: expected 64 lower-case hex digits of a sha256', []);
	if (publicKeys.length === 0) return refuse('no public key was given', []);
	if (envelopes.length === 0) return refuse('no attestation was given', []);
	if (envelopes.length > envelopesMax) return refuse(`expected at most ${envelopesMax} attestations`, []);
	const work: SignedWork = { bytesLeft: signedBytesMax };
	const outcomes = withoutSuperseded(envelopes.map((e) => judgeEnvelope(e, artifactDigest, publicKeys, work)));
	// It may be the one that speaks against the others.
	const unchecked = outcomes.find((o) => o.kind === 'not-checked');
	if (unchecked) return refuse(`${unchecked.name}: ${unchecked.reason}`, outcomes);
	const support = outcomes.find((o) => o.kind === 'supports');
	if (support) {
		const { said, products } = support;
		const paths = products.slice(0, 3).map(quote).join(', ');
		const reason = `${paths} of session ${said.session}, which passed (${said.by} ${support.name}, revision ${said.revision})`;
		return { accepted: true, reason, outcomes };
	}
	return refuse(refusalReason(outcomes), outcomes);
}

function judgeEnvelope(
	{ name, bytes }: NamedEnvelope,
	artifactDigest: string,
	keys: readonly TrustedKey[],
	work: SignedWork,
): EnvelopeOutcome {
	const parsed = parseEnvelope(bytes);
	if (parsed.kind === 'invalid') return { kind: 'not-an-envelope', name, reason: parsed.reason };
	const { envelope } = parsed;
	// Nothing of the payload is looked at before a signature holds.
	const check = verifyEnvelope(envelope, keys, work);
	if (check.kind === 'too-much')
		return { kind: 'not-checked', name, reason: 'the attestations have more signatures and bytes than can be checked' };
	if (check.kind === 'other-key') {
		const ids = check.keyIds.slice(0, 3).map(quote).join(', ');
		return { kind: 'other-key', name, reason: `signed by ${ids}: none of the given keys` };
	}
	if (check.kind === 'bad-signature')
		return {
			kind: 'bad-signature',
			name,
			reason: 'no signature verifies under a given key: altered, or signed by another key',
		};
	if (envelope.payloadType !== inTotoPayloadType) {
		const reason = `payloadType: expected ${inTotoPayloadType}, found ${quote(envelope.payloadType)}`;
		return { kind: 'not-a-statement', name, reason };
	}
	const statement = parseStatement(envelope.payload);
	if (statement.kind === 'invalid') return { kind: 'not-a-statement', name, reason: statement.reason };
	const reading = readVerdict(statement.statement);
	if (reading.kind === 'other-predicate')
		return { kind: 'other-predicate', name, reason: `${quote(reading.predicateType)} carries no verdict on artifacts` };
	if (reading.kind === 'invalid') return { kind: 'no-verdict', name, reason: reading.reason };
	const { said } = reading;
	const products = productsWithDigest(statement.statement.subject, artifactDigest);
	if (products.length === 0)
		return { kind: 'subject-mismatch', name, reason: `no product has sha256 ${artifactDigest}`, said };
	switch (said.verdict) {
		case 'passed':
			if (!said.whole)
				return { kind: 'verdict-incomplete', name, reason: 'the collection does not hold the whole session', said };
			// Nobody who asks without a policy has said that a tracer's word is enough.
			if (said.imported) {
				const reason = `session ${said.session} passed on an imported trace: only a policy that asks for its step takes it`;
				return { kind: 'imported', name, reason, said };
			}
			return { kind: 'supports', name, payloadSha256: sha256Hex(envelope.payload), said, products };
		case 'failed': {
			const rules = said.rules.length === 0 ? '' : `: ${said.rules.join(', ')}`;
			return { kind: 'verdict-failed', name, reason: `session ${said.session} failed${rules}`, said };
		}
		case 'incomplete':
			return { kind: 'verdict-incomplete', name, reason: `session ${said.session} is incomplete`, said };
	}
}

/** A passed verdict does not stand beside a verdict of the same or a later revision of its session that did not pass. */
function withoutSuperseded(outcomes: EnvelopeOutcome[]): EnvelopeOutcome[] {
	const notPassed = new Map<string, Said>();
	for (const outcome of outcomes) {
		const said = 'said' in outcome ? outcome.said : null;
		if (!said || said.verdict === 'passed') continue;
		const known = notPassed.get(said.session);
		if (!known || said.revision > known.revision) notPassed.set(said.session, said);
	}
	return outcomes.map((outcome) => {
		if (outcome.kind !== 'supports') return outcome;
		const { name, said } = outcome;
		const against = notPassed.get(said.session);
		if (!against || against.revision < said.revision) return outcome;
		const reason = `revision ${against.revision} of session ${said.session} is ${against.verdict}`;
		return { kind: 'superseded', name, reason, said };
	});
}

/** Nearest miss first: what would have to change for the artifact to be accepted. */
const nearest: readonly EnvelopeOutcome['kind'][] = [
	'superseded',
	'imported',
	'verdict-failed',
	'verdict-incomplete',
	'subject-mismatch',
	'no-verdict',
	'bad-signature',
	'other-key',
	'not-checked',
	'not-a-statement',
	'other-predicate',
	'not-an-envelope',
];

function refusalReason(outcomes: readonly EnvelopeOutcome[]): string {
	for (const kind of nearest)
		for (const outcome of outcomes)
			if (outcome.kind === kind && 'reason' in outcome) return `${outcome.name}: ${outcome.reason}`;
	return 'no attestation supports the artifact';
}

const refuse = (reason: string, outcomes: EnvelopeOutcome[]): VerifyResult => ({ accepted: false, reason, outcomes });
