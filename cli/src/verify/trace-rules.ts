// Rules on Affidavit's own runtime-trace statements, which a policy may ask for beside Witness's collections (docs/policy.md).
// Witness ignores the field `traces`, so these rules only ever refuse what the policy engine accepted, in strict mode.
import { type Envelope, type TrustedKey, verifyEnvelope } from '@affidavit/attest/dsse.ts';
import { parsePublicKey } from '@affidavit/attest/keys.ts';
import type { LoadedAttestation } from '@affidavit/attest/policy/collection.ts';
import { readGoEnvelope } from '@affidavit/attest/policy/go-envelope.ts';
import { raw } from '@affidavit/attest/policy/go-shape.ts';
import type { RegoEngine } from '@affidavit/attest/policy/rego-engine.ts';
import { judgeAttestation, regoGate } from '@affidavit/attest/policy/rego-gate.ts';
import type { AttestationNode, CollectionNode, PolicyResult, StepNode } from '@affidavit/attest/policy/result.ts';
import { isObject, parseStatement } from '@affidavit/attest/statement.ts';
import { collectionPredicateType, runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import type { NamedEnvelope } from '@affidavit/attest/verify-artifact.ts';
import { type PolicyDocument, parsePolicyJson, type RequiredAttestation, readDocument } from '../policy/document.ts';

export interface TraceRequest {
	result: PolicyResult;
	policyBytes: Uint8Array;
	attestations: readonly NamedEnvelope[];
	rego: RegoEngine;
	nowNs: bigint;
}

/** What the checks of one verification share. */
interface Traces {
	request: TraceRequest;
	publickeys: PolicyDocument['publickeys'];
	envelopes: ReadonlyMap<string, NamedEnvelope>;
	/** By session; unverified until a signature is asked for. */
	bySession: ReadonlyMap<string, Statement[]>;
	/** Files whose trace was judged. */
	used: Set<string>;
}

interface Statement {
	/** Of the file. */
	name: string;
	envelope: Envelope;
	predicate: Record<string, unknown>;
}

/** The result, refused where an accepted collection's trace is missing or denied. */
export async function judgeTraces(request: TraceRequest): Promise<PolicyResult> {
	const { result, policyBytes, attestations } = request;
	if (!result.accepted || result.mode === 'witness') return result;
	const document = documentOf(policyBytes);
	if (document === null)
		return { ...result, accepted: false, reason: 'policy: cannot be read for its rules on traces' };
	const asked = new Map(document.steps.map((step) => [step.id, step.traces]));
	if (![...asked.values()].some((traces) => traces.length > 0)) return result;
	const traces: Traces = {
		request,
		publickeys: document.publickeys,
		envelopes: new Map(attestations.map((envelope) => [envelope.name, envelope])),
		bySession: tracesBySession(attestations),
		used: new Set(),
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
		else collections.push(await judgeCollection(collection, asked, traces));
	}
	const refused = collections.find((collection, i) => !collection.accepted && step.collections[i]?.accepted);
	if (!refused) return { ...step, collections };
	return { ...step, accepted: false, reason: `${refused.envelope}: ${refused.reason}`, collections };
}

async function judgeCollection(
	collection: CollectionNode,
	asked: readonly RequiredAttestation[],
	traces: Traces,
): Promise<CollectionNode> {
	const { rego, nowNs } = traces.request;
	const found = traceOf(collection, traces);
	const nodes: AttestationNode[] = [];
	for (const { type, regopolicies } of asked) {
		if (type !== runtimeTracePredicateType) nodes.push(missing(type, `expected ${runtimeTracePredicateType}`));
		else if (found.kind === 'none') nodes.push(missing(type, found.reason));
		else {
			const gate = regoGate({ type, rego: regopolicies });
			nodes.push(await judgeAttestation(gate, loaded(found.predicate), -1, { engine: rego, mode: 'strict', nowNs }));
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

/** The runtime-trace of the collection's session and revision, signed by the key that signed the collection. */
function traceOf(collection: CollectionNode, { publickeys, envelopes, bySession, used }: Traces): FoundTrace {
	const keys = signersOf(collection, publickeys);
	if (keys.length === 0)
		return none('the collection is not signed by a bare key of the policy, so no trace can be tied to it');
	const envelope = envelopes.get(collection.envelope);
	const said = envelope && readStatement(envelope, collectionPredicateType)?.predicate['affidavit'];
	if (!isObject(said) || typeof said['session'] !== 'string')
		return none('the collection names no session of Affidavit');
	const { session, revision } = said;
	for (const { name, envelope: trace, predicate } of bySession.get(session) ?? []) {
		const { verdict } = predicate;
		if (!isObject(verdict) || verdict['revision'] !== revision) continue;
		if (verifyEnvelope(trace, keys).kind !== 'verified') continue;
		used.add(name);
		return { kind: 'trace', predicate };
	}
	return none(
		`no runtime-trace of session ${session}, revision ${String(revision)}, signed by the same key, is among the attestations`,
	);
}

/** Keys of the policy that signed the collection as its functionaries. */
function signersOf({ functionaries }: CollectionNode, publickeys: PolicyDocument['publickeys']): TrustedKey[] {
	const ids = new Set(functionaries.filter((f) => f.accepted && f.certificate === '').map((f) => f.keyId));
	return publickeys.flatMap(({ key }) => {
		const parsed = parsePublicKey(key.toString('utf8'), 'key');
		return parsed.kind === 'key' && ids.has(parsed.keyId) ? [{ key: parsed.key, keyId: parsed.keyId }] : [];
	});
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
