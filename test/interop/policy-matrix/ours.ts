// Our own engine on a case, or on any inputs: keys read as the command reads them, the artifact by its sha256.
import { createHash } from 'node:crypto';
import type { TrustedKey } from '@affidavit/attest/dsse.ts';
import { parseVerifierKey } from '@affidavit/attest/keys.ts';
import type { PolicyMode, PolicyResult } from '@affidavit/attest/policy/result.ts';
import { verifyPolicy } from '@affidavit/attest/policy/verify-policy.ts';
import { createRegoEngine } from '@affidavit/rego/rego.ts';
import type { Inputs } from './case.ts';

export function askOurs(inputs: Inputs, mode: PolicyMode, nowMs: number): Promise<PolicyResult> {
	return verifyPolicy({
		policy: { name: 'policy.json', bytes: inputs.policy },
		policyKeys: policyKeys(inputs.policyKey),
		subjects: [createHash('sha256').update(inputs.artifact).digest('hex')],
		attestations: inputs.attestations,
		mode,
		nowMs,
		nowNs: BigInt(nowMs) * 1_000_000n,
		rego: createRegoEngine(),
	});
}

function policyKeys(pem: string): TrustedKey[] {
	const parsed = parseVerifierKey(Buffer.from(pem), 'policy.pub');
	return parsed.kind === 'key' ? [{ key: parsed.key, keyId: parsed.keyId }] : [];
}
