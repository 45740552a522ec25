// The sensor's events as the stages work on them: strings resolved, one fixed shape for all kinds.
// Absent strings are '', absent numbers are -1 (schemas/trace.avsc says which kind uses which field).
import type { EventKind, PackedEvent, PackedProcess, TraceBatch } from './generated/trace.ts';
import { StringTable } from './string-table.ts';

export interface ProcessInfo {
	execId: string;
	parentExecId: string;
	pid: number;
	uid: number;
	binary: string;
	arguments: string;
	cwd: string;
	/** Blank-separated, as Tetragon writes them. */
	flags: string;
	/** Microseconds since 1970. */
	startUs: number;
	container: string;
	inInitTree: boolean;
	mountNamespace: number;
	pod: string;
	/** Allow-listed and redacted. */
	environment: Readonly<Record<string, string>>;
}

export interface TraceEvent {
	kind: EventKind;
	/** Microseconds since 1970. */
	timeUs: number;
	execId: string;
	hook: string;
	path: string;
	path2: string;
	fsPath: string;
	fileType: string;
	dev: number;
	ino: string;
	size: number;
	flags: number;
	pos: number;
	digest: string;
	pid: number;
	request: number;
	family: string;
	address: string;
	port: number;
	count: number;
	status: number;
	signal: string;
}

/** An event with everything absent: the one place that fixes the property order (V8 keeps one hidden class). */
export function emptyEvent(kind: EventKind, timeUs: number, execId: string, hook: string): TraceEvent {
	return {
		kind,
		timeUs,
		execId,
		hook,
		path: '',
		path2: '',
		fsPath: '',
		fileType: '',
		dev: -1,
		ino: '',
		size: -1,
		flags: -1,
		pos: -1,
		digest: '',
		pid: -1,
		request: -1,
		family: '',
		address: '',
		port: -1,
		count: -1,
		status: -1,
		signal: '',
	};
}

const compareStrings = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Canonical order (design 6): time, exec_id, function, then the body field by field. 0 means the same event delivered twice. */
export function compareEvents(a: TraceEvent, b: TraceEvent): number {
	return (
		a.timeUs - b.timeUs ||
		compareStrings(a.execId, b.execId) ||
		compareStrings(a.hook, b.hook) ||
		compareStrings(a.kind, b.kind) ||
		compareStrings(a.path, b.path) ||
		compareStrings(a.ino, b.ino) ||
		a.dev - b.dev ||
		a.size - b.size ||
		a.flags - b.flags ||
		a.pos - b.pos ||
		compareStrings(a.digest, b.digest) ||
		compareStrings(a.path2, b.path2) ||
		compareStrings(a.fsPath, b.fsPath) ||
		compareStrings(a.fileType, b.fileType) ||
		a.pid - b.pid ||
		a.request - b.request ||
		compareStrings(a.family, b.family) ||
		compareStrings(a.address, b.address) ||
		a.port - b.port ||
		a.count - b.count ||
		a.status - b.status ||
		compareStrings(a.signal, b.signal)
	);
}

export interface PackedEvents {
	strings: string[];
	processes: PackedProcess[];
	events: PackedEvent[];
}

/**
 * Packs events and the processes they name (and those processes' parents where `lookup` knows them)
 * into string-table form. Throws never; a process that `lookup` does not know is packed with its exec_id alone.
 */
export function packEvents(
	events: readonly TraceEvent[],
	lookup: (execId: string) => ProcessInfo | undefined,
): PackedEvents {
	const table = new StringTable();
	const processes: PackedProcess[] = [];
	const indexOf = new Map<string, number>();
	const intern = (execId: string): number => {
		const known = indexOf.get(execId);
		if (known !== undefined) return known;
		const index = processes.length;
		indexOf.set(execId, index);
		processes.push(packProcess(lookup(execId) ?? unknownProcess(execId), table));
		return index;
	};
	// An actor's parent is packed even if the actor itself was packed before, as another one's parent.
	const withParent = new Set<number>();
	const internActor = (execId: string): number => {
		const index = intern(execId);
		if (withParent.has(index)) return index;
		withParent.add(index);
		const parentExecId = lookup(execId)?.parentExecId ?? '';
		if (parentExecId !== '' && lookup(parentExecId)) intern(parentExecId);
		return index;
	};
	const packed = events.map((e) => packEvent(e, internActor(e.execId), table));
	return { strings: table.strings, processes, events: packed };
}

/** A trace batch as the stages work on it: strings and processes resolved. */
export interface UnpackedBatch extends Omit<TraceBatch, 'strings' | 'processes' | 'events'> {
	processes: ProcessInfo[];
	events: TraceEvent[];
	/** Index into `processes` of each event's process. */
	actors: number[];
}

/** Throws RangeError when an index is wrong, or the empty string is not where it should be. */
export function unpackBatch({ strings, processes, events, ...rest }: TraceBatch): UnpackedBatch {
	if (strings[0] !== '') throw new RangeError('strings: expected the empty string at index 0');
	return { ...rest, ...unpackEvents({ strings, processes, events }), actors: events.map(({ process }) => process) };
}

export function unpackEvents(batch: PackedEvents): { processes: ProcessInfo[]; events: TraceEvent[] } {
	const { strings } = batch;
	const text = (index: number): string => {
		const value = strings[index];
		if (value === undefined)
			throw new RangeError(`strings: index ${index} of ${strings.length}: expected an index into the table`);
		return value;
	};
	const processes = batch.processes.map((p) => unpackProcess(p, text));
	const events = batch.events.map((e): TraceEvent => {
		const process = processes[e.process];
		if (!process)
			throw new RangeError(
				`events.process: index ${e.process}: expected an index into processes (${processes.length})`,
			);
		return {
			kind: e.kind,
			timeUs: e.timeUs,
			execId: process.execId,
			hook: text(e.hook),
			path: text(e.path),
			path2: text(e.path2),
			fsPath: text(e.fsPath),
			fileType: text(e.fileType),
			dev: e.dev,
			ino: text(e.ino),
			size: e.size,
			flags: e.flags,
			pos: e.pos,
			digest: text(e.digest),
			pid: e.pid,
			request: e.request,
			family: text(e.family),
			address: text(e.address),
			port: e.port,
			count: e.count,
			status: e.status,
			signal: text(e.signal),
		};
	});
	return { processes, events };
}

export const unknownProcess = (execId: string): ProcessInfo => ({
	execId,
	parentExecId: '',
	pid: -1,
	uid: -1,
	binary: '',
	arguments: '',
	cwd: '',
	flags: '',
	startUs: -1,
	container: '',
	inInitTree: false,
	mountNamespace: 0,
	pod: '',
	environment: {},
});

function packProcess(p: ProcessInfo, t: StringTable): PackedProcess {
	const environment: number[] = [];
	for (const [key, value] of Object.entries(p.environment)) environment.push(t.index(key), t.index(value));
	return {
		execId: t.index(p.execId),
		parentExecId: t.index(p.parentExecId),
		pid: p.pid,
		uid: p.uid,
		binary: t.index(p.binary),
		arguments: t.index(p.arguments),
		cwd: t.index(p.cwd),
		flags: t.index(p.flags),
		startUs: p.startUs,
		container: t.index(p.container),
		inInitTree: p.inInitTree,
		mountNamespace: p.mountNamespace,
		pod: t.index(p.pod),
		environment,
	};
}

function unpackProcess(p: PackedProcess, text: (index: number) => string): ProcessInfo {
	// A null prototype: an environment variable may be called __proto__.
	const environment: Record<string, string> = Object.create(null);
	for (let i = 0; i + 1 < p.environment.length; i += 2)
		environment[text(p.environment[i] as number)] = text(p.environment[i + 1] as number);
	return {
		execId: text(p.execId),
		parentExecId: text(p.parentExecId),
		pid: p.pid,
		uid: p.uid,
		binary: text(p.binary),
		arguments: text(p.arguments),
		cwd: text(p.cwd),
		flags: text(p.flags),
		startUs: p.startUs,
		container: text(p.container),
		inInitTree: p.inInitTree,
		mountNamespace: p.mountNamespace,
		pod: text(p.pod),
		environment,
	};
}

function packEvent(e: TraceEvent, process: number, t: StringTable): PackedEvent {
	return {
		kind: e.kind,
		timeUs: e.timeUs,
		process,
		hook: t.index(e.hook),
		path: t.index(e.path),
		path2: t.index(e.path2),
		fsPath: t.index(e.fsPath),
		fileType: t.index(e.fileType),
		dev: e.dev,
		ino: t.index(e.ino),
		size: e.size,
		flags: e.flags,
		pos: e.pos,
		digest: t.index(e.digest),
		pid: e.pid,
		request: e.request,
		family: t.index(e.family),
		address: t.index(e.address),
		port: e.port,
		count: e.count,
		status: e.status,
		signal: t.index(e.signal),
	};
}
