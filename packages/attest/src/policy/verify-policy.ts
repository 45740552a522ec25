// Is this artifact what the policy asks for? A list of checks from the top: the policy, the files, the search in rounds, the
// links between steps, the verdict. Pure: no file, no clock, no network.
import type { TrustedKey } from '../dsse.ts';
import type { SignersAllowance } from '../signers.ts';
import { makeSignersAllowance } from '../signers.ts';
import type { NamedEnvelope } from '../verify-artifact.ts';
import { type CertificateCache, makeCertificateCache } from '../x509/certificate-cache.ts';
import { trustOf } from './functionaries.ts';
import type { JudgedCollection, StepContext } from './judge-collection.ts';
import { artifactPathsMax, judgeCollection } from './judge-collection.ts';
import { linkArtifacts } from './link-artifacts.ts';
import { parsePolicy } from './policy.ts';
import type { Policy, PolicyStep } from './policy-model.ts';
import type { RegoEngine } from './rego-engine.ts';
import { regoGate } from './rego-gate.ts';
import type { PolicyMode, PolicyResult } from './result.ts';
import type { EnvelopeIndex } from './search.ts';
import { envelopesMax, indexEnvelopes, roundsMax, searchStep } from './search.ts';
import type { Judged } from './verdict.ts';
import { result, verdict } from './verdict.ts';

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
	if (index.broken.length > 0) return result(request, node, { reason: brokenReason(index.broken) });
	const judged = await searchInRounds(request, policy, index);
	if (judged === null) return result(request, node, { reason: `the search led to more than ${digestsMax} digests` });
	linkArtifacts(policy, passedBy(judged), mode);
	return verdict(request, node, policy, judged, index);
}

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
			...trustOf(policy),
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

const brokenShownMax = 20;

function brokenReason(broken: readonly string[]): string {
	const more = broken.length > brokenShownMax ? ` and ${broken.length - brokenShownMax} more` : '';
	return `attestations that cannot be loaded: ${broken.slice(0, brokenShownMax).join('; ')}${more}`;
}
