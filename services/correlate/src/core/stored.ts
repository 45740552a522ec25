// Compact stored forms of the entries of which a host has many: values in a fixed order instead of named fields.
import { emptyFileSha256 } from '@affidavit/model/digests.ts';
import type { FileOp } from '@affidavit/model/generated/session.ts';
import type { Content, Deed } from './content.ts';
import type { ProcessChain, ProcessNode } from './process-tree.ts';

type StoredDeed = [
	op: FileOp,
	/** 0: the content's writer. */
	execId: string | 0,
	session: number,
	epoch: number,
	container: string,
	/** 0: the content's first name. */
	path: string | 0,
	path2: string,
	version: number,
	size: number,
	flags: number,
	/** 0: the empty file's. */
	digest: string | 0,
	/** Before the content was written last. */
	agoUs: number,
	/** From the first operation to the last. */
	spanUs: number,
	count: number,
];

export type StoredContent = [
	id: number,
	dev: number,
	ino: string,
	names: string[],
	version: number,
	writer: string,
	writerSession: number,
	writtenUs: number,
	running: boolean,
	digest: string,
	digestSize: number,
	changeSeenUs: number,
	openedFor: number,
	marks: [session: number, wrote: boolean, silent: boolean][],
	/** 0: the content's writer. */
	holders: [execId: string | 0, session: number][],
	touched: number,
	deeds: StoredDeed[],
	runs: number[],
	executedUs: number,
];

export function storeContent(c: Content): StoredContent {
	const name = c.names[0] ?? '';
	return [
		c.id,
		c.dev,
		c.ino,
		c.names,
		c.version,
		c.writer,
		c.writerSession,
		c.writtenUs,
		c.running,
		c.digest,
		c.digestSize,
		c.changeSeenUs,
		c.openedFor,
		c.marks.map((m) => [m.session, m.wrote, m.silent]),
		c.holders.map((h) => [h.execId === c.writer ? 0 : h.execId, h.session]),
		c.touched,
		c.deeds.map((d) => storeDeed(d, c, name)),
		c.runs,
		c.executedUs,
	];
}

const storeDeed = (d: Deed, c: Content, name: string): StoredDeed => [
	d.op,
	d.execId === c.writer ? 0 : d.execId,
	d.session,
	d.epoch,
	d.container,
	d.path === name ? 0 : d.path,
	d.path2,
	d.version,
	d.size,
	d.flags,
	d.digest === emptyFileSha256 ? 0 : d.digest,
	c.writtenUs - d.firstUs,
	d.lastUs - d.firstUs,
	d.count,
];

export function loadContent(s: StoredContent): Content {
	const names = s[3];
	return {
		id: s[0],
		dev: s[1],
		ino: s[2],
		sibling: null,
		names,
		version: s[4],
		writer: s[5],
		writerSession: s[6],
		writtenUs: s[7],
		running: s[8],
		digest: s[9],
		digestSize: s[10],
		changeSeenUs: Number(s[11]),
		openedFor: s[12],
		marks: s[13].map(([session, wrote, silent]) => ({ session, wrote, silent })),
		holders: s[14].map(([execId, session]) => ({ execId: execId === 0 ? s[5] : execId, session })),
		deeds: s[16].map((deed) => loadDeed(deed, s[5], s[7], names[0] ?? '')),
		runs: s[17] ?? [],
		executedUs: s[18] ?? -1,
		touched: s[15],
		dirty: false,
	};
}

const loadDeed = (s: StoredDeed, writer: string, writtenUs: number, name: string): Deed => ({
	op: s[0],
	execId: s[1] === 0 ? writer : s[1],
	session: s[2],
	epoch: s[3],
	container: s[4],
	path: s[5] === 0 ? name : s[5],
	path2: s[6],
	version: s[7],
	size: s[8],
	flags: s[9],
	digest: s[10] === 0 ? emptyFileSha256 : s[10],
	firstUs: writtenUs - s[11],
	lastUs: writtenUs - s[11] + s[12],
	count: s[13],
});

type Environment = Readonly<Record<string, string>>;

export type StoredNode = [
	execId: string,
	parentExecId: string,
	pid: number,
	uid: number,
	binary: string,
	args: string,
	cwd: string,
	flags: string,
	startUs: number,
	container: string,
	inInitTree: boolean,
	mountNamespace: number,
	pod: string,
	/** 0: the parent's. */
	environment: Environment | 0,
	chain: [id: string, pid: number, parentExecId: string, exitedUs: number],
	executed: boolean,
	session: number,
	root: boolean,
	placed: boolean,
	order: number,
	digest: string,
	dev: number,
	ino: string,
	/** The pid is this image now. */
	current: boolean,
];

/** Only from a parent that is restored first: hostile input may make a process its own ancestor. */
const inherits = (n: ProcessNode, parent: ProcessNode | undefined): boolean =>
	parent !== undefined && parent.order < n.order && parent.info.environment === n.info.environment;

export function storeNode(n: ProcessNode, parent: ProcessNode | undefined, current: boolean): StoredNode {
	const i = n.info;
	const c = n.chain;
	return [
		i.execId,
		i.parentExecId,
		i.pid,
		i.uid,
		i.binary,
		i.arguments,
		i.cwd,
		i.flags,
		i.startUs,
		i.container,
		i.inInitTree,
		i.mountNamespace,
		i.pod,
		inherits(n, parent) ? 0 : i.environment,
		[c.id, c.pid, c.parentExecId, c.exitedUs],
		n.executed,
		n.session === null || n.session.closed ? 0 : n.session.epoch,
		n.root,
		n.placed,
		n.order,
		n.digest,
		n.dev,
		n.ino,
		current,
	];
}

/** The chain is this node's own copy and the session is still missing: the caller joins them. */
export function loadNode(s: StoredNode, inherited: Environment | undefined): ProcessNode {
	const [id, pid, parentExecId, exitedUs] = s[14];
	const chain: ProcessChain = { id, pid, parentExecId, exitedUs };
	return {
		info: {
			execId: s[0],
			parentExecId: s[1],
			pid: s[2],
			uid: s[3],
			binary: s[4],
			arguments: s[5],
			cwd: s[6],
			flags: s[7],
			startUs: s[8],
			container: s[9],
			inInitTree: s[10],
			mountNamespace: s[11],
			pod: s[12],
			// A null prototype: an environment variable may be called __proto__.
			environment: s[13] === 0 ? (inherited ?? Object.create(null)) : Object.assign(Object.create(null), s[13]),
		},
		executed: s[15],
		chain,
		session: null,
		root: s[17],
		placed: s[18],
		order: s[19],
		digest: s[20],
		dev: s[21],
		ino: s[22],
	};
}
