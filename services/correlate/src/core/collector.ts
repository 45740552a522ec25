// Gathers the facts of one input record per session, folding equal ones, and cuts them into chained batches.

import { emptyFacts, encodeFactBatch, type Facts, type FileFact } from '@affidavit/model/facts.ts';
import type { GapFact, NoteFact, ProcessFact, PtraceFact } from '@affidavit/model/generated/session.ts';
import type { Limits } from './limits.ts';
import { type ProcessNode, type ProcessTree, sessionOf } from './process-tree.ts';
import { type Session, widen } from './session.ts';

interface Folded {
	fact: FileFact;
	next: Folded | null;
}

export interface Gathering {
	facts: Facts;
	/** Key: path. */
	files: Map<string, Folded>;
	processes: Map<string, ProcessFact>;
	items: number;
	text: number;
}

export interface SessionOutput {
	session: Session;
	bytes: Uint8Array;
}

export interface Collector {
	gatherings: Map<Session, Gathering>;
	outputs: SessionOutput[];
	/** Sessions whose state changed. */
	touched: Set<Session>;
	limits: Limits;
	tree: ProcessTree;
}

export const createCollector = (limits: Limits, tree: ProcessTree): Collector => ({
	gatherings: new Map(),
	outputs: [],
	touched: new Set(),
	limits,
	tree,
});

export function gather(collector: Collector, session: Session): Gathering {
	const known = collector.gatherings.get(session);
	if (known !== undefined) return known;
	const fresh = { facts: emptyFacts(), files: new Map(), processes: new Map(), items: 0, text: 0 };
	collector.gatherings.set(session, fresh);
	collector.touched.add(session);
	return fresh;
}

const sameFact = (a: FileFact, b: FileFact): boolean =>
	a.execId === b.execId &&
	a.op === b.op &&
	a.ino === b.ino &&
	a.dev === b.dev &&
	a.version === b.version &&
	a.size === b.size &&
	a.flags === b.flags &&
	a.digest === b.digest &&
	a.otherSize === b.otherSize &&
	a.writer === b.writer &&
	a.heldBy === b.heldBy &&
	a.path2 === b.path2 &&
	a.assurance === b.assurance &&
	a.foreign === b.foreign &&
	a.writerForeign === b.writerForeign;

/** Adds a file fact, which is the collector's from then on, and the foreign processes that it names. */
export function addFile(collector: Collector, session: Session, fact: FileFact): void {
	const g = gather(collector, session);
	const first = g.files.get(fact.path);
	for (let f: Folded | null | undefined = first; f; f = f.next) {
		if (!sameFact(f.fact, fact)) continue;
		const into = f.fact;
		if (fact.firstUs < into.firstUs) into.firstUs = fact.firstUs;
		if (fact.lastUs > into.lastUs) into.lastUs = fact.lastUs;
		into.count += fact.count;
		into.copies += fact.copies;
		return;
	}
	if (session.facts >= collector.limits.facts) {
		session.overflow = widen(session.overflow, fact.firstUs);
		return;
	}
	session.facts++;
	g.files.set(fact.path, { fact, next: first ?? null });
	g.facts.files.push(fact);
	g.text += fact.path.length + fact.path2.length;
	g.items++;
	if (fact.foreign) nameForeign(collector, session, fact.execId);
	if (fact.writer !== '' && fact.writerForeign) nameForeign(collector, session, fact.writer);
	if (fact.heldBy !== '') nameForeign(collector, session, fact.heldBy);
	cutWhenFull(collector, session, g, fact.firstUs);
}

/** A process outside the session is described once in every batch that names it. */
export function nameForeign(collector: Collector, session: Session, execId: string): void {
	const g = gather(collector, session);
	if (g.processes.has(execId)) return;
	const node = collector.tree.nodes.get(execId);
	if (node !== undefined) addProcess(collector, session, node, sessionOf(node) !== session);
}

export function addProcess(collector: Collector, session: Session, node: ProcessNode, foreign: boolean): void {
	const g = gather(collector, session);
	const { info } = node;
	// What a stranger was executed from before the horizon is known to a correlator only that has seen it.
	const seen = !foreign || info.startUs >= session.startUs - collector.limits.horizonUs;
	const fact: ProcessFact = {
		timeUs: info.startUs,
		execId: info.execId,
		parentExecId: info.parentExecId,
		pid: info.pid,
		uid: info.uid,
		binary: info.binary,
		arguments: info.arguments,
		cwd: info.cwd,
		flags: info.flags,
		container: info.container,
		root: node.root && !foreign,
		foreign,
		executed: seen && node.executed,
		digest: seen ? node.digest : '',
		dev: seen ? node.dev : -1,
		ino: seen ? node.ino : '',
		environment: info.environment,
	};
	const known = g.processes.get(info.execId);
	if (known !== undefined) {
		Object.assign(known, fact);
		return;
	}
	g.processes.set(info.execId, fact);
	g.facts.processes.push(fact);
	g.items++;
	g.text += info.arguments.length + info.binary.length + info.cwd.length + 200;
	for (const name in info.environment) g.text += name.length + (info.environment[name] as string).length;
}

export function addConnect(collector: Collector, session: Session, fact: Facts['connections'][number]): void {
	const g = gather(collector, session);
	for (const c of g.facts.connections) {
		if (
			c.execId !== fact.execId ||
			c.port !== fact.port ||
			c.address !== fact.address ||
			c.op !== fact.op ||
			c.family !== fact.family
		)
			continue;
		c.lastUs = Math.max(c.lastUs, fact.lastUs);
		c.firstUs = Math.min(c.firstUs, fact.firstUs);
		c.count += fact.count;
		return;
	}
	g.facts.connections.push(fact);
	g.items++;
	cutWhenFull(collector, session, g, fact.firstUs);
}

export function addPtrace(collector: Collector, session: Session, fact: PtraceFact): void {
	const g = gather(collector, session);
	if (fact.foreign) nameForeign(collector, session, fact.execId);
	for (const p of g.facts.ptraces) {
		if (
			p.execId !== fact.execId ||
			p.targetExecId !== fact.targetExecId ||
			p.targetPid !== fact.targetPid ||
			p.op !== fact.op ||
			p.request !== fact.request
		)
			continue;
		p.lastUs = Math.max(p.lastUs, fact.lastUs);
		p.firstUs = Math.min(p.firstUs, fact.firstUs);
		p.count += fact.count;
		return;
	}
	g.facts.ptraces.push(fact);
	g.items++;
	cutWhenFull(collector, session, g, fact.firstUs);
}

export function addNote(collector: Collector, session: Session, note: NoteFact): void {
	const g = gather(collector, session);
	for (const known of g.facts.notes) {
		if (known.cause !== note.cause || known.execId !== note.execId || known.detail !== note.detail) continue;
		known.count += note.count;
		return;
	}
	g.facts.notes.push(note);
	g.items++;
}

export function addGap(collector: Collector, session: Session, gap: GapFact): void {
	gather(collector, session).facts.gaps.push(gap);
}

/** A record that touches very much gives several batches: a log's records are bounded. */
function cutWhenFull(collector: Collector, session: Session, g: Gathering, timeUs: number): void {
	if (g.items >= collector.limits.batchFacts || g.text >= collector.limits.batchText)
		cut(collector, session, timeUs - 1);
}

/** Encodes what was gathered for a session as the next link of its chain. */
export function cut(collector: Collector, session: Session, watermarkUs: number): void {
	const g = collector.gatherings.get(session);
	if (g === undefined) return;
	collector.gatherings.delete(session);
	session.watermarkUs = Math.max(session.watermarkUs, watermarkUs);
	const link = {
		session: session.id,
		sequence: session.sequence,
		previous: session.head,
		watermarkUs: session.watermarkUs,
	};
	const { bytes, head } = encodeFactBatch(link, g.facts);
	session.sequence++;
	session.head = head;
	collector.outputs.push({ session, bytes });
}

export function cutAll(collector: Collector, watermarkUs: number): void {
	for (const session of [...collector.gatherings.keys()]) cut(collector, session, watermarkUs);
}
