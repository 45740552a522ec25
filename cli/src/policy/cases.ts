// The cases of a policy: which artifact must pass with which attestations, and which must not (policy.test.yaml).

import type { PolicyResult } from '@affidavit/attest/policy/result.ts';
import { parseRfc3339 } from '@affidavit/attest/policy/rfc3339.ts';
import { z } from 'zod';
import { policyTree } from '../verify/policy-tree.ts';
import type { TreeNode } from '../verify/render-tree.ts';
import { readYaml } from './yaml-text.ts';

/** Cases of one file. */
export const casesMax = 1_000;

const caseSchema = z.strictObject({
	name: z.string().min(1),
	/** sha256:HEX, or a file relative to the cases. */
	artifact: z.string().min(1),
	/** Files and folders, relative to the cases. */
	attestations: z.array(z.string().min(1)).min(1),
	/** RFC 3339; now when absent. */
	now: z
		.string()
		.refine((text) => parseRfc3339(text, true) !== null, 'expected a time as in 2030-01-31T00:00:00Z')
		.optional(),
	mode: z.enum(['strict', 'witness']).optional(),
	expect: z.enum(['accepted', 'rejected']),
	/** Text that the answer's reason, or a line of its tree, must hold. */
	reason: z.string().min(1).optional(),
});

const casesSchema = z.strictObject({ cases: z.array(caseSchema).min(1).max(casesMax) });

export type PolicyCase = z.output<typeof caseSchema>;

export type ReadCases = { kind: 'cases'; cases: PolicyCase[] } | { kind: 'invalid'; reason: string };

export function readCases(text: string): ReadCases {
	const read = readYaml(text);
	if (read.kind === 'invalid') return { kind: 'invalid', reason: `${read.place}: ${read.message}` };
	const parsed = casesSchema.safeParse(read.value);
	if (parsed.success) return { kind: 'cases', cases: parsed.data.cases };
	const issue = parsed.error.issues[0];
	return { kind: 'invalid', reason: `${issue?.path.join('.')}: ${issue?.message}` };
}

export interface CaseResult {
	name: string;
	passed: boolean;
	expected: 'accepted' | 'rejected';
	found: 'accepted' | 'rejected';
	/** What the case found, and what it wanted where it failed. */
	reason: string;
}

export function judgeCase({ name, expect, reason }: PolicyCase, result: PolicyResult): CaseResult {
	const found = result.accepted ? 'accepted' : 'rejected';
	const said = reason === undefined || says(result, reason);
	const words = said ? result.reason : `expected a reason with ${JSON.stringify(reason)}, found: ${result.reason}`;
	return { name, passed: found === expect && said, expected: expect, found, reason: words };
}

function says(result: PolicyResult, text: string): boolean {
	const holds = (node: TreeNode): boolean => node.text.includes(text) || node.children.some(holds);
	return result.reason.includes(text) || policyTree(result).some(holds);
}
