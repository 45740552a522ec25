// To which session a process will belong once its events are settled: placing.ts on what is known by now, with nothing changed.
import { sessionId } from '@affidavit/model/ids.ts';
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import {
	type Announced,
	type Arrivals,
	addAnnounced,
	announcedMax,
	announcedRootsMax,
	processesMax,
	type SightedProcess,
	type SightedSession,
	sightedIn,
} from './arrival-state.ts';
import type { Step } from './host.ts';
import { type Match, matchProcess } from './matcher.ts';
import { notice } from './notices.ts';
import { openedOf, sameRun, startOf, workspaceOf } from './placing.ts';
import { imageOfPid, type ProcessNode, pidInExecId, sessionOf } from './process-tree.ts';
import type { Item } from './reorder.ts';
import type { Session } from './session.ts';

/** Told of each image that is placed in a session for the first time. */
export type OnJoin = (session: SightedSession, process: SightedProcess) => void;

/** The image of an event's process. */
export function sightProcess(step: Step, arrivals: Arrivals, item: Item, onJoin: OnJoin): SightedProcess {
	const { event, process, parent } = item;
	const settled = step.host.tree.nodes.get(event.execId);
	if (settled?.placed) return ofNode(arrivals, settled);
	const known = arrivals.processes.get(event.execId);
	if (known === undefined && parent !== null && parent.pid >= 0) admit(step, arrivals, parent, event.timeUs, onJoin);
	const own = known ?? admit(step, arrivals, process, event.timeUs, onJoin, event.kind === 'exec');
	if (event.timeUs > own.lastUs) own.lastUs = event.timeUs;
	return own;
}

const ofSession = (arrivals: Arrivals, session: Session | null): SightedSession | null =>
	session === null ? null : (arrivals.sessions.get(session.id) ?? null);

const ofNode = (arrivals: Arrivals, node: ProcessNode): SightedProcess => ({
	info: node.info,
	session: ofSession(arrivals, sessionOf(node)),
	root: node.root,
	chainParent: node.chain.parentExecId,
	lastUs: -1,
	executed: node.executed,
});

/** undefined when nobody knows it. */
export function imageOf(step: Step, arrivals: Arrivals, execId: string): SightedProcess | undefined {
	const node = step.host.tree.nodes.get(execId);
	if (node?.placed) return ofNode(arrivals, node);
	return arrivals.processes.get(execId) ?? (node === undefined ? undefined : ofNode(arrivals, node));
}

/** The image that a pid is now. */
export function imageAt(step: Step, arrivals: Arrivals, pid: number): SightedProcess | undefined {
	const arrived = arrivals.pids.get(pid);
	if (arrived !== undefined) return arrived;
	const node = imageOfPid(step.host.tree, pid);
	return node === undefined ? undefined : ofNode(arrivals, node);
}

function admit(
	step: Step,
	arrivals: Arrivals,
	info: ProcessInfo,
	timeUs: number,
	onJoin: OnJoin,
	executed = false,
): SightedProcess {
	const settled = step.host.tree.nodes.get(info.execId);
	if (settled?.placed) return ofNode(arrivals, settled);
	const known = arrivals.processes.get(info.execId);
	if (known !== undefined) return known;
	const process: SightedProcess = { info, session: null, root: false, chainParent: '', lastUs: timeUs, executed };
	// Of a process of which only the id is known nothing can be said; it may be described yet.
	if (info.pid < 0) return process;
	const parent = info.parentExecId === '' ? undefined : imageOf(step, arrivals, info.parentExecId);
	process.chainParent = chainParentOf(step, arrivals, info, parent);
	place(step, arrivals, process, parent, timeUs);
	if (arrivals.processes.size < processesMax) arrivals.processes.set(info.execId, process);
	else notice(step.notices, 'processes_unsighted', 'limit', true);
	const current = arrivals.pids.get(info.pid);
	if (current === undefined || current.info.startUs <= info.startUs) arrivals.pids.set(info.pid, process);
	if (process.session !== null) onJoin(process.session, process);
	return process;
}

/** As process-tree.ts decides which images are one process: an exec keeps the pid. */
function chainParentOf(step: Step, arrivals: Arrivals, info: ProcessInfo, parent: SightedProcess | undefined): string {
	if (parent !== undefined && parent.info.pid === info.pid) return parent.chainParent;
	const current = imageAt(step, arrivals, info.pid);
	const same =
		current !== undefined &&
		current.info.startUs <= info.startUs &&
		current.info.parentExecId === info.parentExecId &&
		info.parentExecId !== '';
	return same ? current.chainParent : info.parentExecId;
}

function place(
	step: Step,
	arrivals: Arrivals,
	process: SightedProcess,
	parent: SightedProcess | undefined,
	timeUs: number,
): void {
	const { parentExecId } = process.info;
	const rooted = arrivals.rootOf.get(process.info.execId);
	if (rooted !== undefined && !rooted.gone) {
		process.root = true;
		process.session = rooted;
		return;
	}
	let near = parent;
	if (near === undefined && parentExecId !== '') {
		const pid = pidInExecId(parentExecId);
		near = pid === -1 ? undefined : imageAt(step, arrivals, pid);
	}
	process.session = near === undefined ? (arrivals.rootOf.get(parentExecId) ?? null) : sightedIn(near);
	if (process.session === null) openOrJoin(step, arrivals, process, timeUs);
}

function openOrJoin(step: Step, arrivals: Arrivals, process: SightedProcess, timeUs: number): void {
	const { settings, host } = step;
	const { info } = process;
	for (const adopt of settings.adoptions) {
		process.session = ofSession(arrivals, adopt(nodeOf(process), host.sessions));
		if (process.session !== null) return;
	}
	const match = matchProcess(settings.matchers, info);
	if (match === null) return;
	process.root = true;
	for (const session of arrivals.list) {
		if (!sameRun(session, match)) continue;
		const isSibling = session.siblingParent !== '' && process.chainParent === session.siblingParent;
		if (!isSibling || !joinAsRoot(step, arrivals, session, info.execId)) continue;
		process.session = session;
		return;
	}
	// What is looked at again after a restart was announced then, or was none.
	process.session = arrivals.rebuilding ? null : announce(step, arrivals, process, match, timeUs);
}

/** False when it has too many roots. */
function joinAsRoot(step: Step, arrivals: Arrivals, session: SightedSession, execId: string): boolean {
	const announced = step.host.announced.get(session.id);
	if (session.roots >= (announced === undefined ? step.settings.limits.roots : announcedRootsMax)) return false;
	session.roots++;
	if (announced === undefined) return true;
	announced.roots.push(execId);
	arrivals.rootOf.set(execId, session);
	return true;
}

/** What an adoption is asked about. */
const nodeOf = ({ info, chainParent, executed }: SightedProcess): ProcessNode => ({
	info,
	executed,
	chain: { id: info.execId, pid: info.pid, parentExecId: chainParent, exitedUs: -1 },
	session: null,
	root: false,
	placed: false,
	order: 0,
	digest: '',
	dev: -1,
	ino: '',
});

function announce(
	step: Step,
	arrivals: Arrivals,
	process: SightedProcess,
	match: Match,
	timeUs: number,
): SightedSession | null {
	const { host, settings } = step;
	const { info } = process;
	const id = sessionId(host.name, host.boot, info.execId);
	const known = arrivals.sessions.get(id);
	if (known !== undefined) return known;
	const room = Math.min(announcedMax, settings.limits.sessions - host.sessions.size);
	if (host.announced.size >= room) {
		notice(step.notices, 'sessions_unsighted', 'limit', true);
		return null;
	}
	const startUs = startOf(info, timeUs);
	const announced: Announced = {
		timeUs,
		matcher: match.matcher,
		jobKeyParts: match.jobKeyParts,
		siblingParent: process.chainParent,
		workspace: workspaceOf(match, info),
		container: info.container,
		startUs,
		roots: [info.execId],
	};
	host.announced.set(id, announced);
	return addAnnounced(arrivals, id, announced, openedOf(step, match, info, startUs));
}
