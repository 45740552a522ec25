// What is known of a live host's events before they are settled: enough for leads, and good for nothing else. In memory only and
// bounded: it is built again from the events that wait, and forgotten as the watermark passes them.
import type { Facts } from '@affidavit/model/facts.ts';
import type { OpenedFact } from '@affidavit/model/generated/session.ts';
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import type { Host } from './host.ts';
import type { Reorder } from './reorder.ts';
import type { Session } from './session.ts';

/** Sessions of a host at once that were sighted and have not opened yet. */
export const announcedMax = 256;
/** Roots of one of them. */
export const announcedRootsMax = 64;
/** Process images of events that are not settled, per host. */
export const processesMax = 65_536;
/** Things that were told and are not told again, per host; beyond, all are forgotten, and told once more. */
export const toldMax = 65_536;
/** Changed paths remembered per host, in each of two generations. */
export const changesMax = 16_384;
/** Facts, and characters of text, in the sightings of one record; the rest waits until it is settled. */
export const sightedFactsMax = 1024;
export const sightedTextMax = 400_000;

/**
 * A session that was told of before it opened. Kept with the host's state, so that it is taken back when it does not open, and
 * that a restart places its roots as they were placed: what was told first depends on the order in which events came.
 */
export interface Announced {
	/** Event time up to which everything must be settled for it to be certain whether it opens. */
	timeUs: number;
	matcher: string;
	jobKeyParts: readonly string[];
	siblingParent: string;
	workspace: string;
	container: string;
	startUs: number;
	/** exec_ids: the one that it is named after, and those that joined. */
	roots: string[];
}

/** A session that events may belong to: one that is open, or one that will open when its first root is settled. */
export interface SightedSession {
	id: string;
	matcher: string;
	jobKeyParts: readonly string[];
	siblingParent: string;
	roots: number;
	workspace: string;
	container: string;
	startUs: number;
	/** -1 until it is settled. */
	epoch: number;
	settled: Session | null;
	/** Still to be told. */
	opened: OpenedFact | null;
	/** Closed, or taken back. */
	gone: boolean;
	/** Digests read, each with the size that it was first seen with. */
	digests: Map<string, number>;
	/** By path: the last read in the workspace that was told. */
	reads: Map<string, ToldRead>;
	/** By path: the digest that was executed. */
	executed: Map<string, string>;
	/** Connections, ptraces and changes by others. */
	others: Set<string>;
	/** Of the present record. */
	gathering: Sighted | null;
}

export interface ToldRead {
	execId: string;
	digest: string;
	size: number;
}

export interface Sighted {
	facts: Facts;
	/** exec_ids of the processes in it. */
	named: Set<string>;
}

export interface SightedProcess {
	info: ProcessInfo;
	session: SightedSession | null;
	/** A process that opened its session, or would join it as a sibling. */
	root: boolean;
	/** exec_id of the parent of its pid's first image: siblings share it. */
	chainParent: string;
	/** Newest event. */
	lastUs: number;
	executed: boolean;
}

/** The last change of a path in a workspace. */
export interface Change {
	execId: string;
	session: SightedSession | null;
	timeUs: number;
}

export interface Arrivals {
	/** The buffer whose waiting events this is about. */
	reorder: Reorder;
	/** True while it is made of what waits, after a restart. */
	rebuilding: boolean;
	sessions: Map<string, SightedSession>;
	/** The same, for each event. */
	list: SightedSession[];
	/** Images that are not settled. */
	processes: Map<string, SightedProcess>;
	/** Sessions that are announced, by their roots' exec_ids. */
	rootOf: Map<string, SightedSession>;
	/** Newest of these images of each pid. */
	pids: Map<number, SightedProcess>;
	/** By name (content.ts, nameKey). */
	changes: Map<string, Change>;
	olderChanges: Map<string, Change>;
	/** Watermark at the last sweep. */
	sweptUs: number;
	told: number;
}

export const createArrivals = (reorder: Reorder): Arrivals => ({
	reorder,
	rebuilding: false,
	sessions: new Map(),
	list: [],
	processes: new Map(),
	rootOf: new Map(),
	pids: new Map(),
	changes: new Map(),
	olderChanges: new Map(),
	sweptUs: -1,
	told: 0,
});

/** The session of a process, while there is one. */
export const sightedIn = ({ session }: SightedProcess): SightedSession | null =>
	session === null || session.gone ? null : session;

const settledSession = (session: Session): SightedSession => ({
	id: session.id,
	matcher: session.matcher,
	jobKeyParts: session.jobKeyParts,
	siblingParent: session.siblingParent,
	roots: session.roots.length,
	workspace: session.workspace,
	container: session.container,
	startUs: session.startUs,
	epoch: session.epoch,
	settled: session,
	opened: null,
	gone: false,
	digests: new Map(),
	reads: new Map(),
	executed: new Map(),
	others: new Set(),
	gathering: null,
});

/** Follows the sessions as they are settled: those that have opened, and those that have closed. */
export function followSessions(arrivals: Arrivals, host: Host): void {
	const { sessions } = arrivals;
	for (const session of host.sessions.values()) {
		const known = sessions.get(session.id);
		if (known === undefined) addSession(arrivals, settledSession(session));
		else if (known.settled !== session) {
			known.settled = session;
			known.epoch = session.epoch;
			known.workspace = session.workspace;
			known.container = session.container;
			known.startUs = session.startUs;
			known.opened = null;
		}
	}
	for (const session of sessions.values()) if (session.settled?.closed) dropSession(arrivals, session);
}

/** Of one that is not settled. `opened`: still to be told. */
export function addAnnounced(
	arrivals: Arrivals,
	id: string,
	announced: Announced,
	opened: OpenedFact | null,
): SightedSession {
	const { matcher, jobKeyParts, siblingParent, workspace, container, startUs, roots } = announced;
	const session: SightedSession = {
		id,
		matcher,
		jobKeyParts,
		siblingParent,
		roots: roots.length,
		workspace,
		container,
		startUs,
		epoch: -1,
		settled: null,
		opened,
		gone: false,
		digests: new Map(),
		reads: new Map(),
		executed: new Map(),
		others: new Set(),
		gathering: null,
	};
	for (const execId of roots) arrivals.rootOf.set(execId, session);
	addSession(arrivals, session);
	return session;
}

/** It has opened, or was taken back. */
export function endAnnouncement(arrivals: Arrivals, { roots }: Announced): void {
	for (const execId of roots) arrivals.rootOf.delete(execId);
}

export function addSession(arrivals: Arrivals, session: SightedSession): void {
	arrivals.sessions.set(session.id, session);
	arrivals.list.push(session);
}

export function dropSession(arrivals: Arrivals, session: SightedSession): void {
	session.gone = true;
	arrivals.sessions.delete(session.id);
	arrivals.list = arrivals.list.filter((one) => one !== session);
}

/** Between two sweeps, microseconds of event time. */
const sweepUs = 1_000_000;

/** Forgets what the watermark has passed. */
export function sweep(arrivals: Arrivals, watermarkUs: number): void {
	if (watermarkUs < arrivals.sweptUs + sweepUs) return;
	arrivals.sweptUs = watermarkUs;
	const { processes, pids } = arrivals;
	for (const [execId, process] of processes) {
		if (process.lastUs > watermarkUs) continue;
		processes.delete(execId);
		if (pids.get(process.info.pid) === process) pids.delete(process.info.pid);
	}
}

/** Counts something that was told; true when the room is used up and everything was forgotten. */
export function noteTold(arrivals: Arrivals): void {
	if (++arrivals.told <= toldMax) return;
	arrivals.told = 0;
	for (const session of arrivals.list) {
		session.digests.clear();
		session.reads.clear();
		session.executed.clear();
		session.others.clear();
	}
}

export function noteChange(arrivals: Arrivals, name: string, change: Change): void {
	if (arrivals.changes.size >= changesMax) {
		arrivals.olderChanges = arrivals.changes;
		arrivals.changes = new Map();
	}
	arrivals.changes.set(name, change);
}

export const changeOf = (arrivals: Arrivals, name: string): Change | undefined =>
	arrivals.changes.get(name) ?? arrivals.olderChanges.get(name);
