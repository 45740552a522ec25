// Rules on Affidavit's own runtime-trace statements, which a policy may ask for beside Witness's collections (docs/policy.md).
// Witness ignores the field `traces`, so these rules only ever refuse what the policy engine accepted, in strict mode.
import type { Envelope } from '@affidavit/attest/dsse.ts';
import type { LoadedAttestation } from '@affidavit/attest/policy/collection.ts';
import { judgeSigners } from '@affidavit/attest/policy/functionaries.ts';
import { readGoEnvelope } from '@affidavit/attest/policy/go-envelope.ts';
import { raw } from '@affidavit/attest/policy/go-shape.ts';
import { parsePolicy } from '@affidavit/attest/policy/policy.ts';
import type { Policy } from '@affidavit/attest/policy/policy-model.ts';
import { judgeAttestation, regoGate } from '@affidavit/attest/policy/rego-gate.ts';
import type { AttestationNode, CollectionNode, PolicyResult, StepNode } from '@affidavit/attest/policy/result.ts';
import { regoStepsMax, type VerifyPolicyRequest } from '@affidavit/attest/policy/verify-policy.ts';
import { checkSigners } from '@affidavit/attest/signers.ts';
import { isObject, parseStatement } from '@affidavit/attest/statement.ts';
import { collectionPredicateType, runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import type { NamedEnvelope } from '@affidavit/attest/verify-artifact.ts';
import { type PolicyDocument, parsePolicyJson, type RequiredAttestation, readDocument } from '../policy/document.ts';

/** `request`: what `result` is the answer to. */
export interface TraceRequest {
	result: PolicyResult;
	request: VerifyPolicyRequest;
}

/** What the checks of one verification share. */
interface Traces {
	request: VerifyPolicyRequest;
	policy: Policy;
	envelopes: ReadonlyMap<string, NamedEnvelope>;
	/** By session; unverified until a signature is asked for. */
	bySession: ReadonlyMap<string, Statement[]>;
	/** Files whose trace was judged. */
	used: Set<string>;
	/** Steps of Rego that all traces may take together. */
	allowance: { steps: number };
}

interface Statement {
	/** Of the file. */
	name: string;
	envelope: Envelope;
	predicate: Record<string, unknown>;
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
		envelopes: new Map(attestations.map((named) => [named.name, named])),
		bySession: tracesBySession(attestations),
		used: new Set(),
		allowance: { steps: regoStepsMax },
	};
	const steps: StepNode[] = [];
	for (const step of result.steps) steps.push(await judgeStep(step, asked.get(step.name) ?? [], traces));
	const unused = result.unused.filter(({ envelope }) => !traces.used.has(envelope));
	const refused = steps.find((step) => !step.accepted);
	if (!refused) return { ...result, steps, unused };
	const traps = [...new Set([...result.traps, ...trapsOf(steps)])];
	return { ...result, accepted: false, reason: `step ${refused.name}: ${refused.reason}`, steps, unused, traps };
}

function documentOf(policyBytes: Uint8Array): PolicyDocument | null {
	const read = readGoEnvelope(policyBytes);
	if (read.kind !== 'envelope') return null;
	const json = parsePolicyJson(Buffer.from(read.envelope.payload).toString('utf8'));
	return json.kind === 'value' ? readDocument(json.value).document : null;
}

function tracesBySession(attestations: readonly NamedEnvelope[]): Map<string, Statement[]> {
	const bySession = new Map<string, Statement[]>();
	for (const named of attestations) {
		const statement = readStatement(named, runtimeTracePredicateType);
		const session =
			statement && isObject(statement.predicate['session']) ? statement.predicate['session']['id'] : undefined;
		if (statement === null || typeof session !== 'string') continue;
		bySession.set(session, [...(bySession.get(session) ?? []), statement]);
	}
	return bySession;
}

function readStatement({ name, bytes }: NamedEnvelope, predicateType: string): Statement | null {
	const read = readGoEnvelope(bytes);
	if (read.kind !== 'envelope') return null;
	const parsed = parseStatement(read.envelope.payload);
	if (parsed.kind === 'invalid' || parsed.statement.predicateType !== predicateType) return null;
	const { predicate } = parsed.statement;
	return isObject(predicate) ? { name, envelope: read.envelope, predicate } : null;
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
	const { rego, nowNs } = traces.request;
	const found = traceOf(collection, step, traces);
	const nodes: AttestationNode[] = [];
	for (const { type, regopolicies } of asked) {
		if (type !== runtimeTracePredicateType) nodes.push(missing(type, `expected ${runtimeTracePredicateType}`));
		else if (found.kind === 'none') nodes.push(missing(type, found.reason));
		else {
			const gate = regoGate({ type, rego: regopolicies });
			const context = { engine: rego, mode: 'strict', nowNs, allowance: traces.allowance } as const;
			nodes.push(await judgeAttestation(gate, loaded(found.predicate), -1, context));
		}
	}
	const refused = nodes.find((node) => !node.accepted);
	const attestations = [...collection.attestations, ...nodes];
	return refused
		? { ...collection, accepted: false, reason: refused.reason, attestations }
		: { ...collection, attestations };
}

const loaded = (predicate: Record<string, unknown>): LoadedAttestation => ({
	type: runtimeTracePredicateType,
	ownType: runtimeTracePredicateType,
	attestor: predicate,
	about: { types: [runtimeTracePredicateType], shape: raw, unknown: [] },
});

type FoundTrace = { kind: 'trace'; predicate: Record<string, unknown> } | { kind: 'none'; reason: string };

/** The runtime-trace of the collection's session and revision, signed by a functionary of the step. */
function traceOf(collection: CollectionNode, step: string, traces: Traces): FoundTrace {
	const envelope = traces.envelopes.get(collection.envelope);
	const said = envelope && readStatement(envelope, collectionPredicateType)?.predicate['affidavit'];
	if (!isObject(said) || typeof said['session'] !== 'string')
		return none('the collection names no session of Affidavit');
	const { session, revision } = said;
	for (const { name, envelope: trace, predicate } of traces.bySession.get(session) ?? []) {
		const { verdict } = predicate;
		if (!isObject(verdict) || verdict['revision'] !== revision || !isByFunctionary(trace, step, traces)) continue;
		traces.used.add(name);
		return { kind: 'trace', predicate };
	}
	return none(
		`no runtime-trace of session ${session}, revision ${String(revision)}, signed by a functionary of the step, is among the attestations`,
	);
}

function isByFunctionary(envelope: Envelope, stepName: string, { policy, request }: Traces): boolean {
	const step = policy.steps.find(({ name }) => name === stepName);
	if (!step) return false;
	const { roots, timestampAuthorities, keys } = policy;
	const checks = checkSigners(envelope, {
		keys,
		roots: roots.map(({ certificate }) => certificate),
		intermediates: roots.flatMap(({ intermediates }) => intermediates),
		timestampAuthorities: timestampAuthorities.flatMap(({ certificate, intermediates }) => [
			certificate,
			...intermediates,
		]),
		nowMs: request.nowMs,
	});
	return judgeSigners(checks, envelope, step, policy, 'strict').accepted;
}

const none = (reason: string): FoundTrace => ({ kind: 'none', reason });
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
