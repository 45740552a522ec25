// `policy check` on a file: what the document says, whether its signature holds, and whether `verify` would take it.
import { type Envelope, type TrustedKey, verifyEnvelope } from '@affidavit/attest/dsse.ts';
import { parsePolicy, policyPayloadType } from '@affidavit/attest/policy/policy.ts';
import { quote } from '@affidavit/attest/statement.ts';
import { bySeverity, checkDocument, hasErrors } from './check.ts';
import type { CheckTime } from './check-keys.ts';
import { readDocument } from './document.ts';
import { error, type PolicyFinding } from './finding.ts';
import { type LoadedPolicy, loadPolicy } from './load.ts';
import { signForNow } from './sign-policy.ts';

export interface CheckedPolicy {
	loaded: LoadedPolicy;
	/** Errors first. */
	findings: PolicyFinding[];
}

/** `policyKeys`: empty to leave the signature unchecked. Throws CliError for files that cannot be read. */
export async function checkFile(
	path: string,
	policyKeys: readonly TrustedKey[],
	time: CheckTime,
): Promise<CheckedPolicy> {
	const loaded = await loadPolicy(path);
	if (loaded.kind === 'invalid')
		return {
			loaded,
			findings: loaded.problems.map(({ place, message }) => error('policy-unreadable', place, message)),
		};
	const findings = [
		...signatureFindings(loaded.envelope, policyKeys),
		...checkDocument(readDocument(loaded.value), loaded.ruleFiles, time),
	];
	if (!hasErrors(findings)) findings.push(...refusedByVerify(loaded.payload, time.nowMs));
	return { loaded, findings: bySeverity(findings) };
}

function signatureFindings(envelope: Envelope | null, keys: readonly TrustedKey[]): PolicyFinding[] {
	if (envelope === null)
		return keys.length === 0 ? [] : [error('signature-wrong', '', 'is not signed; `affidavit policy sign` signs it')];
	const findings: PolicyFinding[] = [];
	if (envelope.payloadType !== policyPayloadType)
		findings.push(
			error('payload-type-wrong', 'payloadType', `expected ${policyPayloadType}, found ${quote(envelope.payloadType)}`),
		);
	if (keys.length > 0 && verifyEnvelope(envelope, keys).kind !== 'verified')
		findings.push(
			error('signature-wrong', 'signatures', 'none holds under a given key: altered, or signed by another key'),
		);
	return findings;
}

/** What the engine itself says of the policy, were it signed. */
function refusedByVerify(payload: Buffer, nowMs: number): PolicyFinding[] {
	const { bytes, key } = signForNow(payload);
	const parsed = parsePolicy({ envelope: { name: 'policy', bytes }, policyKeys: [key], mode: 'strict', nowMs });
	if (parsed.kind === 'policy') return [];
	return parsed.problems.map(({ field, message }) => error('refused-by-verify', field, message));
}
