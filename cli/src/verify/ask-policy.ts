// One question to the policy engine, and to the rules on traces that only Affidavit asks.
import type { PolicyResult } from '@affidavit/attest/policy/result.ts';
import { type VerifyPolicyRequest, verifyPolicy } from '@affidavit/attest/policy/verify-policy.ts';
import { judgeTraces } from './trace-rules.ts';

export async function askPolicy(question: Omit<VerifyPolicyRequest, 'nowNs'>): Promise<PolicyResult> {
	const request = { ...question, nowNs: BigInt(question.nowMs) * 1_000_000n };
	return judgeTraces({ request, result: await verifyPolicy(request) });
}
