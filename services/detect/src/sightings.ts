// Sightings: what the correlator tells of events that are not settled yet. They feed a session's leads and nothing else: neither its
// chain nor its facts nor its verdict know of them.
import { findingCodec } from '@affidavit/model/codec.ts';
import { emptyFacts, type FactChainLink, type Facts, sightingWithdrawn } from '@affidavit/model/facts.ts';
import type { OpenedFact } from '@affidavit/model/generated/session.ts';
import type { Finding } from '@affidavit/model/generated/verdict.ts';
import { encodeSession, newSession, type SessionState, sightedCell } from './core/session-state.ts';
import { emitArrived, emitLeads, forgetLeads } from './lead-output.ts';
import type { Draft, Worker } from './worker-state.ts';

export async function takeSighting(worker: Worker, draft: Draft, session: string, facts: Facts): Promise<void> {
	const open = worker.sessions.get(session);
	if (worker.closed.has(session)) return drop(worker, session, 'closed');
	if (facts.notes.some(({ cause }) => cause === sightingWithdrawn)) {
		const state = worker.sighted.get(session);
		if (state === undefined) drop(worker, session, open === undefined ? 'unknown-session' : 'opened');
		else await withdraw(worker, draft, state);
		return;
	}
	const state = open ?? worker.sighted.get(session) ?? (await begin(worker, draft, session, facts.opened));
	// The middle of a session that was judged before the store was lost, or that was given up.
	if (state === null) return drop(worker, session, 'unknown-session');
	const one = await worker.live.get(state);
	emitArrived(worker, draft, state, one);
	emitLeads(worker, draft, state, one.finder.add(leadFacts(facts)));
}

const leadFacts = ({ processes, files, connections, ptraces }: Facts): Facts => ({
	...emptyFacts(),
	processes,
	files,
	connections,
	ptraces,
});

async function begin(
	worker: Worker,
	draft: Draft,
	session: string,
	opened: OpenedFact | null,
): Promise<SessionState | null> {
	if (opened === null) return null;
	const { sighted, limits } = worker;
	const oldest = sighted.size >= limits.sightedSessions ? sighted.values().next().value : undefined;
	if (oldest !== undefined) await giveUp(worker, draft, oldest, 'limit');
	const state = newSession(session, draft.record.offset);
	state.opened = opened;
	sighted.set(session, state);
	draft.cells.set(sightedCell(session), encodeSession(state));
	return state;
}

/** The session's chain begins: what was sighted of it becomes its own. null when nothing was. */
export function takeSighted(worker: Worker, draft: Draft, link: FactChainLink, facts: Facts): SessionState | null {
	const { session } = link;
	const state = worker.sighted.get(session);
	if (state === undefined) return null;
	worker.sighted.delete(session);
	draft.cells.set(sightedCell(session), null);
	// Its verdict is made with the manifest of what the chain says.
	if (link.sequence !== 0 || !sameOpened(state.opened, facts.opened)) worker.live.drop(session);
	state.opened = null;
	return state;
}

function sameOpened(a: OpenedFact | null, b: OpenedFact | null): boolean {
	if (a === null || b === null) return false;
	for (const name of Object.keys(b) as (keyof OpenedFact)[]) if (a[name] !== b[name]) return false;
	return true;
}

/** What was sighted so long ago does not open any more; a restart need not read on from there. */
export async function expireSighted(worker: Worker, draft: Draft): Promise<void> {
	const oldest = worker.sighted.values().next().value;
	if (oldest === undefined || draft.record.offset - oldest.firstOffset <= worker.limits.sightedOffsets) return;
	await giveUp(worker, draft, oldest, 'age');
}

async function giveUp(worker: Worker, draft: Draft, state: SessionState, reason: 'limit' | 'age'): Promise<void> {
	worker.deps.emit({
		name: 'sighted_session_evicted',
		stage: 'detect',
		reason,
		intentional: true,
		message: 'A session that was sighted and has not opened is given up; its leads are withdrawn until it opens.',
		detail: { session: state.session },
	});
	await withdraw(worker, draft, state);
}

async function withdraw(worker: Worker, draft: Draft, state: SessionState): Promise<void> {
	const { session } = state;
	const leads = [...state.leads.values()].map((bytes) => findingCodec.decode(bytes));
	// Which leads left before a store was lost depends on when the manifest came; none of them may stay.
	if (worker.rebuilt) leads.push(...(await waitingLeads(worker, state)));
	for (const lead of leads) {
		const value = findingCodec.encode({ ...lead, state: 'withdrawn' });
		draft.records.push({ topic: 'finding', key: session, value });
	}
	forgetLeads(worker, draft, state);
	draft.cells.set(sightedCell(session), null);
	worker.sighted.delete(session);
	worker.live.drop(session);
}

async function waitingLeads(worker: Worker, state: SessionState): Promise<Finding[]> {
	const one = await worker.live.get(state);
	return one.finder.resolve((await one.manifest).manifest);
}

function drop(worker: Worker, session: string, reason: 'closed' | 'opened' | 'unknown-session'): void {
	worker.deps.emit({
		name: 'sighting_dropped',
		stage: 'detect',
		reason,
		intentional: true,
		message: 'A sighting is of no more use: its session is judged, or nothing is known of its beginning.',
		detail: { session },
	});
}
