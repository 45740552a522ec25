// What detect keeps of an open session in the store: the chain's head and the leads that left. All else is read back.
import { chainStart, type FactChainLink, factHead, sameHead } from '@affidavit/model/facts.ts';
import type { OpenedFact } from '@affidavit/model/generated/session.ts';

export interface SessionState {
	session: string;
	/** sha256 of the last batch taken. */
	head: Uint8Array;
	/** Sequence that the next batch must have. */
	next: number;
	/** Input offset of the first batch. */
	firstOffset: number;
	/** Partition of the correlate scope that keeps the facts; -1 when the first batch did not say. A hint. */
	factsPartition: number;
	/** Offset of batch 0; -1 when that was not seen. A hint. */
	factsOffset: number;
	/** Why this stage itself has not seen all of it: cause of a gap; null when the chain held so far. */
	gap: 'chain-broken' | 'state-evicted' | null;
	opened: OpenedFact | null;
	/** Leads that left, by id: the encoded finding, to be withdrawn or confirmed at the close. */
	leads: Map<string, Uint8Array>;
}

/** Where a session's facts lie, as its first batch tells: the list's scope, and the offset of batch 0 in topic `session`. */
export interface FactsHint {
	partition: number;
	fromOffset: number;
}

export const hintOf = (state: SessionState | undefined): FactsHint | undefined =>
	state === undefined || state.factsPartition === -1 || state.factsOffset === -1
		? undefined
		: { partition: state.factsPartition, fromOffset: state.factsOffset };

export const newSession = (session: string, firstOffset: number): SessionState => ({
	session,
	head: chainStart,
	next: 0,
	firstOffset,
	factsPartition: -1,
	factsOffset: -1,
	gap: null,
	opened: null,
	leads: new Map(),
});

export type ChainStep =
	| { kind: 'continues' }
	/** Exactly the batch that was taken last. */
	| { kind: 'duplicate' }
	/** `adopt`: the chain goes on from this batch, incomplete. */
	| { kind: 'broken'; adopt: boolean; message: string };

/** Does a batch continue the session's chain? */
export function checkLink(state: SessionState, link: FactChainLink, bytes: Uint8Array): ChainStep {
	if (link.sequence === state.next && sameHead(link.previous, state.head)) return { kind: 'continues' };
	if (link.sequence === state.next - 1 && sameHead(factHead(bytes), state.head)) return { kind: 'duplicate' };
	if (link.sequence < state.next)
		return {
			kind: 'broken',
			adopt: false,
			message: `sequence: ${link.sequence}: expected ${state.next}; another batch of that number was taken`,
		};
	if (link.sequence > state.next)
		return {
			kind: 'broken',
			adopt: true,
			message: `sequence: ${link.sequence}: expected ${state.next}; batches are missing`,
		};
	return { kind: 'broken', adopt: true, message: `previous: does not name batch ${state.next - 1} of the chain` };
}

const sessionPrefix = 'session:';
const sightedPrefix = 'sighted:';
const leadPrefix = 'lead:';
const closedPrefix = 'closed:';

export const sessionCell = (session: string): string => `${sessionPrefix}${session}`;
/** Of a session whose chain has not begun. */
export const sightedCell = (session: string): string => `${sightedPrefix}${session}`;
export const leadCell = (session: string, id: string): string => `${leadPrefix}${session}:${id}`;
export const closedCell = (session: string): string => `${closedPrefix}${session}`;

export function encodeSession(state: SessionState): Uint8Array {
	const { head, leads, ...rest } = state;
	return Buffer.from(JSON.stringify({ ...rest, head: Buffer.from(head).toString('hex') }));
}

export interface RestoredCells {
	sessions: Map<string, SessionState>;
	/** Known by sightings only, oldest first. */
	sighted: Map<string, SessionState>;
	/** Closed sessions, oldest first, with their ordinal. */
	closed: Map<string, number>;
}

/** The worker's memory from its cells. Throws on cells that this code did not write. */
export function restoreCells(cells: ReadonlyMap<string, Uint8Array>): RestoredCells {
	const sessions = new Map<string, SessionState>();
	const sighted: SessionState[] = [];
	const closed: [string, number][] = [];
	const leads: [string, string, Uint8Array][] = [];
	for (const [name, bytes] of cells) {
		if (name.startsWith(sessionPrefix)) {
			const state = decodeSession(bytes);
			sessions.set(state.session, state);
		} else if (name.startsWith(sightedPrefix)) sighted.push(decodeSession(bytes));
		else if (name.startsWith(leadPrefix)) {
			const [session = '', id = ''] = name.slice(leadPrefix.length).split(':');
			leads.push([session, id, bytes]);
		} else if (name.startsWith(closedPrefix)) {
			closed.push([name.slice(closedPrefix.length), Number(Buffer.from(bytes).toString())]);
		}
	}
	sighted.sort((a, b) => a.firstOffset - b.firstOffset);
	const bySession = new Map(sighted.map((state) => [state.session, state]));
	for (const [session, id, bytes] of leads) (sessions.get(session) ?? bySession.get(session))?.leads.set(id, bytes);
	closed.sort((a, b) => a[1] - b[1]);
	return { sessions, sighted: bySession, closed: new Map(closed) };
}

function decodeSession(bytes: Uint8Array): SessionState {
	const stored = JSON.parse(Buffer.from(bytes).toString()) as Omit<SessionState, 'head' | 'leads'> & { head: string };
	return { ...stored, head: new Uint8Array(Buffer.from(stored.head, 'hex')), leads: new Map() };
}
