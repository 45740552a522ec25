// A host's process images by exec_id, and which image a pid is at the moment. Bounded.
import { type ProcessInfo, unknownProcess } from '@affidavit/model/trace-event.ts';
import type { Session } from './session.ts';

/** The images of one pid, from fork to exit: exec replaces the image, not the process. */
export interface ProcessChain {
	/** exec_id of the first image known. */
	id: string;
	pid: number;
	/** exec_id of the first image's parent: siblings share it. */
	parentExecId: string;
	/** Time of exit, microseconds; -1 while it lives. */
	exitedUs: number;
}

export interface ProcessNode {
	info: ProcessInfo;
	/** False for a fork without exec: binary and arguments are its parent's. */
	executed: boolean;
	chain: ProcessChain;
	/** The session it belongs to (it may be closed by now). */
	session: Session | null;
	/** True for a process that a matcher opened a session for, or that joined one as a sibling. */
	root: boolean;
	/** False while its parent is unknown, so that its session may still turn up. */
	placed: boolean;
	/** Order of admission: the oldest are evicted first. */
	order: number;
	/** From bprm_check_security of this image. */
	digest: string;
	dev: number;
	ino: string;
}

export interface ProcessTree {
	nodes: Map<string, ProcessNode>;
	/** Latest image of a pid. */
	pids: Map<number, ProcessNode>;
	/** Nodes admitted so far. */
	order: number;
	dirty: Set<string>;
	/** Ids that eviction removed since the last snapshot. */
	removed: Set<string>;
}

export const createProcessTree = (): ProcessTree => ({
	nodes: new Map(),
	pids: new Map(),
	order: 0,
	dirty: new Set(),
	removed: new Set(),
});

export const sessionOf = (node: ProcessNode): Session | null =>
	node.session !== null && !node.session.closed ? node.session : null;

/** The image that a pid is now; undefined when unknown or exited. */
export function imageOfPid(tree: ProcessTree, pid: number): ProcessNode | undefined {
	const node = tree.pids.get(pid);
	return node !== undefined && node.chain.exitedUs === -1 ? node : undefined;
}

/** True while the process that had this image may still hold what it opened. */
export function isAlive(tree: ProcessTree, execId: string): boolean {
	const node = tree.nodes.get(execId);
	return node !== undefined && node.chain.exitedUs === -1;
}

/** Adds an image. `timeUs` closes whatever else the pid was before. */
export function admit(tree: ProcessTree, info: ProcessInfo, timeUs: number): ProcessNode {
	const parent = tree.nodes.get(info.parentExecId);
	const known: ProcessInfo = {
		...info,
		environment: sharedEnvironment(info.environment, parent?.info.environment),
	};
	const node: ProcessNode = {
		info: known,
		executed: false,
		chain: chainOf(tree, known, parent, timeUs),
		session: null,
		root: false,
		placed: false,
		order: ++tree.order,
		digest: '',
		dev: -1,
		ino: '',
	};
	tree.nodes.set(known.execId, node);
	tree.dirty.add(known.execId);
	tree.removed.delete(known.execId);
	if (known.pid >= 0) {
		const current = tree.pids.get(known.pid);
		// A parent that is described late may be older than what its pid is by now.
		if (current === undefined || current.chain.exitedUs !== -1 || current.info.startUs <= known.startUs)
			takePid(tree, node);
	}
	return node;
}

function takePid(tree: ProcessTree, node: ProcessNode): void {
	const before = tree.pids.get(node.info.pid);
	if (before !== undefined) tree.dirty.add(before.info.execId);
	tree.pids.set(node.info.pid, node);
}

/** The process has ended: its pid is free. */
export function exit(tree: ProcessTree, node: ProcessNode, timeUs: number): void {
	const { pid, execId } = node.info;
	node.chain.exitedUs = Math.max(node.chain.exitedUs, timeUs);
	tree.dirty.add(execId);
	const current = tree.pids.get(pid);
	if (current?.chain !== node.chain) return;
	tree.dirty.add(current.info.execId);
	tree.pids.delete(pid);
}

/** A process of which only the exec_id is known. */
export const admitUnknown = (tree: ProcessTree, execId: string, timeUs: number): ProcessNode =>
	admit(tree, unknownProcess(execId), timeUs);

function chainOf(tree: ProcessTree, info: ProcessInfo, parent: ProcessNode | undefined, timeUs: number): ProcessChain {
	// An exec in the same pid: the parent is the previous image.
	if (parent !== undefined && info.pid >= 0 && parent.info.pid === info.pid) return parent.chain;
	const current = info.pid >= 0 ? imageOfPid(tree, info.pid) : undefined;
	if (current !== undefined && current.info.execId !== info.execId && current.info.startUs <= info.startUs) {
		// An exec right after a fork drops the fork's id; both name the same parent.
		if (current.info.parentExecId === info.parentExecId && info.parentExecId !== '') return current.chain;
		// The pid was reused, so its exit was missed.
		current.chain.exitedUs = timeUs;
		tree.dirty.add(current.info.execId);
	}
	return { id: info.execId, pid: info.pid, parentExecId: info.parentExecId, exitedUs: -1 };
}

/** Children inherit their environment: most share one object. */
function sharedEnvironment(
	own: Readonly<Record<string, string>>,
	inherited: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
	if (inherited === undefined) return own;
	let count = 0;
	for (const key in own) {
		if (own[key] !== inherited[key]) return own;
		count++;
	}
	for (const _ in inherited) count--;
	return count === 0 ? inherited : own;
}

/** Fills in a node of which only the id was known. */
export function describe(tree: ProcessTree, node: ProcessNode, info: ProcessInfo, timeUs: number): ProcessNode {
	tree.nodes.delete(node.info.execId);
	const full = admit(tree, info, timeUs);
	full.executed = node.executed;
	return full;
}

/** Pid inside an exec_id (base64 of node:ktime:pid); -1 when it is not such an id. */
export function pidInExecId(execId: string): number {
	if (execId.length > 512) return -1;
	const text = Buffer.from(execId, 'base64').toString('latin1');
	const digits = text.slice(text.lastIndexOf(':') + 1);
	const pid = Number(digits);
	return digits !== '' && Number.isSafeInteger(pid) && pid > 0 ? pid : -1;
}

/**
 * Makes room: oldest first, exited before living, never a process of an open session.
 * Returns how many had to go.
 */
export function evictProcesses(tree: ProcessTree, max: number): { exited: number; living: number } {
	const gone = { exited: 0, living: 0 };
	if (tree.nodes.size <= max) return gone;
	// A sixteenth at a time, so that the scan costs little per process.
	const goal = max - (max >> 4);
	for (const exitedOnly of [true, false]) {
		for (const node of tree.nodes.values()) {
			if (tree.nodes.size <= goal) return gone;
			if (sessionOf(node) !== null || (exitedOnly && node.chain.exitedUs === -1)) continue;
			removeNode(tree, node);
			if (exitedOnly) gone.exited++;
			else gone.living++;
		}
	}
	return gone;
}

export function removeNode(tree: ProcessTree, node: ProcessNode): void {
	const { execId, pid } = node.info;
	tree.nodes.delete(execId);
	tree.dirty.delete(execId);
	tree.removed.add(execId);
	if (tree.pids.get(pid) === node) tree.pids.delete(pid);
}
