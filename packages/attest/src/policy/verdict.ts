// What the judged collections come to: the steps, the envelopes that none of them took, the answer and its one sentence.
import type { JudgedCollection } from './judge-collection.ts';
import type { Policy } from './policy-model.ts';
import type { PolicyNode, PolicyResult, StepNode, UnusedEnvelope } from './result.ts';
import type { EnvelopeIndex } from './search.ts';
import type { TrapCode } from './traps.ts';
import type { VerifyPolicyRequest } from './verify-policy.ts';

/** Candidates of each step, in the order found, by their position among the given. */
export type Judged = ReadonlyMap<string, Map<number, JudgedCollection>>;

/** What the steps come to, and what strict mode asks of the whole. */
export function verdict(
	request: VerifyPolicyRequest,
	node: PolicyNode,
	policy: Policy,
	judged: Judged,
	index: EnvelopeIndex,
): PolicyResult {
	const steps = policy.steps.map((step) => stepNode(step.name, [...(judged.get(step.name)?.values() ?? [])]));
	const traps = steps.flatMap(({ collections }) => collections.flatMap(trapsOf));
	const taken = new Set([...judged.values()].flatMap((ofStep) => [...ofStep.keys()]));
	const unused = unusedEnvelopes(request, policy, index, taken);
	const failed = steps.find(({ accepted }) => !accepted);
	const all = [...judged.values()].flatMap((ofStep) => [...ofStep.values()]);
	const made =
		request.mode === 'witness' || all.some(({ makesProduct, node: { accepted } }) => makesProduct && accepted);
	// When a product is there and its collection is refused, that refusal has its own words.
	const other = all.some(({ signed }) => signed) && !made && !(failed && all.some(({ makesProduct }) => makesProduct));
	if (other) traps.push('subject-not-a-product');
	if (failed && failed.collections.length === 0 && all.some(({ emptyReference }) => emptyReference)) {
		traps.push('empty-back-reference');
		const reason = `step ${failed.name}: ${failed.reason}; a back reference to nothing (no commit, no pipeline URL) is not followed`;
		return result(request, node, { reason, steps, unused, traps });
	}
	if (failed) return result(request, node, { reason: `step ${failed.name}: ${failed.reason}`, steps, unused, traps });
	if (!made) {
		const reason = 'the artifact is a subject, but nothing that an accepted step made: a source, a commit, a tool';
		return result(request, node, { reason, steps, unused, traps });
	}
	const reason = steps.length === 1 ? 'the step is accepted' : `all ${steps.length} steps are accepted`;
	return result(request, node, { accepted: true, reason, steps, unused, traps });
}

function stepNode(name: string, judged: readonly JudgedCollection[]): StepNode {
	const collections = judged.map(({ node }) => node);
	const accepted = collections.filter((collection) => collection.accepted);
	if (accepted.length > 0)
		return {
			name,
			accepted: true,
			reason: `accepted by ${some(accepted.map(({ envelope }) => envelope))}`,
			collections,
		};
	// Strangers' envelopes beside a good one's must not hide why that one failed.
	const nearest = judged.find(({ signed }) => signed)?.node ?? collections[0];
	if (nearest === undefined)
		return { name, accepted: false, reason: `no collections found for step ${name}`, collections };
	const reason = `${nearest.envelope}: ${nearest.reason}`;
	const more = collections.length > 1 ? ` (and ${collections.length - 1} more collections rejected)` : '';
	return { name, accepted: false, reason: `${reason}${more}`, collections };
}

const shownMax = 3;
const some = (names: readonly string[]): string =>
	names.slice(0, shownMax).join(', ') + (names.length > shownMax ? ` and ${names.length - shownMax} more` : '');

function trapsOf({ traps, attestations }: StepNode['collections'][number]): TrapCode[] {
	const ofRules = attestations.flatMap(({ rules }) => rules.flatMap((rule) => rule.traps));
	return [...traps, ...ofRules].map(({ code }) => code);
}

function unusedEnvelopes(
	{ attestations }: VerifyPolicyRequest,
	{ steps }: Policy,
	{ others, names }: EnvelopeIndex,
	taken: ReadonlySet<number>,
): UnusedEnvelope[] {
	const byName = new Set(steps.map(({ name }) => name));
	const unused: UnusedEnvelope[] = [];
	for (const [i, { name: envelope }] of attestations.entries()) {
		if (taken.has(i)) continue;
		const name = names.get(i) ?? '';
		const reason = byName.has(name)
			? `collection of step ${name}: no subject is one of the digests searched for, or a required type is missing`
			: `collection of ${JSON.stringify(name.slice(0, 80))}, which is no step of the policy`;
		unused.push({ envelope, reason: others.get(i) ?? reason });
	}
	return unused;
}

export interface Outcome {
	reason: string;
	accepted?: boolean;
	steps?: StepNode[];
	unused?: UnusedEnvelope[];
	traps?: TrapCode[];
}

/** The tree from its top. */
export function result(
	{ mode, rego, subjects }: VerifyPolicyRequest,
	policy: PolicyNode,
	{ reason, accepted = false, steps = [], unused = [], traps = [] }: Outcome,
): PolicyResult {
	return {
		accepted,
		reason,
		mode,
		regoEngine: rego.name,
		policy,
		subjects: [...subjects],
		steps,
		unused,
		traps: [...new Set(traps)],
	};
}
