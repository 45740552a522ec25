// Rules on Affidavit's own runtime-trace statements, which a policy may ask for beside Witness's collections (docs/policy.md).
// Witness ignores the field `traces`, so these rules only ever refuse what the policy engine accepted, in strict mode.
import { type Envelope, payloadSha256 } from '@affidavit/attest/dsse.ts';
import type { LoadedAttestation } from '@affidavit/attest/policy/collection.ts';
import { judgeSigners, trustOf } from '@affidavit/attest/policy/functionaries.ts';
import { readGoEnvelope } from '@affidavit/attest/policy/go-envelope.ts';
import { raw } from '@affidavit/attest/policy/go-shape.ts';
import { parsePolicy } from '@affidavit/attest/policy/policy.ts';
import type { Policy } from '@affidavit/attest/policy/policy-model.ts';
import { judgeAttestation, regoGate } from '@affidavit/attest/policy/rego-gate.ts';
import type { AttestationNode, CollectionNode, PolicyResult, StepNode } from '@affidavit/attest/policy/result.ts';
import { regoStepsMax, type VerifyPolicyRequest } from '@affidavit/attest/policy/verify-policy.ts';
import { checkSigners, makeSignersAllowance, type SignersRequest } from '@affidavit/attest/signers.ts';
import { runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import type { NamedEnvelope } from '@affidavit/attest/verify-artifact.ts';
import { makeCertificateCache } from '@affidavit/attest/x509/certificate-cache.ts';
import { type PolicyDocument, parsePolicyJson, type RequiredAttestation, readDocument } from '../policy/document.ts';
import {
	collectionSession,
	indexTraces,
	keyOf,
	openTrace,
	type SessionRevision,
	type TraceIndex,
} from './trace-index.ts';

/** `request`: what `result` is the answer to. */
export interface TraceRequest {
	result: PolicyResult;
	request: VerifyPolicyRequest;
}

/** What the checks of one verification share. */
interface Traces {
	request: VerifyPolicyRequest;
	policy: Policy;
	/** By name; a file that is named twice may have changed between. */
	envelopes: ReadonlyMap<string, readonly NamedEnvelope[]>;
	index: TraceIndex;
	/** By step and session: a collection may be given many times. */
	judged: Map<string, AttestationNode[]>;
	/** Files whose trace was judged. */
	used: Set<string>;
	/** Steps of Rego that all traces may take together. */
	allowance: { steps: number };
	/** What their signatures are checked with, and may take together. */
	signers: SignersRequest;
}

/** The result, refused where an accepted collection's trace is missing or denied. */
export async function judgeTraces({ result, request }: TraceRequest): Promise<PolicyResult> {
	if (!result.accepted || result.mode === 'witness') return result;
	const { policy: envelope, policyKeys, mode, nowMs, attestations } = request;
	const parsed = parsePolicy({ envelope, policyKeys, mode, nowMs });
	const document = documentOf(envelope.bytes);
	if (parsed.kind === 'refused' || document === null)
		return { ...result, accepted: false, reason: 'policy: cannot be read for its rules on traces' };
	const asked = new Map(document.steps.map((step) => [step.id, step.traces]));
	if (![...asked.values()].some((of) => of.length > 0)) return result;
	const traces: Traces = {
		request,
		policy: parsed.policy,
		envelopes: Map.groupBy(attestations, ({ name }) => name),
		index: indexTraces(attestations),
		judged: new Map(),
		used: new Set(),
		allowance: { steps: regoStepsMax },
		signers: {
			...trustOf(parsed.policy),
			nowMs,
			cache: makeCertificateCache(),
			allowance: makeSignersAllowance(),
		},
	};
	const steps: StepNode[] = [];
	for (const step of result.steps) steps.push(await judgeStep(step, asked.get(step.name) ?? [], traces));
	const unused = result.unused.filter(({ envelope }) => !traces.used.has(envelope));
	const refused = steps.find((step) => !step.accepted);
	if (!refused) return { ...result, steps, unused };
	const traps = [...new Set([...result.traps, ...trapsOf(steps)])];
	return { ...result, accepted: false, reason: `step ${refused.name}: ${refused.reason}`, steps, unused, traps };
}

/** Null also where anything about traces is not as it should be: a rule that nobody else reads must not vanish. */
function documentOf(policyBytes: Uint8Array): PolicyDocument | null {
	const read = readGoEnvelope(policyBytes);
	if (read.kind !== 'envelope') return null;
	const json = parsePolicyJson(Buffer.from(read.envelope.payload).toString('utf8'));
	if (json.kind !== 'value') return null;
	const { document, problems } = readDocument(json.value);
	return problems.some(({ place }) => /\.traces\b/i.test(place)) ? null : document;
}

/** Every accepted collection must have its trace: an evil one beside a good one refuses the step. */
async function judgeStep(step: StepNode, asked: readonly RequiredAttestation[], traces: Traces): Promise<StepNode> {
	if (asked.length === 0) return step;
	const collections: CollectionNode[] = [];
	for (const collection of step.collections) {
		if (!collection.accepted) collections.push(collection);
		else collections.push(await judgeCollection(collection, step.name, asked, traces));
	}
	const refused = collections.find((collection, i) => !collection.accepted && step.collections[i]?.accepted);
	if (!refused) return { ...step, collections };
	return { ...step, accepted: false, reason: `${refused.envelope}: ${refused.reason}`, collections };
}

async function judgeCollection(
	collection: CollectionNode,
	step: string,
	asked: readonly RequiredAttestation[],
	traces: Traces,
): Promise<CollectionNode> {
	const given = traces.envelopes.get(collection.envelope) ?? [];
	const session = given.map((named) => collectionSession(named, collection.payloadSha256)).find((of) => of !== null);
	const nodes =
		session === undefined
			? asked.map(({ type }) => missing(type, 'the collection names no session of Affidavit'))
			: await judgeSession(session, step, asked, traces);
	const refused = nodes.find((node) => !node.accepted);
	const attestations = [...collection.attestations, ...nodes];
	return refused
		? { ...collection, accepted: false, reason: refused.reason, attestations }
		: { ...collection, attestations };
}

async function judgeSession(
	session: SessionRevision,
	step: string,
	asked: readonly RequiredAttestation[],
	traces: Traces,
): Promise<AttestationNode[]> {
	const key = JSON.stringify([step, keyOf(session)]);
	const known = traces.judged.get(key);
	if (known) return known;
	const { rego, nowNs } = traces.request;
	const context = { engine: rego, mode: 'strict', nowNs, allowance: traces.allowance } as const;
	const strange = asked.find(({ type }) => type !== runtimeTracePredicateType);
	const nodes = strange ? [missing(strange.type, `expected ${runtimeTracePredicateType}`)] : [];
	const gates = asked.map(({ type, regopolicies }) => regoGate({ type, rego: regopolicies }));
	let found = false;
	// Every one: a good trace beside an evil one does not hide it.
	for (const predicate of strange ? [] : tracesOf(session, step, traces)) {
		found = true;
		for (const gate of gates) nodes.push(await judgeAttestation(gate, loaded(predicate), -1, context));
	}
	if (!strange && !found) nodes.push(missing(runtimeTracePredicateType, noTrace(session)));
	traces.judged.set(key, nodes);
	return nodes;
}

const loaded = (predicate: Record<string, unknown>): LoadedAttestation => ({
	type: runtimeTracePredicateType,
	ownType: runtimeTracePredicateType,
	attestor: predicate,
	about: { types: [runtimeTracePredicateType], shape: raw, unknown: [] },
});

/** The runtime-traces of the session and revision that functionaries of the step signed, each once and one at a time: they are large. */
function* tracesOf(of: SessionRevision, step: string, traces: Traces): Generator<Record<string, unknown>> {
	const seen = new Set<string>();
	for (const named of traces.index.get(keyOf(of)) ?? []) {
		const trace = openTrace(named);
		if (trace === null || !isByFunctionary(trace.envelope, step, traces)) continue;
		traces.used.add(named.name);
		const sha256 = payloadSha256(trace.envelope);
		if (seen.has(sha256)) continue;
		seen.add(sha256);
		yield trace.predicate;
	}
}

const noTrace = ({ session, revision }: SessionRevision): string =>
	`no runtime-trace of session ${session}, revision ${revision}, signed by a functionary of the step, is among the attestations`;

function isByFunctionary(envelope: Envelope, stepName: string, { policy, signers }: Traces): boolean {
	const step = policy.steps.find(({ name }) => name === stepName);
	if (!step) return false;
	return judgeSigners(checkSigners(envelope, signers), envelope, step, policy, 'strict').accepted;
}

const missing = (type: string, reason: string): AttestationNode => ({
	type,
	index: -1,
	accepted: false,
	reason,
	rules: [],
});

const trapsOf = (steps: readonly StepNode[]): PolicyResult['traps'] =>
	steps.flatMap((step) =>
		step.collections.flatMap((c) => c.attestations.flatMap((a) => a.rules.flatMap((r) => r.traps.map((t) => t.code)))),
	);
