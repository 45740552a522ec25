// A signed policy: who signed it, what it says, until when.

import { sha256Hex } from '@affidavit/model/digests.ts';
import type { TrustedKey } from '../dsse.ts';
import type { SignerCheck } from '../signers.ts';
import { checkSigners } from '../signers.ts';
import { quote } from '../statement.ts';
import type { NamedEnvelope } from '../verify-artifact.ts';
import { readGoEnvelope } from './go-envelope.ts';
import type { Policy, PolicyProblem } from './policy-model.ts';
import { describeProblem } from './policy-model.ts';
import { readPolicyPayload } from './policy-payload.ts';
import type { PolicyMode, PolicyNode } from './result.ts';

export const policyPayloadType = 'https://witness.testifysec.com/policy/v0.1';

export interface PolicyRequest {
	envelope: NamedEnvelope;
	/** Keys one of which must have signed it. */
	policyKeys: readonly TrustedKey[];
	mode: PolicyMode;
	/** Unix time in milliseconds that the expiry is judged at. */
	nowMs: number;
}

export type ParsedPolicy =
	| { kind: 'policy'; policy: Policy; node: PolicyNode }
	| { kind: 'refused'; node: PolicyNode; problems: PolicyProblem[] };

export function parsePolicy({ envelope: named, policyKeys, mode, nowMs }: PolicyRequest): ParsedPolicy {
	const node: PolicyNode = { name: named.name, accepted: false, reason: '', sha256: '', keyId: '', expires: '' };
	const read = readGoEnvelope(named.bytes);
	if (read.kind === 'sigstore-bundle') return refused(node, [problem('a Sigstore bundle, not a DSSE envelope')]);
	if (read.kind === 'invalid') return refused(node, [problem(`not a DSSE envelope: ${read.reason}`)]);
	const { envelope } = read;
	const sha256 = sha256Hex(envelope.payload);
	const request = { keys: policyKeys, roots: [], intermediates: [], timestampAuthorities: [], nowMs };
	const signer = signedBy(checkSigners(envelope, request), mode);
	if (signer.kind === 'nobody') return refused({ ...node, sha256 }, [signer.problem]);
	const signed: PolicyNode = { ...node, sha256, keyId: signer.keyId };
	if (mode === 'strict') {
		const problems = strictProblems(envelope.payloadType, read.ambiguity);
		if (problems.length > 0) return refused(signed, problems);
	}
	const reading = readPolicyPayload(envelope.payload, mode);
	if (reading.kind === 'refused') return refused(signed, reading.problems);
	const { policy } = reading;
	const dated: PolicyNode = { ...signed, expires: policy.expires };
	if (nowMs > policy.expiresMs)
		return refused(dated, [{ field: 'expires', message: `policy expired on ${policy.expires}` }]);
	const reason = `signed by ${signer.keyId}, expires ${policy.expires}`;
	return { kind: 'policy', policy, node: { ...dated, accepted: true, reason } };
}

function strictProblems(payloadType: string, ambiguity: string): PolicyProblem[] {
	const problems: PolicyProblem[] = [];
	if (ambiguity !== '') problems.push({ field: '', message: ambiguity, trap: 'ambiguous-json' });
	if (payloadType !== policyPayloadType)
		problems.push({
			field: 'payloadType',
			message: `expected ${policyPayloadType}, found ${quote(payloadType)}`,
			trap: 'foreign-payload-type',
		});
	return problems;
}

type PolicySigner = { kind: 'key'; keyId: string } | { kind: 'nobody'; problem: PolicyProblem };

function signedBy(checks: readonly SignerCheck[], mode: PolicyMode): PolicySigner {
	let weak = false;
	for (const check of checks) {
		if (check.kind !== 'key' || !check.verified) continue;
		if (mode === 'witness' || check.padding !== 'pkcs1') return { kind: 'key', keyId: check.keyId };
		weak = true;
	}
	if (weak) {
		const message = 'signed by RSA with PKCS #1 v1.5 padding in place of PSS';
		return { kind: 'nobody', problem: { field: 'signatures', message, trap: 'rsa-pkcs1' } };
	}
	const message = checks.length === 0 ? 'no signature' : 'no signature verifies under a given policy key';
	return { kind: 'nobody', problem: { field: 'signatures', message } };
}

const problem = (message: string): PolicyProblem => ({ field: '', message });

const problemsShownMax = 5;

function refused(node: PolicyNode, problems: PolicyProblem[]): ParsedPolicy {
	const shown = problems.slice(0, problemsShownMax).map(describeProblem).join('; ');
	const more = problems.length > problemsShownMax ? ` and ${problems.length - problemsShownMax} more` : '';
	return { kind: 'refused', node: { ...node, reason: `${shown}${more}` }, problems };
}
