// `verify --policy`: reads what is asked for, asks the policy engine, prints the tree, writes the summary.
import type { PolicyResult } from '@affidavit/attest/policy/result.ts';
import type { PolicyWay } from '../commands/verify.ts';
import { type CliContext, jsonLine } from '../context.ts';
import { boundHeap } from '../heap.ts';
import { printable } from '../text/printable.ts';
import { answerLine } from './answer-line.ts';
import { askPolicy } from './ask-policy.ts';
import {
	artifactDigest,
	policyBytesMax,
	policyTotalBytesMax,
	readBounded,
	readEnvelopes,
	readPublicKeys,
} from './inputs.ts';
import { openRegoEngine } from './open-rego-engine.ts';
import { policyTree } from './policy-tree.ts';
import { renderTree, type TreeNode, treeStyle } from './render-tree.ts';
import { readSigningKey, writeSummary } from './summary-file.ts';

export async function verifyAgainstPolicy(context: CliContext, artifact: string, way: PolicyWay): Promise<boolean> {
	boundHeap();
	// Everything that can be wrong use is looked at before anything is judged.
	const policyKeys = await readPublicKeys(way.policyKeys);
	const signer = way.vsa === null ? null : await readSigningKey(way.vsa.key);
	const policyBytes = await readBounded(way.policy, policyBytesMax);
	const sha256 = await artifactDigest(artifact);
	const attestations = await readEnvelopes(way.attestations, policyTotalBytesMax);
	const rego = await openRegoEngine(way.regoEngine, context.env['PATH'] ?? '');
	const nowMs = Date.now();
	const result = await askPolicy({
		policy: { name: way.policy, bytes: policyBytes },
		policyKeys,
		subjects: [sha256],
		attestations,
		mode: way.mode,
		nowMs,
		rego,
	});
	if (way.vsa !== null && signer !== null)
		await writeSummary(way.vsa, signer, { artifact, sha256, policyBytes, result, nowMs });
	if (!result.policy.accepted && isUnsigned(policyBytes))
		context.stderr.write(`affidavit: ${printable(way.policy)}: is not signed; \`affidavit policy sign\` signs it\n`);
	if (way.json) context.stdout.write(jsonLine({ artifact: { name: artifact, sha256 }, ...result }));
	else {
		const style = treeStyle({ isTerminal: context.stdout.isTTY === true, env: context.env });
		context.stdout.write(renderTree(answerTree(artifact, sha256, result), style));
	}
	return result.accepted;
}

/** A source, or Witness's JSON: what `policy sign` takes. A key, say, is neither. */
const isUnsigned = (policy: Buffer): boolean => policy.includes('steps') && !policy.includes('"signatures"');

/** The answer first, then the way to it. */
export function answerTree(artifact: string, sha256: string, result: PolicyResult): TreeNode[] {
	return [
		{ accepted: result.accepted, text: answerLine(artifact, sha256, result.accepted), children: [] },
		{ accepted: null, text: result.reason, children: [] },
		...policyTree(result),
	];
}
