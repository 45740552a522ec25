// The facts of a session that are few: everything but files. Folded by key, so that the cut of batches leaves no trace.
import type { Facts } from '@affidavit/model/facts.ts';
import type {
	ClosedFact,
	ConnectFact,
	ExitFact,
	GapFact,
	NoteFact,
	OpenedFact,
	ProcessFact,
	ProductFact,
	PtraceFact,
} from '@affidavit/model/generated/session.ts';

export interface HeldFacts {
	opened: OpenedFact | null;
	closed: ClosedFact | null;
	processes: Map<string, ProcessFact>;
	exits: Map<string, ExitFact>;
	connections: Map<string, ConnectFact>;
	ptraces: Map<string, PtraceFact>;
	gaps: Map<string, GapFact>;
	notes: Map<string, NoteFact>;
	products: Map<string, ProductFact>;
	/** Facts beyond the bound of their kind: dropped. */
	dropped: number;
}

/** Held facts in canonical order. */
export interface OrderedFacts {
	opened: OpenedFact;
	closed: ClosedFact;
	processes: ProcessFact[];
	exits: Map<string, ExitFact>;
	connections: ConnectFact[];
	ptraces: PtraceFact[];
	gaps: GapFact[];
	notes: NoteFact[];
	products: ProductFact[];
	dropped: number;
}

export const emptyHeldFacts = (): HeldFacts => ({
	opened: null,
	closed: null,
	processes: new Map(),
	exits: new Map(),
	connections: new Map(),
	ptraces: new Map(),
	gaps: new Map(),
	notes: new Map(),
	products: new Map(),
	dropped: 0,
});

const key = (...parts: (string | number)[]): string => JSON.stringify(parts);

/** Adds what one batch holds besides files; at most `heldMax` facts of each kind are kept. */
export function holdFacts(held: HeldFacts, facts: Facts, heldMax: number): void {
	held.opened ??= facts.opened;
	held.closed ??= facts.closed;
	const hold = <T>(kind: Map<string, T>, id: string, fact: T, fold: (known: T, more: T) => T): void => {
		const known = kind.get(id);
		if (known !== undefined) kind.set(id, fold(known, fact));
		else if (kind.size < heldMax) kind.set(id, fact);
		else held.dropped++;
	};
	for (const f of facts.processes) hold(held.processes, f.execId, f, foldProcess);
	for (const f of facts.exits) hold(held.exits, f.execId, f, (a, b) => (b.timeUs < a.timeUs ? b : a));
	for (const f of facts.connections)
		hold(held.connections, key(f.execId, f.op, f.family, f.address, f.port), f, foldCounted);
	for (const f of facts.ptraces)
		hold(held.ptraces, key(f.execId, f.op, f.targetExecId, f.targetPid, f.request), f, foldCounted);
	for (const f of facts.gaps)
		hold(held.gaps, key(f.cause, f.detail, f.fromUs, f.toUs), f, (a, b) => (b.count > a.count ? b : a));
	for (const f of facts.notes)
		hold(held.notes, key(f.cause, f.execId, f.detail), f, (a, b) => ({
			...a,
			timeUs: Math.min(a.timeUs, b.timeUs),
			count: a.count + b.count,
		}));
	for (const f of facts.products)
		hold(held.products, key(f.path, f.dev, f.ino), f, (a, b) => (b.version > a.version ? b : a));
}

/** Field by field and the same in any order: a foreign process is named once per batch, an image may get its digest later. */
function foldProcess(a: ProcessFact, b: ProcessFact): ProcessFact {
	const later = b.digest > a.digest ? b : a;
	return {
		timeUs: earlier(a.timeUs, b.timeUs),
		execId: a.execId,
		parentExecId: greater(a.parentExecId, b.parentExecId),
		pid: Math.max(a.pid, b.pid),
		uid: Math.max(a.uid, b.uid),
		binary: greater(a.binary, b.binary),
		arguments: greater(a.arguments, b.arguments),
		cwd: greater(a.cwd, b.cwd),
		flags: greater(a.flags, b.flags),
		container: greater(a.container, b.container),
		root: a.root || b.root,
		foreign: a.foreign && b.foreign,
		executed: a.executed || b.executed,
		digest: later.digest,
		dev: later.dev,
		ino: later.ino,
		environment: Object.keys(b.environment).length > Object.keys(a.environment).length ? b.environment : a.environment,
	};
}

/** -1 is an unknown time. */
const earlier = (a: number, b: number): number => (a < 0 ? b : b < 0 ? a : Math.min(a, b));
const greater = (a: string, b: string): string => (b > a ? b : a);

function foldCounted<T extends { firstUs: number; lastUs: number; count: number }>(a: T, b: T): T {
	return {
		...a,
		firstUs: Math.min(a.firstUs, b.firstUs),
		lastUs: Math.max(a.lastUs, b.lastUs),
		count: a.count + b.count,
	};
}

/** Canonical order: by time, then by the whole key. null when the first or the last fact of a session is missing. */
export function orderFacts(held: HeldFacts): OrderedFacts | null {
	if (!held.opened || !held.closed) return null;
	return {
		opened: held.opened,
		closed: held.closed,
		processes: sorted(held.processes, (f) => f.timeUs),
		exits: held.exits,
		connections: sorted(held.connections, (f) => f.firstUs),
		ptraces: sorted(held.ptraces, (f) => f.firstUs),
		gaps: sorted(held.gaps, (f) => f.fromUs),
		notes: sorted(held.notes, (f) => f.timeUs),
		products: sorted(
			held.products,
			() => 0,
			(f) => f.path,
		),
		dropped: held.dropped,
	};
}

function sorted<T>(kind: Map<string, T>, time: (fact: T) => number, text: (fact: T) => string = () => ''): T[] {
	return [...kind]
		.sort(([idA, a], [idB, b]) => time(a) - time(b) || compareText(text(a), text(b)) || compareText(idA, idB))
		.map(([, fact]) => fact);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
