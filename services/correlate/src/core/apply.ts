// Applies one released event to a host's state: the heart of the correlator.
import type { TraceEvent } from '@affidavit/model/trace-event.ts';
import { closeDue } from './closing.ts';
import { addConnect, addNote, addProcess, addPtrace, gather } from './collector.ts';
import { foldCopy, keepForCopies } from './copies.ts';
import { sight } from './digest-sizes.ts';
import {
	changed,
	executed,
	isEmptyDigestMisplaced,
	isWriteOpen,
	linked,
	mapped,
	openForReading,
	openForWriting,
	removed,
	renamed,
	symlinked,
} from './file-events.ts';
import { addKnownGap } from './gaps.ts';
import { isImported, type Kept, noteHook, type PendingExec, type Step } from './host.ts';
import { executedNow, noteImport, tellsOfImport } from './imported-events.ts';
import { notice } from './notices.ts';
import { placeProcess } from './placing.ts';
import { exit, imageOfPid, type ProcessNode, sessionOf } from './process-tree.ts';
import type { Item } from './reorder.ts';
import { widen } from './session.ts';

/** __FMODE_EXEC: the kernel opens a file to execute it. */
export const execOpenFlag = 32;
/** Files of one exec: scripts, interpreters, the loader. */
const pendingExecsMax = 16;
/** Pids with such files. */
const pendingPidsMax = 4096;
/** A sensor's report of dropped events covers about this much time before it. */
const rateLimitUs = 60_000_000;

export function apply(step: Step, item: Item): void {
	const { host } = step;
	const { event } = item;
	if (event.timeUs > host.nextCloseUs && !step.late) closeDue(step, event.timeUs);
	if (isImported(host) && tellsOfImport(event)) {
		noteImport(step, item);
		return;
	}
	if (event.hook !== '' && !host.hooks.has(event.hook)) noteHook(step, event.hook);
	if (event.kind === 'throttle' || event.kind === 'rate_limit') {
		noteSensorLoss(step, event);
		return;
	}
	if (event.execId === '') {
		notice(step.notices, 'events_dropped', 'no-process', false);
		return;
	}
	const isOpen = event.kind === 'open' || event.kind === 'check';
	if (isOpen && foldCopy(step, event)) return;
	const node = placeProcess(step, item);
	if (host.pendingExecs.size > 0) takePendingExecs(step, node, event);
	const session = sessionOf(node);
	if (session !== null) {
		session.events++;
		step.collector.touched.add(session);
		if (event.timeUs > session.lastEventUs) session.lastEventUs = event.timeUs;
		if (step.late) {
			gather(step.collector, session);
			if (!step.recovered) session.late = widen(session.late, event.timeUs);
		}
	}
	applyTo(step, node, event);
}

function applyTo(step: Step, node: ProcessNode, event: TraceEvent): void {
	switch (event.kind) {
		case 'open':
			opened(step, node, event);
			break;
		case 'check':
			if (isImported(step.host)) executedNow(step, node, event);
			else awaitExec(step, node, event, keepForCopies(step, event), judgeDigest(step, event));
			break;
		case 'write':
		case 'truncate':
			changed(step, node, event, event.kind);
			break;
		case 'rename':
			renamed(step, node, event);
			break;
		case 'unlink':
			removed(step, node, event);
			break;
		case 'link':
			linked(step, node, event);
			break;
		case 'symlink':
			symlinked(step, node, event);
			break;
		case 'map':
			mapped(step, node, event);
			break;
		case 'exec':
			started(step, node);
			break;
		case 'exit':
			exited(step, node, event);
			break;
		case 'ptrace':
		case 'vmwrite':
			traced(step, node, event, event.kind);
			break;
		case 'connect':
		case 'bind':
			connected(step, node, event, event.kind);
			break;
		default:
			// mount, setns, unshare, loader and hooks that this version does not interpret: counted with the session's events only.
			break;
	}
}

/** Only regular files have content: directories, sockets, pipes and devices are no facts. */
export const mayBeRegular = (event: TraceEvent): boolean =>
	event.fileType === '-' ||
	(event.fileType === '' && (event.digest !== '' || event.size >= 0 || isWriteOpen(event.flags)));

function opened(step: Step, node: ProcessNode, event: TraceEvent): void {
	if (!mayBeRegular(event)) return;
	const kept = keepForCopies(step, event);
	const otherSize = judgeDigest(step, event);
	if (event.flags !== -1 && (event.flags & execOpenFlag) !== 0) awaitExec(step, node, event, kept, otherSize);
	else if (isWriteOpen(event.flags)) openForWriting(step, node, event, otherSize, kept);
	else openForReading(step, node, event, otherSize, kept);
}

/** The size of the file that the digest really is of, where the host knows better than the event; else -1. */
function judgeDigest(step: Step, event: TraceEvent): number {
	if (event.digest === '' || event.size < 0 || event.ino === '') return -1;
	if (isEmptyDigestMisplaced(event)) return 0;
	if (event.size === 0) return -1;
	const { host, settings } = step;
	return sight(host.sizes, event.digest, event.dev, event.ino, event.size, settings.limits.digests);
}

/** The file will be the next image of this pid, which has an exec_id of its own: the fact waits for it. */
function awaitExec(step: Step, node: ProcessNode, event: TraceEvent, kept: Kept, otherSize: number): void {
	const { pendingExecs } = step.host;
	const waiting: PendingExec = { event, otherSize, copies: 0, kept };
	kept.pending = waiting;
	if (node.info.pid < 0) {
		executed(step, node, waiting);
		return;
	}
	const list = pendingExecs.get(node.info.pid);
	if (list !== undefined) {
		list.push(waiting);
		if (list.length > pendingExecsMax) giveUp(step, list.shift() as PendingExec);
		return;
	}
	pendingExecs.set(node.info.pid, [waiting]);
	if (pendingExecs.size <= pendingPidsMax) return;
	const [oldest, dropped] = pendingExecs.entries().next().value as [number, PendingExec[]];
	pendingExecs.delete(oldest);
	for (const one of dropped) giveUp(step, one);
}

/** Opened or checked for an exec that never came: executed for all that is known, by the image that asked. */
function giveUp(step: Step, waiting: PendingExec): void {
	const node = step.host.tree.nodes.get(waiting.event.execId);
	if (node !== undefined) executed(step, node, waiting);
}

/** The first event of a new image takes what its pid has opened and checked for execution. */
function takePendingExecs(step: Step, node: ProcessNode, event: TraceEvent): void {
	const { pendingExecs } = step.host;
	const { pid, execId, binary } = node.info;
	const list = pendingExecs.get(pid);
	if (list === undefined) return;
	const first = (list[0] as PendingExec).event;
	if (first.execId === execId && event.kind !== 'exit') return;
	// A straggler of an image before the one that opened the files.
	const opener = step.host.tree.nodes.get(first.execId);
	if (opener !== undefined && node.info.startUs < opener.info.startUs) return;
	pendingExecs.delete(pid);
	if (event.kind === 'exit' && first.execId === execId) {
		for (const waiting of list) giveUp(step, waiting);
		return;
	}
	let check: TraceEvent | null = null;
	for (const waiting of list) {
		// A script gives two checks: its own and its interpreter's.
		if (waiting.event.kind === 'check' && (check === null || check.path !== binary)) check = waiting.event;
		executed(step, node, waiting);
	}
	if (check === null) return;
	node.digest = check.digest;
	node.dev = check.dev;
	node.ino = check.ino;
	step.host.tree.dirty.add(execId);
	const session = sessionOf(node);
	if (session !== null) addProcess(step.collector, session, node, false);
}

function started(step: Step, node: ProcessNode): void {
	if (node.executed) return;
	node.executed = true;
	step.host.tree.dirty.add(node.info.execId);
	const session = sessionOf(node);
	if (session !== null) addProcess(step.collector, session, node, false);
}

function exited(step: Step, node: ProcessNode, event: TraceEvent): void {
	exit(step.host.tree, node, event.timeUs);
	const session = sessionOf(node);
	if (session === null) return;
	gather(step.collector, session).facts.exits.push({
		timeUs: event.timeUs,
		execId: node.info.execId,
		status: event.status,
		signal: event.signal,
	});
	if (!session.roots.includes(node.chain)) return;
	step.host.nextCloseUs = Math.min(step.host.nextCloseUs, event.timeUs + step.settings.limits.graceUs);
}

function traced(step: Step, node: ProcessNode, event: TraceEvent, op: 'ptrace' | 'vmwrite'): void {
	const { host, collector } = step;
	const target = imageOfPid(host.tree, event.pid);
	const own = sessionOf(node);
	const victim = target === undefined ? null : sessionOf(target);
	if (target === undefined)
		for (const session of host.sessions.values())
			addNote(collector, session, {
				cause: 'unresolved-pid',
				execId: node.info.execId,
				detail: `${op} ${event.pid}`,
				timeUs: event.timeUs,
				count: 1,
			});
	for (const session of own === victim ? [own] : [own, victim])
		if (session !== null)
			addPtrace(collector, session, {
				op,
				execId: node.info.execId,
				foreign: session !== own,
				targetExecId: target?.info.execId ?? '',
				targetPid: event.pid,
				request: op === 'ptrace' ? event.request : -1,
				firstUs: event.timeUs,
				lastUs: event.timeUs,
				count: 1,
			});
}

function connected(step: Step, node: ProcessNode, event: TraceEvent, op: 'connect' | 'bind'): void {
	const session = sessionOf(node);
	if (session === null) return;
	addConnect(step.collector, session, {
		op,
		execId: node.info.execId,
		family: event.family,
		address: event.address,
		port: event.port,
		firstUs: event.timeUs,
		lastUs: event.timeUs,
		count: 1,
	});
}

function noteSensorLoss(step: Step, event: TraceEvent): void {
	const { gaps } = step.host;
	const max = step.settings.limits.gaps;
	if (event.kind === 'rate_limit') {
		const fromUs = event.timeUs - rateLimitUs;
		addKnownGap(gaps, { cause: 'rate-limit', detail: '', fromUs, toUs: event.timeUs, count: event.count }, max);
		return;
	}
	if (event.signal === 'THROTTLE_START') {
		if (gaps.throttledUs === -1) gaps.throttledUs = event.timeUs;
		return;
	}
	const fromUs = gaps.throttledUs === -1 ? event.timeUs : gaps.throttledUs;
	gaps.throttledUs = -1;
	addKnownGap(gaps, { cause: 'throttle', detail: '', fromUs, toUs: event.timeUs, count: event.count }, max);
}
