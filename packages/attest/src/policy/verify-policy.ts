// Is this artifact what the policy asks for? A list of checks from the top: the policy, the files, the search in rounds, the
// links between steps, the verdict. Pure: no file, no clock, no network.
import type { TrustedKey } from '../dsse.ts';
import type { SignersAllowance } from '../signers.ts';
import { makeSignersAllowance } from '../signers.ts';
import type { NamedEnvelope } from '../verify-artifact.ts';
import { type CertificateCache, makeCertificateCache } from '../x509/certificate-cache.ts';
import type { JudgedCollection, StepContext } from './judge-collection.ts';
import { artifactPathsMax, judgeCollection } from './judge-collection.ts';
import { linkArtifacts } from './link-artifacts.ts';
import { parsePolicy } from './policy.ts';
import type { Policy, PolicyStep } from './policy-model.ts';
import type { RegoEngine } from './rego-engine.ts';
import { regoGate } from './rego-gate.ts';
import type { PolicyMode, PolicyNode, PolicyResult, StepNode, UnusedEnvelope } from './result.ts';
import type { EnvelopeIndex } from './search.ts';
import { envelopesMax, indexEnvelopes, roundsMax, searchStep } from './search.ts';
import type { TrapCode } from './traps.ts';

export interface VerifyPolicyRequest {
	policy: NamedEnvelope;
	/** Keys one of which must have signed the policy. */
	policyKeys: readonly TrustedKey[];
	/** Digests of the artifact, hex. */
	subjects: readonly string[];
	attestations: readonly NamedEnvelope[];
	mode: PolicyMode;
	/** Unix time in milliseconds: expiry, and certificates without a timestamp. */
	nowMs: number;
	/** The same in nanoseconds, for Rego. */
	nowNs: bigint;
	rego: RegoEngine;
}

/** Steps of Rego that all attestors of one verification may take together. */
export const regoStepsMax = 40_000_000;
/** Most digests that the search holds: subjects and back references. */
export const digestsMax = 100_000;

export async function verifyPolicy(request: VerifyPolicyRequest): Promise<PolicyResult> {
	const { mode, nowMs, subjects, attestations } = request;
	const parsed = parsePolicy({ envelope: request.policy, policyKeys: request.policyKeys, mode, nowMs });
	if (parsed.kind === 'refused') {
		const traps = parsed.problems.flatMap(({ trap }) => trap ?? []);
		return result(request, parsed.node, { reason: `policy: ${parsed.node.reason}`, traps });
	}
	const { policy, node } = parsed;
	if (subjects.length === 0) return result(request, node, { reason: 'at least one subject digest is required' });
	if (policy.steps.length === 0) return result(request, node, { reason: 'the policy has no steps: it proves nothing' });
	if (attestations.length > envelopesMax)
		return result(request, node, {
			reason: `expected at most ${envelopesMax} attestations, found ${attestations.length}`,
		});
	const index = indexEnvelopes(attestations);
	// One attestation that cannot be loaded makes the real engine refuse the whole run; we name them all.
	if (index.broken.length > 0) return result(request, node, { reason: brokenReason(index.broken), index });
	const judged = await searchInRounds(request, policy, index);
	if (judged === null) return result(request, node, { reason: `the search led to more than ${digestsMax} digests` });
	linkArtifacts(policy, passedBy(judged), mode);
	return verdict(request, node, policy, judged, index);
}

/** Candidates of each step, in the order found. */
type Judged = ReadonlyMap<string, Map<number, JudgedCollection>>;

/**
 * Each round looks for what the digests of the rounds before can find. The real engine takes steps in random order and lets
 * a round see what it found itself; ours finds what every order finds. Null when there are too many digests.
 */
async function searchInRounds(
	request: VerifyPolicyRequest,
	policy: Policy,
	index: EnvelopeIndex,
): Promise<Judged | null> {
	const known = new Set(request.subjects);
	const shared: Shared = {
		rego: { steps: regoStepsMax },
		signers: makeSignersAllowance(),
		certificates: makeCertificateCache(),
		verdicts: index.verdicts,
		paths: { left: artifactPathsMax },
	};
	const contexts = policy.steps.map((step) => stepContext(request, policy, step, shared));
	const judged = new Map(policy.steps.map(({ name }) => [name, new Map<number, JudgedCollection>()]));
	let fresh: ReadonlySet<string> = known;
	for (let round = 0; round < roundsMax && fresh.size > 0; round++) {
		const found = new Set<string>();
		for (const context of contexts) {
			const { step } = context;
			const types = step.attestations.map(({ type }) => type);
			const ofStep = judged.get(step.name);
			for (const candidate of searchStep(index, step.name, types, fresh)) {
				if (!ofStep || ofStep.has(candidate.entry.index)) continue;
				const one = await judgeCollection(candidate, round, context);
				ofStep.set(candidate.entry.index, one);
				for (const digest of one.backReferences) found.add(digest);
			}
		}
		fresh = new Set([...found].filter((digest) => !known.has(digest)));
		for (const digest of fresh) known.add(digest);
		if (known.size > digestsMax) return null;
	}
	return judged;
}

/** What all candidates of all steps share, so that many of them cannot take more time than a few. */
interface Shared {
	rego: { steps: number };
	signers: SignersAllowance;
	certificates: CertificateCache;
	verdicts: EnvelopeIndex['verdicts'];
	paths: { left: number };
}

function stepContext(request: VerifyPolicyRequest, policy: Policy, step: PolicyStep, shared: Shared): StepContext {
	const { mode, nowMs, nowNs, rego, subjects } = request;
	const ofBundles = (bundles: Policy['roots']) => bundles.flatMap(({ intermediates }) => intermediates);
	return {
		engine: rego,
		mode,
		nowNs,
		allowance: shared.rego,
		paths: shared.paths,
		policy,
		step,
		gates: step.attestations.map(regoGate),
		signers: {
			keys: policy.keys,
			roots: policy.roots.map(({ certificate }) => certificate),
			intermediates: ofBundles(policy.roots),
			timestampAuthorities: policy.timestampAuthorities.flatMap(({ certificate, intermediates }) => [
				certificate,
				...intermediates,
			]),
			nowMs,
			lenient: mode === 'witness',
			allowance: shared.signers,
			cache: shared.certificates,
		},
		verdicts: shared.verdicts,
		subjects: new Set(subjects),
		keepMaterials: step.artifactsFrom.length > 0,
		keepArtifacts: policy.steps.some(({ artifactsFrom }) => artifactsFrom.includes(step.name)),
	};
}

const passedBy = (judged: Judged): Map<string, JudgedCollection[]> =>
	new Map([...judged].map(([step, ofStep]) => [step, [...ofStep.values()].filter(({ passed }) => passed)]));

function verdict(
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
	const [first] = collections;
	if (accepted.length > 0)
		return {
			name,
			accepted: true,
			reason: `accepted by ${accepted.map(({ envelope }) => envelope).join(', ')}`,
			collections,
		};
	if (first === undefined)
		return { name, accepted: false, reason: `no collections found for step ${name}`, collections };
	const reason = `${first.envelope}: ${first.reason}`;
	const more = collections.length > 1 ? ` (and ${collections.length - 1} more collections rejected)` : '';
	return { name, accepted: false, reason: `${reason}${more}`, collections };
}

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

const brokenShownMax = 20;

function brokenReason(broken: readonly string[]): string {
	const more = broken.length > brokenShownMax ? ` and ${broken.length - brokenShownMax} more` : '';
	return `attestations that cannot be loaded: ${broken.slice(0, brokenShownMax).join('; ')}${more}`;
}

interface Outcome {
	reason: string;
	accepted?: boolean;
	steps?: StepNode[];
	unused?: UnusedEnvelope[];
	traps?: TrapCode[];
	index?: EnvelopeIndex;
}

function result(
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
