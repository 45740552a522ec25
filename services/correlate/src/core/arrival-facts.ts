// What of one event may become a lead at once, as facts. What only judges of the close look at is left to the settled facts.
import { emptyFacts, type FileFact } from '@affidavit/model/facts.ts';
import type { FileOp } from '@affidavit/model/generated/session.ts';
import type { TraceEvent } from '@affidavit/model/trace-event.ts';
import { execOpenFlag, mayBeRegular } from './apply.ts';
import { imageAt, imageOf } from './arrival-place.ts';
import {
	type Arrivals,
	changeOf,
	noteChange,
	noteTold,
	type Sighted,
	type SightedProcess,
	type SightedSession,
	sightedFactsMax,
	sightedIn,
	sightedTextMax,
} from './arrival-state.ts';
import { findContent, nameKey } from './content.ts';
import { peek } from './digest-sizes.ts';
import { isEmptyDigestMisplaced, isSharedWritable, isWriteOpen } from './file-events.ts';
import { heldBy, inWorkspace } from './file-report.ts';
import { assuranceOf, type Step } from './host.ts';

/** Files of one exec: scripts, interpreters, the loader. */
const checksMax = 4;
/** Pids with such files in one record. */
const checkedPidsMax = 1024;

/** One record's events, as they are looked at. */
export interface Looking {
	step: Step;
	arrivals: Arrivals;
	watermarkUs: number;
	/** Sessions with something to tell. */
	telling: SightedSession[];
	facts: number;
	text: number;
	/** Facts beyond the bounds. */
	untold: number;
	/** Files that the next image of a pid executes. */
	checks: Map<number, { event: TraceEvent; who: SightedProcess }[]>;
}

export const lookAt = (step: Step, arrivals: Arrivals): Looking => ({
	step,
	arrivals,
	watermarkUs: step.host.reorder.watermarkUs,
	telling: [],
	facts: 0,
	text: 0,
	untold: 0,
	checks: new Map(),
});

/** An image was placed in a session. */
export function sightJoin(looking: Looking, session: SightedSession, process: SightedProcess): void {
	const sighted = tell(looking, session);
	if (sighted !== null) name(looking, session, sighted, process);
}

export function sightEvent(looking: Looking, who: SightedProcess, event: TraceEvent): void {
	switch (event.kind) {
		case 'open':
			opened(looking, who, event);
			break;
		case 'check':
			checked(looking, who, event);
			break;
		case 'write':
		case 'truncate':
		case 'rename':
			changed(looking, who, event, event.kind);
			break;
		case 'unlink':
			changed(looking, who, event, 'remove');
			break;
		case 'link':
		case 'symlink':
			changed(looking, who, event, 'link');
			break;
		case 'map':
			if (isSharedWritable(event)) changed(looking, who, event, 'map');
			else used(looking, who, event, 'map');
			break;
		case 'connect':
		case 'bind':
			connected(looking, who, event, event.kind);
			break;
		case 'ptrace':
		case 'vmwrite':
			traced(looking, who, event, event.kind);
			break;
		case 'exit':
			if (looking.arrivals.pids.get(who.info.pid) === who) looking.arrivals.pids.delete(who.info.pid);
			break;
		default:
			break;
	}
}

function opened(looking: Looking, who: SightedProcess, event: TraceEvent): void {
	const { flags } = event;
	const writes = isWriteOpen(flags);
	if ((who.session === null && !writes) || !mayBeRegular(event)) return;
	if (flags !== -1 && (flags & execOpenFlag) !== 0) checked(looking, who, event);
	else if (writes) changed(looking, who, event, 'open_write');
	else used(looking, who, event, 'read');
}

/** A read, or a mapping for it. Outside the workspace a digest is told once. */
function used(looking: Looking, who: SightedProcess, event: TraceEvent, op: 'read' | 'map'): void {
	const session = sightedIn(who);
	if (session === null) return;
	const { digest, size, path } = event;
	const firstSize = digest === '' ? undefined : session.digests.get(digest);
	if (digest !== '' && firstSize === undefined) {
		session.digests.set(digest, size);
		noteTold(looking.arrivals);
	}
	if (!inWorkspace(session, who.info.container, path)) {
		if (digest === '' || firstSize !== undefined) return;
	} else {
		if (digest === '' && size < 0) return;
		const told = session.reads.get(path);
		if (told !== undefined && told.digest === digest && told.size === size && told.execId === who.info.execId) return;
		session.reads.set(path, { execId: who.info.execId, digest, size });
		noteTold(looking.arrivals);
	}
	const sighted = tell(looking, session);
	if (sighted === null) return;
	const fact = factOf(looking, who, event, op, false);
	fact.otherSize = otherSize(looking, event, firstSize);
	name(looking, session, sighted, who);
	nameWriter(looking, session, sighted, who, fact);
	add(looking, sighted, fact);
}

/** Mix-ups of the sensor that can be known by now. */
function otherSize({ step }: Looking, event: TraceEvent, firstSize: number | undefined): number {
	const { digest, size, ino, dev } = event;
	if (digest === '' || size < 0 || ino === '') return -1;
	if (isEmptyDigestMisplaced(event)) return 0;
	if (size === 0) return -1;
	if (firstSize !== undefined && firstSize >= 0 && firstSize !== size) return firstSize;
	return peek(step.host.sizes, digest, dev, ino, size);
}

/** Who wrote last what is read: among what waits, else among what is settled. */
function nameWriter(
	looking: Looking,
	session: SightedSession,
	sighted: Sighted,
	who: SightedProcess,
	fact: FileFact,
): void {
	const { step, arrivals, watermarkUs } = looking;
	const { host, settings } = step;
	const { contents } = host;
	const fileName = nameKey(who.info.container, fact.path);
	const change = changeOf(arrivals, fileName);
	if (change !== undefined && change.timeUs > watermarkUs) {
		fact.writer = change.execId;
		fact.writerForeign = change.session !== session;
	} else if (contents.all.size > 0) {
		const content =
			(fact.dev === -1 ? undefined : findContent(contents, fact.dev, fact.ino)) ?? contents.byName.get(fileName);
		if (content === undefined) return;
		fact.heldBy = heldBy(host, content, session);
		if (content.writtenUs >= session.startUs - settings.limits.horizonUs) {
			fact.writer = content.writer;
			fact.writerForeign = content.writer !== '' && content.writerSession !== session.epoch;
		}
	}
	if (fact.writerForeign) nameExecId(looking, session, sighted, fact.writer);
	if (fact.heldBy !== '') nameExecId(looking, session, sighted, fact.heldBy);
}

/** The file is about to become this pid's next image, which has an exec_id of its own. */
function checked(looking: Looking, who: SightedProcess, event: TraceEvent): void {
	if (event.digest === '') return;
	const { checks } = looking;
	const { pid } = who.info;
	const waiting = checks.get(pid);
	if (waiting === undefined) {
		if (pid >= 0 && checks.size < checkedPidsMax) checks.set(pid, [{ event, who }]);
		else executed(looking, who, event);
	} else if (waiting.length < checksMax) waiting.push({ event, who });
	else executed(looking, who, event);
}

/** Gives an image what its pid has checked for execution, when this is the first event of it. */
export function takeChecks(looking: Looking, who: SightedProcess): void {
	const waiting = looking.checks.get(who.info.pid);
	if (waiting === undefined || waiting[0]?.who.info.execId === who.info.execId) return;
	looking.checks.delete(who.info.pid);
	for (const { event } of waiting) executed(looking, who, event);
}

/** What nobody has taken by the end of the record was executed by who asked, for all that is known. */
export function giveUpChecks(looking: Looking): void {
	for (const waiting of looking.checks.values()) for (const { event, who } of waiting) executed(looking, who, event);
	looking.checks.clear();
}

function executed(looking: Looking, who: SightedProcess, event: TraceEvent): void {
	const session = sightedIn(who);
	if (session === null || session.executed.get(event.path) === event.digest) return;
	session.executed.set(event.path, event.digest);
	noteTold(looking.arrivals);
	const sighted = tell(looking, session);
	if (sighted === null) return;
	const fact = factOf(looking, who, event, 'execute', false);
	fact.otherSize = otherSize(looking, event, undefined);
	name(looking, session, sighted, who);
	add(looking, sighted, fact);
}

/** A change is told to the sessions that it is foreign to; of their own ones is remembered who made them. */
function changed(looking: Looking, who: SightedProcess, event: TraceEvent, op: FileOp): void {
	const { arrivals } = looking;
	const { container, execId } = who.info;
	let inside = false;
	for (const session of arrivals.list) {
		if (!inWorkspace(session, container, event.path) && !inWorkspace(session, container, event.path2)) continue;
		inside = true;
		if (session !== who.session) changedByOther(looking, session, who, event, op);
	}
	if (!inside || op === 'remove') return;
	const fileName = nameKey(container, event.path);
	const known = arrivals.changes.get(fileName);
	if (known !== undefined && known.execId === execId) known.timeUs = Math.max(known.timeUs, event.timeUs);
	else noteChange(arrivals, fileName, { execId, session: sightedIn(who), timeUs: event.timeUs });
}

function changedByOther(
	looking: Looking,
	session: SightedSession,
	who: SightedProcess,
	event: TraceEvent,
	op: FileOp,
): void {
	if (isTold(looking, session, `${op}\0${who.info.execId}\0${event.path}`)) return;
	const sighted = tell(looking, session);
	if (sighted === null) return;
	const fact = factOf(looking, who, event, op, true);
	// As in the settled facts: mask and position would only tell writes apart.
	if (op === 'write') fact.flags = -1;
	name(looking, session, sighted, who);
	add(looking, sighted, fact);
}

function connected(looking: Looking, who: SightedProcess, event: TraceEvent, op: 'connect' | 'bind'): void {
	const session = sightedIn(who);
	if (session === null) return;
	const { family, address, port, timeUs } = event;
	const { execId } = who.info;
	if (isTold(looking, session, `${op}\0${execId}\0${family}\0${address}\0${port}`)) return;
	const sighted = tell(looking, session);
	if (sighted === null) return;
	name(looking, session, sighted, who);
	count(looking, address.length + family.length + execId.length);
	sighted.facts.connections.push({
		op,
		execId,
		family,
		address,
		port,
		firstUs: timeUs,
		lastUs: timeUs,
		count: 1,
	});
}

function traced(looking: Looking, who: SightedProcess, event: TraceEvent, op: 'ptrace' | 'vmwrite'): void {
	const own = sightedIn(who);
	const target = imageAt(looking.step, looking.arrivals, event.pid);
	const victim = target === undefined ? null : sightedIn(target);
	const request = op === 'ptrace' ? event.request : -1;
	const { execId } = who.info;
	for (const session of own === victim ? [own] : [own, victim]) {
		if (session === null || isTold(looking, session, `${op}\0${execId}\0${event.pid}\0${request}`)) continue;
		const sighted = tell(looking, session);
		if (sighted === null) continue;
		const foreign = session !== own;
		name(looking, session, sighted, who);
		count(looking, execId.length);
		sighted.facts.ptraces.push({
			op,
			execId,
			foreign,
			targetExecId: target?.info.execId ?? '',
			targetPid: event.pid,
			request,
			firstUs: event.timeUs,
			lastUs: event.timeUs,
			count: 1,
		});
	}
}

function isTold({ arrivals }: Looking, { others }: SightedSession, what: string): boolean {
	if (others.has(what)) return true;
	others.add(what);
	noteTold(arrivals);
	return false;
}

/** The session's sighting; null when the record's room is used up. */
function tell(looking: Looking, session: SightedSession): Sighted | null {
	if (looking.facts >= sightedFactsMax || looking.text >= sightedTextMax) {
		looking.untold++;
		return null;
	}
	if (session.gathering !== null) return session.gathering;
	const sighted: Sighted = { facts: emptyFacts(), named: new Set() };
	sighted.facts.opened = session.opened;
	session.gathering = sighted;
	looking.telling.push(session);
	return sighted;
}

function count(looking: Looking, text: number): void {
	looking.facts++;
	looking.text += text;
}

function add(looking: Looking, sighted: Sighted, fact: FileFact): void {
	count(looking, fact.path.length + fact.path2.length);
	sighted.facts.files.push(fact);
}

function nameExecId(looking: Looking, session: SightedSession, sighted: Sighted, execId: string): void {
	const process = imageOf(looking.step, looking.arrivals, execId);
	if (process !== undefined) name(looking, session, sighted, process);
}

/** In each sighting that a process did something in: a reader that has lost the others still knows who it was. */
function name(looking: Looking, session: SightedSession, sighted: Sighted, process: SightedProcess): void {
	const { info } = process;
	if (sighted.named.has(info.execId)) return;
	sighted.named.add(info.execId);
	count(looking, info.arguments.length + info.binary.length + info.cwd.length);
	const foreign = sightedIn(process) !== session;
	const waiting = foreign ? undefined : looking.checks.get(info.pid);
	const check = waiting?.find(({ event }) => event.path === info.binary)?.event;
	sighted.facts.processes.push({
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
		root: process.root && !foreign,
		foreign,
		executed: process.executed,
		digest: check?.digest ?? '',
		dev: check?.dev ?? -1,
		ino: check?.ino ?? '',
		// Leads do not look at it; the settled facts have it.
		environment: {},
	});
}

const factOf = ({ step }: Looking, who: SightedProcess, event: TraceEvent, op: FileOp, foreign: boolean): FileFact => ({
	op,
	execId: who.info.execId,
	foreign,
	path: event.path,
	path2: event.path2,
	dev: event.dev,
	ino: event.ino,
	version: 0,
	size: event.size,
	flags: event.flags,
	digest: event.digest,
	assurance: event.digest === '' ? 'none' : assuranceOf(step.host, event.hook),
	otherSize: -1,
	heldBy: '',
	writer: '',
	writerForeign: false,
	firstUs: event.timeUs,
	lastUs: event.timeUs,
	count: 1,
	copies: 0,
});
