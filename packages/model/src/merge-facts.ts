// A session's facts, whatever the batches they came in: equal ones folded, everything in canonical order.
import { compareFileFacts, foldFileFact } from './fact-order.ts';
import { emptyFacts, type Facts, type FileFact } from './facts.ts';
import type { ConnectFact, ExitFact, GapFact, NoteFact, ProcessFact, PtraceFact } from './generated/session.ts';

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const compareConnects = (a: ConnectFact, b: ConnectFact): number =>
	compareText(a.execId, b.execId) ||
	compareText(a.op, b.op) ||
	compareText(a.family, b.family) ||
	compareText(a.address, b.address) ||
	a.port - b.port;

const comparePtraces = (a: PtraceFact, b: PtraceFact): number =>
	compareText(a.execId, b.execId) ||
	compareText(a.op, b.op) ||
	compareText(a.targetExecId, b.targetExecId) ||
	a.targetPid - b.targetPid ||
	a.request - b.request ||
	Number(a.foreign) - Number(b.foreign);

const compareProcesses = (a: ProcessFact, b: ProcessFact): number =>
	a.timeUs - b.timeUs || compareText(a.execId, b.execId);

const compareExits = (a: ExitFact, b: ExitFact): number => a.timeUs - b.timeUs || compareText(a.execId, b.execId);

const compareGaps = (a: GapFact, b: GapFact): number =>
	a.fromUs - b.fromUs ||
	a.toUs - b.toUs ||
	compareText(a.cause, b.cause) ||
	compareText(a.detail, b.detail) ||
	a.count - b.count;

const compareNotes = (a: NoteFact, b: NoteFact): number =>
	a.timeUs - b.timeUs ||
	compareText(a.cause, b.cause) ||
	compareText(a.execId, b.execId) ||
	compareText(a.detail, b.detail);

/**
 * Folds the facts of a session's batches, in chain order: files by (path, ...), connections and traces by all but times and
 * counts, processes by exec_id (a later description completes an earlier one). The result depends on the facts alone, not on
 * how they were cut into batches. Holds all of a session's facts in memory: for a large session, sort on disk instead.
 */
export function mergeFacts(batches: Iterable<Facts>): Facts {
	const merged = emptyFacts();
	const processes = new Map<string, ProcessFact>();
	for (const facts of batches) {
		merged.opened ??= facts.opened;
		merged.closed = facts.closed ?? merged.closed;
		for (const process of facts.processes) {
			const known = processes.get(process.execId);
			processes.set(process.execId, known === undefined ? { ...process } : completed(known, process));
		}
		for (const one of facts.exits) merged.exits.push(one);
		for (const one of facts.files) merged.files.push(one);
		for (const one of facts.connections) merged.connections.push(one);
		for (const one of facts.ptraces) merged.ptraces.push(one);
		for (const one of facts.gaps) merged.gaps.push(one);
		for (const one of facts.notes) merged.notes.push(one);
		for (const one of facts.products) merged.products.push(one);
	}
	merged.processes = [...processes.values()].sort(compareProcesses);
	merged.exits.sort(compareExits);
	merged.files = fold<FileFact>(merged.files, compareFileFacts, foldFileFact);
	merged.connections = fold(merged.connections, compareConnects, foldTimes);
	merged.ptraces = fold(merged.ptraces, comparePtraces, foldTimes);
	merged.gaps.sort(compareGaps);
	merged.notes.sort(compareNotes);
	merged.products.sort((a, b) => compareText(a.path, b.path));
	return merged;
}

const foldTimes = (into: ConnectFact | PtraceFact, more: ConnectFact | PtraceFact): void => {
	into.firstUs = Math.min(into.firstUs, more.firstUs);
	into.lastUs = Math.max(into.lastUs, more.lastUs);
	into.count += more.count;
};

function fold<T extends object>(facts: T[], compare: (a: T, b: T) => number, into: (a: T, b: T) => void): T[] {
	facts.sort(compare);
	const folded: T[] = [];
	for (const fact of facts) {
		const last = folded.at(-1);
		if (last !== undefined && compare(last, fact) === 0) into(last, fact);
		else folded.push({ ...fact });
	}
	return folded;
}

/** A process that was first seen as somebody's parent or as a fork is described better by its own exec. */
function completed(known: ProcessFact, later: ProcessFact): ProcessFact {
	const digested = known.digest === '' ? later : known;
	return {
		...(known.pid === -1 ? later : known),
		root: known.root || later.root,
		foreign: known.foreign && later.foreign,
		executed: known.executed || later.executed,
		digest: digested.digest,
		dev: digested.dev === -1 ? Math.max(known.dev, later.dev) : digested.dev,
		ino: digested.ino === '' ? known.ino || later.ino : digested.ino,
	};
}
