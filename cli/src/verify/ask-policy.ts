// One question to the policy engine, and to the rules on traces that only Affidavit asks.
import type { PolicyResult } from '@affidavit/attest/policy/result.ts';
import { type VerifyPolicyRequest, verifyPolicy } from '@affidavit/attest/policy/verify-policy.ts';
import { judgeTraces } from './trace-rules.ts';

export async function askPolicy(request: Omit<VerifyPolicyRequest, 'nowNs'>): Promise<PolicyResult> {
	const nowNs = BigInt(request.nowMs) * 1_000_000n;
	const result = await verifyPolicy({ ...request, nowNs });
	const { policy, attestations, rego } = request;
	return judgeTraces({ result, policyBytes: policy.bytes, attestations, rego, nowNs });
}
