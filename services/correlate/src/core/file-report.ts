// A file operation as facts: of the session that did it, and of every session that it concerns as a foreign one.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { FileOp } from '@affidavit/model/generated/session.ts';
import { addFile } from './collector.ts';
import { type Content, type Deed, deedsMax, type Mark, marksMax, touch } from './content.ts';
import { assuranceOf, type Host, type Step } from './host.ts';
import { notice } from './notices.ts';
import { isAlive, type ProcessNode, sessionOf } from './process-tree.ts';
import { type Session, widen } from './session.ts';
import { isBeforeMinute, sameMinute, versionSince } from './writing-runs.ts';

/** What an event says about a file. */
export interface FileOperation {
	op: FileOp;
	hook: string;
	timeUs: number;
	path: string;
	path2: string;
	/** -1 and '' unknown: then those of the content count. */
	dev: number;
	ino: string;
	size: number;
	flags: number;
	digest: string;
	otherSize: number;
}

/** True for a path below the session's workspace. A workspace that is the whole file system says nothing: no path is inside. */
export function inWorkspace(
	session: Pick<Session, 'workspace' | 'container'>,
	container: string,
	path: string,
): boolean {
	const { workspace } = session;
	const end = workspace.length;
	return (
		end > 1 &&
		session.container === container &&
		path.startsWith(workspace) &&
		(path.length === end || path.charCodeAt(end) === slash)
	);
}

const slash = 47;

export function factOf(
	step: Step,
	node: ProcessNode,
	content: Content | undefined,
	what: FileOperation,
	session: Session,
	foreign: boolean,
): FileFact {
	const sinceUs = session.startUs - step.settings.limits.horizonUs;
	// Who wrote before the horizon is not said, however long the host's memory is.
	const writer = content !== undefined && content.writtenUs >= sinceUs ? content.writer : '';
	return {
		op: what.op,
		execId: node.info.execId,
		foreign,
		path: what.path,
		path2: what.path2,
		dev: what.dev !== -1 ? what.dev : (content?.dev ?? -1),
		ino: what.ino !== '' ? what.ino : (content?.ino ?? ''),
		version: content === undefined ? 0 : versionSince(content, content.version, sinceUs),
		size: what.size,
		flags: what.flags,
		digest: what.digest,
		assurance: what.digest === '' ? 'none' : assuranceOf(step.host, what.hook),
		otherSize: what.otherSize,
		heldBy: content === undefined || foreign ? '' : heldBy(step.host, content, session),
		writer,
		writerForeign: writer !== '' && content !== undefined && content.writerSession !== session.epoch,
		firstUs: what.timeUs,
		lastUs: what.timeUs,
		count: 1,
		copies: 0,
	};
}

/** A foreign process that may write through a descriptor it opened before. */
export function heldBy(host: Host, content: Content, session: Pick<Session, 'epoch'>): string {
	for (const holder of content.holders)
		if (holder.session !== session.epoch && isAlive(host.tree, holder.execId)) return holder.execId;
	return '';
}

/**
 * Reports an operation that changes a file or its names to the actor's session, and as foreign to every session whose
 * workspace or files it touches. `displaced`: what had the name before. Returns the fact of the actor's session, if any.
 */
export function reportChange(
	step: Step,
	node: ProcessNode,
	content: Content | undefined,
	displaced: Content | undefined,
	what: FileOperation,
): { session: Session; fact: FileFact } | null {
	const own = sessionOf(node);
	const { container } = node.info;
	let reported: { session: Session; fact: FileFact } | null = null;
	for (const session of step.host.sessions.values()) {
		const inside = inWorkspace(session, container, what.path) || inWorkspace(session, container, what.path2);
		if (inside && what.op === 'write') session.writeSeen = true;
		if (session === own) {
			if (content !== undefined) {
				const mark = markOf(step, content, session);
				if (what.op !== 'remove') mark.wrote = true;
			}
			const fact = factOf(step, node, content, what, session, false);
			addFile(step.collector, session, fact);
			reported = { session, fact };
		} else if (inside || isMarked(content, session) || isMarked(displaced, session))
			addFile(step.collector, session, factOf(step, node, content, what, session, true));
		else continue;
		// The actor's own session has counted the event already.
		if (step.late && !step.recovered && session !== own) session.late = widen(session.late, what.timeUs);
	}
	return reported;
}

/** Reports a read, execution or mapping to the actor's session. */
export function reportUse(
	step: Step,
	node: ProcessNode,
	content: Content | undefined,
	what: FileOperation,
	session: Session,
): FileFact {
	if (content !== undefined) {
		const mark = markOf(step, content, session);
		if (!mark.silent && what.size > 0) {
			const sinceUs = session.startUs - step.settings.limits.horizonUs;
			noteSilent(content, mark, session, node.info.container, what.path, sinceUs);
		}
	}
	const fact = factOf(step, node, content, what, session, false);
	addFile(step.collector, session, fact);
	return fact;
}

/** Content without any reported change to it: the policies may not cover the workspace. */
function noteSilent(
	content: Content,
	mark: Mark,
	session: Session,
	container: string,
	path: string,
	sinceUs: number,
): void {
	if (content.openedFor === 0 || content.changeSeenUs >= sinceUs || content.writtenUs < session.startUs) return;
	if (!inWorkspace(session, container, path)) return;
	mark.silent = true;
	if (content.openedFor === 1) session.silentWriteOnly++;
	else session.silentReadWrite++;
}

const isMarked = (content: Content | undefined, session: Session): boolean => {
	if (content === undefined) return false;
	for (const mark of content.marks) if (mark.session === session.epoch) return true;
	return false;
};

/** The session's mark on a content. With the first one, what others did to it before becomes the session's evidence. */
function markOf(step: Step, content: Content, session: Session): Mark {
	for (const mark of content.marks) if (mark.session === session.epoch) return mark;
	const mark: Mark = { session: session.epoch, wrote: false, silent: false };
	if (content.marks.length >= marksMax) {
		content.marks.shift();
		notice(step.notices, 'file_uses_forgotten', 'limit', false);
	}
	if (content.marks.length === 0) content.marks = [mark];
	else content.marks.push(mark);
	touch(step.host.contents, content);
	reportPast(step, content, session);
	return mark;
}

function reportPast(step: Step, content: Content, session: Session): void {
	const since = session.startUs - step.settings.limits.horizonUs;
	for (const deed of content.deeds) {
		if (deed.session === session.epoch || deed.lastUs < since || isBeforeMinute(deed.firstUs, since)) continue;
		// What happened inside the workspace since the session opened was reported when it happened.
		if (
			deed.epoch >= session.epoch &&
			(inWorkspace(session, deed.container, deed.path) || inWorkspace(session, deed.container, deed.path2))
		)
			continue;
		addFile(step.collector, session, pastFact(step.host, content, deed, since));
	}
}

const pastFact = (host: Host, content: Content, deed: Deed, sinceUs: number): FileFact => ({
	op: deed.op,
	execId: deed.execId,
	foreign: true,
	path: deed.path,
	path2: deed.path2,
	dev: content.dev,
	ino: content.ino,
	version: versionSince(content, deed.version, sinceUs),
	size: deed.size,
	flags: deed.flags,
	digest: deed.digest,
	assurance: deed.digest === '' ? 'none' : host.assurance,
	otherSize: -1,
	heldBy: '',
	writer: deed.execId,
	writerForeign: true,
	firstUs: deed.firstUs,
	lastUs: deed.lastUs,
	count: deed.count,
	copies: 0,
});

/** Remembers an operation on a content for the sessions that will meet it. */
export function remember(step: Step, node: ProcessNode, content: Content, what: FileOperation): void {
	const { deeds } = content;
	const { execId, container } = node.info;
	const epoch = step.host.openings;
	const last = deeds.at(-1);
	if (
		last !== undefined &&
		last.op === what.op &&
		last.execId === execId &&
		last.epoch === epoch &&
		last.version === content.version &&
		last.path === what.path &&
		last.path2 === what.path2 &&
		last.size === what.size &&
		last.flags === what.flags &&
		last.digest === what.digest &&
		sameMinute(last.firstUs, what.timeUs)
	) {
		last.lastUs = Math.max(last.lastUs, what.timeUs);
		last.count++;
		return;
	}
	const old = what.timeUs - step.settings.limits.horizonUs - step.settings.limits.sessionUs;
	while (deeds.length > 0 && (deeds[0] as Deed).lastUs < old) deeds.shift();
	if (deeds.length >= deedsMax) {
		deeds.shift();
		notice(step.notices, 'write_history_dropped', 'limit', true);
	}
	const deed: Deed = {
		op: what.op,
		execId,
		session: sessionOf(node)?.epoch ?? 0,
		epoch,
		container,
		path: what.path,
		path2: what.path2,
		version: content.version,
		size: what.size,
		flags: what.flags,
		digest: what.digest,
		firstUs: what.timeUs,
		lastUs: what.timeUs,
		count: 1,
	};
	if (deeds.length === 0) content.deeds = [deed];
	else deeds.push(deed);
}
