// Where the runtime-traces are among the given attestations, by session. What the index holds is unverified: it only says
// which files to look into, and holds no payload, of which there may be a hundred megabytes.
import { type Envelope, payloadSha256 } from '@affidavit/attest/dsse.ts';
import { readGoEnvelope } from '@affidavit/attest/policy/go-envelope.ts';
import { isObject, parseStatement } from '@affidavit/attest/statement.ts';
import { collectionPredicateType, inTotoPayloadType, runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import type { NamedEnvelope } from '@affidavit/attest/verify-artifact.ts';

export interface SessionRevision {
	session: string;
	revision: number;
}

export interface OpenedTrace {
	envelope: Envelope;
	predicate: Record<string, unknown>;
}

export type TraceIndex = ReadonlyMap<string, readonly NamedEnvelope[]>;

export function indexTraces(attestations: readonly NamedEnvelope[]): TraceIndex {
	const bySession = new Map<string, NamedEnvelope[]>();
	for (const named of attestations) {
		const trace = openTrace(named);
		const key = trace && keyOf(traceSession(trace.predicate));
		if (key) bySession.set(key, [...(bySession.get(key) ?? []), named]);
	}
	return bySession;
}

export const keyOf = (of: SessionRevision | null): string => (of === null ? '' : `${of.session} ${of.revision}`);

/** null for what is no runtime-trace. The signature is still to be checked. */
export const openTrace = (named: NamedEnvelope): OpenedTrace | null => openStatement(named, runtimeTracePredicateType);

/** The session that Affidavit made the collection of; null for another tool's, and for another payload than the one judged. */
export function collectionSession(named: NamedEnvelope, sha256: string): SessionRevision | null {
	const opened = openStatement(named, collectionPredicateType);
	if (opened === null || payloadSha256(opened.envelope) !== sha256) return null;
	const said = opened.predicate['affidavit'];
	return isObject(said) ? sessionRevision(said['session'], said['revision']) : null;
}

function traceSession({ session, verdict }: Record<string, unknown>): SessionRevision | null {
	return isObject(session) && isObject(verdict) ? sessionRevision(session['id'], verdict['revision']) : null;
}

const sessionRevision = (session: unknown, revision: unknown): SessionRevision | null =>
	typeof session === 'string' && typeof revision === 'number' ? { session, revision } : null;

function openStatement({ bytes }: NamedEnvelope, predicateType: string): OpenedTrace | null {
	const read = readGoEnvelope(bytes);
	// What strict mode does not take of a collection it does not take here.
	if (read.kind !== 'envelope' || read.ambiguity !== '' || read.envelope.payloadType !== inTotoPayloadType) return null;
	const parsed = parseStatement(read.envelope.payload);
	if (parsed.kind === 'invalid' || parsed.statement.predicateType !== predicateType) return null;
	const { predicate } = parsed.statement;
	return isObject(predicate) ? { envelope: read.envelope, predicate } : null;
}
