// Which session a process belongs to: by descent, or because a matcher opens one at it (design 6).
import type { OpenedFact } from '@affidavit/model/generated/session.ts';
import { sessionId } from '@affidavit/model/ids.ts';
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import { addGap, addNote, addProcess, gather } from './collector.ts';
import type { Step } from './host.ts';
import { type Match, matchProcess, sameJob } from './matcher.ts';
import { notice } from './notices.ts';
import {
	admit,
	admitUnknown,
	describe,
	evictProcesses,
	imageOfPid,
	type ProcessNode,
	pidInExecId,
	sessionOf,
} from './process-tree.ts';
import type { Item } from './reorder.ts';
import type { Session } from './session.ts';

/** A root that is older than the oldest event by no more than this was seen from its start (clocks of sensor and kernel differ a little). */
const recordingSlackUs = 1_000_000;

/** The node of an event's process, placed as far as its ancestors are known. */
export function placeProcess(step: Step, item: Item): ProcessNode {
	const { tree } = step.host;
	const known = tree.nodes.get(item.event.execId);
	if (known?.placed) return known;
	const { timeUs } = item.event;
	// The parent first, so that the topmost matching process becomes the root.
	if (item.parent !== null && item.parent.pid >= 0) admitAndPlace(step, item.parent, timeUs);
	return admitAndPlace(step, item.process, timeUs);
}

function admitAndPlace(step: Step, info: ProcessInfo, timeUs: number): ProcessNode {
	const { tree } = step.host;
	let node = tree.nodes.get(info.execId);
	if (node === undefined) {
		makeRoom(step);
		node = info.pid >= 0 ? admit(tree, info, timeUs) : admitUnknown(tree, info.execId, timeUs);
	} else if (node.info.pid < 0 && info.pid >= 0) node = describe(tree, node, info, timeUs);
	if (!node.placed) place(step, node, timeUs);
	return node;
}

function makeRoom(step: Step): void {
	const { exited, living } = evictProcesses(step.host.tree, step.settings.limits.processes);
	if (exited > 0) notice(step.notices, 'processes_forgotten', 'exited', true, exited);
	if (living > 0) notice(step.notices, 'processes_forgotten', 'limit', false, living);
}

const initPid = 1;
const kernelPid = 2;

function place(step: Step, node: ProcessNode, timeUs: number): void {
	const { tree } = step.host;
	const { parentExecId, startUs } = node.info;
	const parent = parentExecId === '' ? undefined : tree.nodes.get(parentExecId);
	if (parent !== undefined) {
		node.placed = true;
		const session = sessionOf(parent);
		if (session !== null) join(step, session, node);
		else openOrJoin(step, node, timeUs);
		return;
	}
	if (parentExecId === '' || node.info.pid < 0) {
		node.placed = node.info.pid >= 0;
		if (node.placed) openOrJoin(step, node, timeUs);
		return;
	}
	// The parent may be a fork whose own id was dropped when it exec'd: its pid leads to the image that it became.
	const pid = pidInExecId(parentExecId);
	const image = pid === -1 ? undefined : imageOfPid(tree, pid);
	const session = image === undefined ? null : sessionOf(image);
	if (session !== null) {
		node.placed = true;
		join(step, session, node);
		countOrphan(step, session, node, timeUs);
		return;
	}
	if (openOrJoin(step, node, timeUs)) {
		node.placed = true;
		return;
	}
	node.placed = true;
	// Children of init and of the kernel are nobody's orphans. Of others nobody can say whether they belong to a session.
	if (pid === initPid || pid === kernelPid) return;
	for (const open of step.host.sessions.values()) if (startUs >= open.startUs) countOrphan(step, open, node, timeUs);
}

/** A process whose parent nobody knows. */
export function countOrphan(step: Step, session: Session, node: ProcessNode, timeUs: number): void {
	session.orphans++;
	addNote(step.collector, session, {
		cause: 'orphan-process',
		execId: node.info.execId,
		detail: node.info.binary,
		timeUs,
		count: 1,
	});
}

function join(step: Step, session: Session, node: ProcessNode): void {
	node.session = session;
	step.host.tree.dirty.add(node.info.execId);
	addProcess(step.collector, session, node, false);
}

/** Opens a session at the process, or joins one as a sibling root; false when no matcher matches. */
function openOrJoin(step: Step, node: ProcessNode, timeUs: number): boolean {
	for (const adopt of step.settings.adoptions) {
		const session = adopt(node, step.host.sessions);
		if (session === null) continue;
		join(step, session, node);
		return true;
	}
	const match = matchProcess(step.settings.matchers, node.info);
	if (match === null) return false;
	for (const session of step.host.sessions.values()) {
		if (!sameRun(session, match)) continue;
		if (isSibling(session, node) && session.roots.length < step.settings.limits.roots) {
			joinAsRoot(step, session, node);
			return true;
		}
	}
	const opened = open(step, node, match, timeUs);
	if (opened !== null) noteReuse(step, opened, match, node);
	return opened !== null;
}

export const sameRun = (session: { matcher: string; jobKeyParts: readonly string[] }, match: Match): boolean =>
	session.matcher === match.matcher && sameJob(session.jobKeyParts, match.jobKeyParts);

const isSibling = (session: Session, node: ProcessNode): boolean =>
	session.siblingParent !== '' && node.chain.parentExecId === session.siblingParent;

function joinAsRoot(step: Step, session: Session, node: ProcessNode): void {
	node.root = true;
	session.roots.push(node.chain);
	join(step, session, node);
	addNote(step.collector, session, {
		cause: 'joined-root',
		execId: node.info.execId,
		detail: session.jobKey,
		timeUs: node.info.startUs,
		count: 1,
	});
}

function open(step: Step, node: ProcessNode, match: Match, timeUs: number): Session | null {
	const { host, settings } = step;
	const { info } = node;
	if (host.sessions.size >= settings.limits.sessions) {
		notice(step.notices, 'sessions_refused', 'limit', false);
		return null;
	}
	const id = sessionId(host.name, host.boot, info.execId);
	// The same root cannot open twice: after a maximum, its children open sessions of their own.
	if (host.sessions.has(id)) return null;
	host.openings++;
	const startUs = startOf(info, timeUs);
	const session: Session = {
		id,
		host: host.name,
		boot: host.boot,
		matcher: match.matcher,
		jobKey: match.jobKey,
		jobKeyParts: match.jobKeyParts,
		ciRunId: match.ciRunId,
		repository: match.repository,
		commit: match.commit,
		rootExecId: info.execId,
		workspace: workspaceOf(match, info),
		container: info.container,
		startUs,
		live: !host.recorded,
		siblingParent: node.chain.parentExecId,
		roots: [node.chain],
		epoch: host.openings,
		sequence: 0,
		head: Buffer.alloc(32),
		watermarkUs: -1,
		lastEventUs: startUs,
		events: 0,
		copies: 0,
		orphans: 0,
		withoutDigest: 0,
		facts: 0,
		overflow: null,
		late: null,
		evicted: null,
		writeSeen: false,
		silentWriteOnly: 0,
		silentReadWrite: 0,
		closed: false,
	};
	host.sessions.set(id, session);
	const { sessionUs, idleUs } = settings.limits;
	host.nextCloseUs = Math.min(
		host.nextCloseUs,
		session.startUs + (session.live ? Math.min(sessionUs, idleUs) : sessionUs),
	);
	gather(step.collector, session).facts.opened = openedOf(step, match, info, startUs);
	if (host.firstUs > session.startUs + recordingSlackUs)
		addGap(step.collector, session, {
			cause: 'state-lost',
			detail: 'started before the recording',
			fromUs: session.startUs,
			toUs: host.firstUs,
			count: -1,
		});
	node.root = true;
	join(step, session, node);
	return session;
}

/** A start that the sensor does not know, or that lies ahead, is the first event's time. */
export const startOf = (info: ProcessInfo, timeUs: number): number =>
	info.startUs > 0 && info.startUs < timeUs ? info.startUs : timeUs;

export const workspaceOf = (match: Match, info: ProcessInfo): string =>
	withoutSlash(match.workspace !== '' ? match.workspace : info.cwd);

export const openedOf = ({ host, settings }: Step, match: Match, info: ProcessInfo, startUs: number): OpenedFact => ({
	timeUs: startUs,
	host: host.name,
	boot: host.boot,
	matcher: match.matcher,
	jobKey: match.jobKey,
	ciRunId: match.ciRunId,
	repository: match.repository,
	commit: match.commit,
	rootExecId: info.execId,
	workspace: workspaceOf(match, info),
	step: settings.step,
});

/** A job key is a claim that anybody can make: two open sessions with one key both say so. */
function noteReuse(step: Step, opened: Session, match: Match, node: ProcessNode): void {
	for (const session of step.host.sessions.values()) {
		if (session === opened || !sameRun(session, match)) continue;
		for (const [one, other] of [
			[session, opened],
			[opened, session],
		] as const)
			addNote(step.collector, one, {
				cause: 'session-id-reused',
				execId: node.info.execId,
				detail: other.id,
				timeUs: node.info.startUs,
				count: 1,
			});
	}
}

const withoutSlash = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
