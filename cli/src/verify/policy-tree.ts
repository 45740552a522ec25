// What a verification against a policy said, as a tree of lines: step → collection → functionary, attestation → rule.
import type {
	ArtifactNode,
	AttestationNode,
	CollectionNode,
	FunctionaryNode,
	PolicyResult,
	RuleNode,
	StepNode,
	TrapNode,
} from '@affidavit/attest/policy/result.ts';
import type { TreeNode } from './render-tree.ts';

/** Hex digits of a key id that are shown: enough to tell keys apart. */
const keyIdCharsShown = 16;

/** The policy, its steps, what was not used, and what the reader must know about how it was judged. */
export function policyTree(result: PolicyResult): TreeNode[] {
	const { policy, steps, unused } = result;
	return [
		{
			accepted: policy.accepted,
			text: `policy ${policy.name}: ${policy.reason}`,
			children: [...steps.map(stepNode), ...unusedNode(unused)],
		},
		...modeNotes(result).map((text) => leaf(null, text)),
	];
}

function stepNode({ name, accepted, reason, collections }: StepNode): TreeNode {
	return { accepted, text: labelled(`step ${name}`, reason, collections), children: collections.map(collectionNode) };
}

function collectionNode(collection: CollectionNode): TreeNode {
	const { envelope, accepted, reason, matched, functionaries, attestations, artifacts, traps } = collection;
	const found = matched.subject === '' ? [] : [leaf(null, foundBy(matched))];
	return {
		accepted,
		text: labelled(`collection ${envelope}`, reason, [...functionaries, ...attestations, ...artifacts]),
		children: [
			...found,
			...functionaries.map(functionaryNode),
			...attestations.map(attestationNode),
			...artifacts.map(artifactNode),
			...traps.map(trapNode),
		],
	};
}

/** The reason, unless a line below says the same. */
function labelled(label: string, reason: string, below: readonly { accepted: boolean; reason: string }[]): string {
	const isToldBelow = below.some((node) => !node.accepted && node.reason !== '' && reason.includes(node.reason));
	return isToldBelow ? label : `${label}: ${reason}`;
}

const foundBy = ({ subject, digest, round }: CollectionNode['matched']): string =>
	`found by ${subject} (${digest})${round === 0 ? '' : `, in search round ${round + 1}, through another collection's subjects`}`;

function functionaryNode({
	kind,
	expected,
	keyId,
	certificate,
	timestamp,
	accepted,
	reason,
}: FunctionaryNode): TreeNode {
	const who = kind === 'publickey' ? `key ${short(expected)}` : `certificate below ${expected}`;
	const signer =
		certificate !== ''
			? `, signed by ${certificate}`
			: keyId !== '' && keyId !== expected
				? `, signed by ${short(keyId)}`
				: '';
	const at = timestamp === '' ? '' : `, at ${timestamp}`;
	return leaf(accepted, `functionary ${who}${signer}${at}: ${reason}`);
}

function attestationNode({ type, index, accepted, reason, rules }: AttestationNode): TreeNode {
	const place = index < 0 ? '' : ` [${index}]`;
	const text = labelled(`attestation ${shortType(type)}${place}`, reason, rules);
	return { accepted, text, children: rules.map(ruleNode) };
}

function ruleNode(rule: RuleNode): TreeNode {
	const place = rule.package === '' ? '' : ` (${rule.package})`;
	return {
		accepted: rule.accepted,
		text: labelled(
			`rule ${rule.name}${place}`,
			rule.reason,
			rule.traps.map(({ message }) => ({ accepted: false, reason: message })),
		),
		children: [
			// One denial is the reason already.
			...(rule.denials.length > 1 ? rule.denials.map((denial) => leaf(false, `denied: ${denial}`)) : []),
			...rule.traps.map(trapNode),
		],
	};
}

function artifactNode({ from, accepted, reason, mismatches }: ArtifactNode): TreeNode {
	const children = mismatches.map(({ path, material, artifact }) =>
		leaf(false, `${path}: read as ${material}, ${from} has ${artifact}`),
	);
	return { accepted, text: `artifacts from ${from}: ${reason}`, children };
}

const trapNode = ({ code, message }: TrapNode): TreeNode => leaf(false, `trap ${code}: ${message}`);

function unusedNode(unused: PolicyResult['unused']): TreeNode[] {
	if (unused.length === 0) return [];
	const children = unused.map(({ envelope, reason }) => leaf(null, `${envelope}: ${reason}`));
	return [{ accepted: null, text: `not used: ${unused.length}`, children }];
}

/** Only affidavit's engine tells which rules ended because a field is missing (rego-engine.ts: tellsMissing). */
export const tellsMissing = (regoEngine: string): boolean => !regoEngine.startsWith('opa');

function modeNotes({ mode, regoEngine, traps }: PolicyResult): string[] {
	const notes: string[] = [];
	if (mode === 'witness')
		notes.push('judged as Witness judges (--compat witness): where it fails open, so does this answer');
	else if (!tellsMissing(regoEngine))
		notes.push(
			`Rego by ${regoEngine}: it cannot tell when a rule ended because a field is missing, so that was not looked for`,
		);
	if (traps.length > 0) notes.push(`traps: ${traps.join(', ')} (docs/verify.md says what each means)`);
	return notes;
}

const leaf = (accepted: boolean | null, text: string): TreeNode => ({ accepted, text, children: [] });
const short = (keyId: string): string => keyId.slice(0, keyIdCharsShown);

const witnessPrefix = 'https://witness.dev/attestations/';
/** Witness's own types without what they all begin with. */
export const shortType = (type: string): string =>
	type.startsWith(witnessPrefix) ? type.slice(witnessPrefix.length) : type;
