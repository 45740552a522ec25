// Opens, writes, renames and removals, as they change what is known of a content.
import { emptyFileSha256 } from '@affidavit/model/digests.ts';
import type { FileFact } from '@affidavit/model/facts.ts';
import type { TraceEvent } from '@affidavit/model/trace-event.ts';
import {
	addName,
	type Content,
	contentOfName,
	contentOfOpen,
	createContent,
	findContent,
	holdersMax,
	nameKey,
	removeName,
	renameFolder,
	touch,
} from './content.ts';
import { type FileOperation, remember, reportChange, reportUse } from './file-report.ts';
import type { Kept, PendingExec, Step } from './host.ts';
import { notice } from './notices.ts';
import { isAlive, type ProcessNode, sessionOf } from './process-tree.ts';
import type { Session } from './session.ts';
import { noteRun, runPauseUs } from './writing-runs.ts';

/** O_WRONLY and O_RDWR; O_TRUNC also changes a file that was opened read-only. */
const accessMask = 3;
const truncateFlag = 0o1000;
const protWrite = 2;
const mapShared = 1;

export const isWriteOpen = (flags: number): boolean =>
	flags !== -1 && ((flags & accessMask) !== 0 || (flags & truncateFlag) !== 0);

const operation = (event: TraceEvent, op: FileOperation['op'], otherSize: number): FileOperation => ({
	op,
	hook: event.hook,
	timeUs: event.timeUs,
	path: event.path,
	path2: event.path2,
	dev: event.dev,
	ino: event.ino,
	size: event.size,
	flags: event.flags,
	digest: event.digest,
	otherSize,
});

const keyOf = (node: ProcessNode, path: string): string => nameKey(node.info.container, path);

/** What a read or an execution tells about a content: its digest, and that the writing run is over. */
function noteUse(step: Step, content: Content, event: TraceEvent, otherSize: number): void {
	if (content.running) {
		content.running = false;
		touch(step.host.contents, content);
	}
	if (content.digest !== '' || event.digest === '' || otherSize !== -1) return;
	content.digest = event.digest;
	content.digestSize = event.size;
	touch(step.host.contents, content);
}

function usedContent(step: Step, node: ProcessNode, event: TraceEvent): Content | undefined {
	const { contents } = step.host;
	// Nothing was written yet that this could be: the common case by far.
	if (contents.all.size === 0) return undefined;
	return contentOfOpen(contents, event.dev, event.ino, keyOf(node, event.path));
}

export function openForReading(step: Step, node: ProcessNode, event: TraceEvent, otherSize: number, kept: Kept): void {
	const content = usedContent(step, node, event);
	if (content !== undefined) noteUse(step, content, event, otherSize);
	const session = sessionOf(node);
	if (session === null) return;
	if (event.digest === '') session.withoutDigest++;
	keep(kept, session, reportUse(step, node, content, operation(event, 'read', otherSize), session));
}

function keep(kept: Kept, session: Session, fact: FileFact): void {
	kept.session = session.id;
	kept.fact = fact;
}

/** An exec-open or check of what has now become the image `node`. */
export function executed(step: Step, node: ProcessNode, pending: PendingExec): void {
	const { event, otherSize } = pending;
	let content = usedContent(step, node, event);
	const session = sessionOf(node);
	if (content === undefined && session !== null && event.ino !== '') {
		// What a session executes is watched from now on: a later rename over it concerns the session.
		content = createContent(step.host.contents, event.dev, event.ino);
		content.executedUs = event.timeUs;
		addName(step.host.contents, content, keyOf(node, event.path));
	}
	if (content !== undefined) noteUse(step, content, event, otherSize);
	if (pending.kept !== null) pending.kept.pending = null;
	if (session === null) return;
	if (event.digest === '') session.withoutDigest++;
	session.copies += pending.copies;
	const fact = reportUse(step, node, content, operation(event, 'execute', otherSize), session);
	if (pending.kept !== null) keep(pending.kept, session, fact);
}

export function openForWriting(step: Step, node: ProcessNode, event: TraceEvent, otherSize: number, kept: Kept): void {
	const { contents } = step.host;
	const name = keyOf(node, event.path);
	let content = contentOfOpen(contents, event.dev, event.ino, name);
	if (content === undefined) content = createContent(contents, event.dev, event.ino);
	else if (event.size === 0 && !content.names.includes(name)) startAnew(step, content);
	const displaced = addName(contents, content, name);
	content.openedFor = event.flags & accessMask;
	beginRun(step, node, content, event.timeUs, false);
	hold(step, node, content);
	const what = operation(event, 'open_write', otherSize);
	remember(step, node, content, what);
	const own = reportChange(step, node, content, displaced, what);
	if (own !== null) keep(kept, own.session, own.fact);
}

/** An inode number that was freed and is a new file's now: nothing of the old file may stick to it. */
function startAnew(step: Step, content: Content): void {
	for (const name of [...content.names]) removeName(step.host.contents, content, name);
	content.running = false;
	content.writer = '';
	content.writerSession = 0;
	content.changeSeenUs = -1;
	content.openedFor = 0;
	content.marks = [];
	content.holders = [];
	content.deeds = [];
}

/** A writing run goes on while one process writes without a long pause and nobody reads; every other writing starts the next version. */
function beginRun(step: Step, node: ProcessNode, content: Content, timeUs: number, sameBytes: boolean): void {
	const { execId } = node.info;
	const continues = content.running && content.writer === execId && timeUs - content.writtenUs <= runPauseUs;
	if (!continues) {
		content.version++;
		noteRun(content, timeUs);
	}
	// A rename or link gives the inode a name; its bytes stay what they were.
	if (!sameBytes) {
		content.digest = '';
		content.digestSize = -1;
	}
	content.running = true;
	content.writer = execId;
	content.writerSession = sessionOf(node)?.epoch ?? 0;
	content.writtenUs = timeUs;
	touch(step.host.contents, content);
}

function hold(step: Step, node: ProcessNode, content: Content): void {
	const { execId } = node.info;
	for (const holder of content.holders) if (holder.execId === execId) return;
	if (content.holders.length >= holdersMax) {
		const dead = content.holders.findIndex((holder) => !isAlive(step.host.tree, holder.execId));
		if (dead === -1) notice(step.notices, 'write_holders_dropped', 'limit', false);
		content.holders.splice(Math.max(dead, 0), 1);
	}
	const holder = { execId, session: sessionOf(node)?.epoch ?? 0 };
	if (content.holders.length === 0) content.holders = [holder];
	else content.holders.push(holder);
}

/** A write, truncation or shared writable mapping: no device in the event, for a truncation no inode either. */
export function changed(step: Step, node: ProcessNode, event: TraceEvent, op: 'write' | 'truncate' | 'map'): void {
	const { contents } = step.host;
	const name = keyOf(node, event.path);
	let content = contentOfName(contents, name, event.ino);
	let displaced: Content | undefined;
	if (content === undefined) {
		content = createContent(contents, -1, event.ino);
		displaced = addName(contents, content, name);
	}
	beginRun(step, node, content, event.timeUs, false);
	if (op === 'map') hold(step, node, content);
	else content.changeSeenUs = event.timeUs;
	// The sensor's writes carry no digest; an imported one says what the file held when the build was over.
	if (event.digest !== '') content.digest = event.digest;
	const what = operation(event, op, -1);
	// Mask and position would only tear one run of writes into many facts.
	if (op === 'write') what.flags = -1;
	remember(step, node, content, what);
	reportChange(step, node, content, displaced, what);
}

export function renamed(step: Step, node: ProcessNode, event: TraceEvent): void {
	const { contents } = step.host;
	const from = keyOf(node, event.path2);
	const to = keyOf(node, event.path);
	const what = operation(event, 'rename', -1);
	let content = contentOfName(contents, from, event.ino);
	const victim = contents.byName.get(to);
	if (content === undefined && contents.folders.has(from)) {
		moveFolder(step, from, to);
		reportChange(step, node, undefined, undefined, what);
		return;
	}
	if (content === undefined) {
		// A rename stays on one file system: the file that is replaced tells the device.
		const dev = event.ino === '' ? -1 : (victim?.dev ?? -1);
		content =
			(dev === -1 ? undefined : findContent(contents, dev, event.ino)) ?? createContent(contents, dev, event.ino);
	}
	removeNameButKeep(step, content, from, to);
	beginRun(step, node, content, event.timeUs, true);
	content.changeSeenUs = event.timeUs;
	remember(step, node, content, what);
	reportChange(step, node, content, victim === content ? undefined : victim, what);
}

/** The new name first: a content that is known by name only must not be without one. */
function removeNameButKeep(step: Step, content: Content, from: string, to: string): void {
	addName(step.host.contents, content, to);
	if (from !== to) removeName(step.host.contents, content, from);
}

function moveFolder(step: Step, from: string, to: string): void {
	if (step.folderScans <= 0) {
		notice(step.notices, 'folder_renames_not_followed', 'limit', false);
		return;
	}
	step.folderScans--;
	renameFolder(step.host.contents, from, to);
}

export function linked(step: Step, node: ProcessNode, event: TraceEvent): void {
	const { contents } = step.host;
	const existing = keyOf(node, event.path2);
	let content = contentOfName(contents, existing, event.ino);
	if (content === undefined) {
		content = createContent(contents, -1, event.ino);
		addName(contents, content, existing);
	}
	const displaced = addName(contents, content, keyOf(node, event.path));
	beginRun(step, node, content, event.timeUs, true);
	content.changeSeenUs = event.timeUs;
	const what = operation(event, 'link', -1);
	remember(step, node, content, what);
	reportChange(step, node, content, displaced, what);
}

/** A symbolic link has no content of its own; path2 is its target as written. */
export function symlinked(step: Step, node: ProcessNode, event: TraceEvent): void {
	const displaced = step.host.contents.byName.get(keyOf(node, event.path));
	if (displaced !== undefined) removeName(step.host.contents, displaced, keyOf(node, event.path));
	reportChange(step, node, undefined, displaced, operation(event, 'link', -1));
}

export function removed(step: Step, node: ProcessNode, event: TraceEvent): void {
	const { contents } = step.host;
	const name = keyOf(node, event.path);
	const named = contents.byName.get(name);
	const what = operation(event, 'remove', -1);
	if (named === undefined) {
		reportChange(step, node, undefined, undefined, what);
		return;
	}
	const same = event.ino === '' || named.ino === '' || named.ino === event.ino;
	reportChange(step, node, same ? named : undefined, named, what);
	removeName(contents, named, name);
}

export function mapped(step: Step, node: ProcessNode, event: TraceEvent): void {
	if (event.path === '') return;
	if (isSharedWritable(event)) {
		changed(step, node, event, 'map');
		return;
	}
	const session = sessionOf(node);
	if (session === null) return;
	const content = step.host.contents.byName.get(keyOf(node, event.path));
	reportUse(step, node, content, operation(event, 'map', -1), session);
}

/** A mapping through which the file is written without an event. */
export const isSharedWritable = (event: TraceEvent): boolean =>
	event.flags !== -1 && (event.flags & protWrite) !== 0 && (event.request & mapShared) !== 0;

/** The empty file's digest on a file that is not empty is another file's. */
export const isEmptyDigestMisplaced = (event: TraceEvent): boolean =>
	event.digest === emptyFileSha256 && event.size > 0;
