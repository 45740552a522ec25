// Content versions of written inodes: who wrote, in which run, under which names, with which digest (design 6).
// A file that is only read has no entry here: reading a million files costs no memory.
import type { FileOp } from '@affidavit/model/generated/session.ts';

/** One folded operation of an inode's recent past. */
export interface Deed {
	op: FileOp;
	execId: string;
	/** Epoch of the process's session, 0 when none. */
	session: number;
	/** Sessions that the host had opened by then. */
	epoch: number;
	/** Container in whose mount namespace the paths are. */
	container: string;
	path: string;
	path2: string;
	version: number;
	size: number;
	flags: number;
	digest: string;
	firstUs: number;
	lastUs: number;
	count: number;
}

/** What a session has to do with a content. */
export interface Mark {
	/** Epoch of the session. */
	session: number;
	wrote: boolean;
	/** Counted as having content though no write on it was reported. */
	silent: boolean;
}

export interface Content {
	/** Its own number on the host. */
	id: number;
	/** -1 and '' while only a name is known. */
	dev: number;
	ino: string;
	/** Next with the same inode number on another device. */
	sibling: Content | null;
	/** Names that it is known to have, container-prefixed; empty after the last was removed. */
	names: string[];
	/** Number of writing runs seen; never falls, so that a reused inode cannot repeat one. */
	version: number;
	/** Minutes in which runs began, each with the version of the first one in it: minute, version, minute, version, … */
	runs: number[];
	/** Last writer, its session's epoch (0 when none), and when. */
	writer: string;
	writerSession: number;
	writtenUs: number;
	/** When a session executed it, for an entry that began so; else -1. */
	executedUs: number;
	/** True until somebody reads: the next operation of the same writer belongs to the same run. */
	running: boolean;
	/** First trustworthy digest seen on this version, and the size with it. */
	digest: string;
	digestSize: number;
	/** When a write, truncate, rename or link on it was reported last; -1 never. */
	changeSeenUs: number;
	/** Access mode of the last write-open: 1 write only, 2 both, 0 none. */
	openedFor: number;
	marks: Mark[];
	/** exec_ids that opened it for writing, and their sessions' epochs. */
	holders: { execId: string; session: number }[];
	deeds: Deed[];
	/** Order of the last change: what is evicted first. */
	touched: number;
	dirty: boolean;
}

export interface Contents {
	byIno: Map<string, Content>;
	byName: Map<string, Content>;
	all: Set<Content>;
	/** Names that contents lost to the bound since the last record. */
	namesDropped: number;
	/** Contents of which only a name or the inode number is known. */
	unresolved: number;
	/** Names below each folder: a rename of any other folder concerns nothing here. */
	folders: Map<string, number>;
	/** Rises with every change: the order for eviction. */
	clock: number;
	dirty: Set<Content>;
	/** Numbers of entries that are gone since the last snapshot. */
	removed: Set<number>;
	/** Event time from which on the next look for what is old is due; -1 before the first. */
	forgetUs: number;
}

export const namesMax = 16;
export const holdersMax = 16;
export const deedsMax = 32;
export const marksMax = 64;

export const createContents = (): Contents => ({
	byIno: new Map(),
	byName: new Map(),
	all: new Set(),
	namesDropped: 0,
	unresolved: 0,
	folders: new Map(),
	clock: 0,
	dirty: new Set(),
	removed: new Set(),
	forgetUs: -1,
});

/** A container's path names another file than the same path on the host. */
export const nameKey = (container: string, path: string): string => (container === '' ? path : `${container}\0${path}`);

/** The container ('' on the host) and the path of a name. */
export function splitName(name: string): { container: string; path: string } {
	const at = name.indexOf('\0');
	return at === -1 ? { container: '', path: name } : { container: name.slice(0, at), path: name.slice(at + 1) };
}

const isResolved = (content: Content): boolean => content.dev !== -1 && content.ino !== '';

export function touch(contents: Contents, content: Content): void {
	content.touched = ++contents.clock;
	content.dirty = true;
	contents.dirty.add(content);
}

export function findContent(contents: Contents, dev: number, ino: string): Content | undefined {
	let content = contents.byIno.get(ino) ?? null;
	while (content !== null) {
		if (content.dev === dev) return content;
		content = content.sibling;
	}
	return undefined;
}

/** The content of an open; takes over an entry that was known by name or number only. */
export function contentOfOpen(contents: Contents, dev: number, ino: string, name: string): Content | undefined {
	// A policy may leave device or inode out.
	if (dev === -1 || ino === '') return contentOfName(contents, name, ino);
	const found = findContent(contents, dev, ino);
	if (found !== undefined || contents.unresolved === 0) return found;
	const named = contents.byName.get(name);
	if (named === undefined || isResolved(named) || (named.ino !== '' && named.ino !== ino)) return undefined;
	identify(contents, named, dev, ino);
	return named;
}

/** The content of an event that carries no device (write, rename) or no inode (truncate, link): by name, else by number if unique. */
export function contentOfName(contents: Contents, name: string, ino: string): Content | undefined {
	const named = contents.byName.get(name);
	if (named !== undefined && (ino === '' || named.ino === ino)) return named;
	if (ino === '') return undefined;
	if (named !== undefined && named.ino === '') {
		identify(contents, named, -1, ino);
		return named;
	}
	const numbered = contents.byIno.get(ino);
	return numbered !== undefined && numbered.sibling === null ? numbered : undefined;
}

export function createContent(contents: Contents, dev: number, ino: string): Content {
	const content: Content = {
		id: ++contents.clock,
		dev,
		ino,
		sibling: null,
		names: [],
		version: 0,
		runs: [],
		writer: '',
		writerSession: 0,
		writtenUs: -1,
		executedUs: -1,
		running: false,
		digest: '',
		digestSize: -1,
		changeSeenUs: -1,
		openedFor: 0,
		marks: [],
		holders: [],
		deeds: [],
		touched: 0,
		dirty: false,
	};
	contents.all.add(content);
	if (ino !== '') index(contents, content);
	if (!isResolved(content)) contents.unresolved++;
	touch(contents, content);
	return content;
}

function identify(contents: Contents, content: Content, dev: number, ino: string): void {
	unindex(contents, content);
	if (!isResolved(content)) contents.unresolved--;
	content.dev = dev;
	content.ino = ino;
	if (!isResolved(content)) contents.unresolved++;
	index(contents, content);
	touch(contents, content);
}

export function index(contents: Contents, content: Content): void {
	content.sibling = contents.byIno.get(content.ino) ?? null;
	contents.byIno.set(content.ino, content);
}

function unindex(contents: Contents, content: Content): void {
	if (content.ino === '') return;
	const first = contents.byIno.get(content.ino);
	if (first === content) {
		if (content.sibling === null) contents.byIno.delete(content.ino);
		else contents.byIno.set(content.ino, content.sibling);
	} else {
		let before = first;
		while (before !== undefined && before.sibling !== content) before = before.sibling ?? undefined;
		if (before !== undefined) before.sibling = content.sibling;
	}
	content.sibling = null;
}

/** Gives the content a name; whoever had it before has lost it (returned). */
export function addName(contents: Contents, content: Content, name: string): Content | undefined {
	const before = contents.byName.get(name);
	if (before === content) return undefined;
	if (before !== undefined) removeName(contents, before, name);
	if (content.names.length >= namesMax) {
		forgetName(contents, content.names.shift() as string);
		contents.namesDropped++;
	}
	// A literal list has room for one: a list grown by push, for seventeen. Contents are many, and most have one name.
	if (content.names.length === 0) content.names = [name];
	else content.names.push(name);
	contents.byName.set(name, content);
	countFolders(contents, name, 1);
	touch(contents, content);
	return before;
}

export function removeName(contents: Contents, content: Content, name: string): void {
	const at = content.names.indexOf(name);
	if (at === -1) return;
	content.names.splice(at, 1);
	forgetName(contents, name);
	touch(contents, content);
	// Without a name and an inode nothing can ever lead to it again.
	if (content.ino === '' && content.names.length === 0) drop(contents, content);
}

export function drop(contents: Contents, content: Content): void {
	contents.removed.add(content.id);
	for (const name of content.names) forgetName(contents, name);
	unindex(contents, content);
	if (!isResolved(content)) contents.unresolved--;
	contents.all.delete(content);
	contents.dirty.delete(content);
}

/** Makes room, longest untouched first; `evicted` is told of each. */
export function evictContents(contents: Contents, max: number, evicted: (content: Content) => void): void {
	if (contents.all.size <= max) return;
	// A sixteenth at a time, so that sorting costs little per entry.
	const oldest = [...contents.all].sort((a, b) => a.touched - b.touched);
	for (const content of oldest.slice(0, contents.all.size - max + (max >> 4))) {
		evicted(content);
		drop(contents, content);
	}
}

function forgetName(contents: Contents, name: string): void {
	contents.byName.delete(name);
	countFolders(contents, name, -1);
}

/** Folders above a name that are counted: deeper ones are left out. */
const foldersMax = 64;

export function countFolders(contents: Contents, name: string, by: 1 | -1): void {
	let end = name.lastIndexOf('/');
	for (let depth = 0; end > 0 && depth < foldersMax; depth++) {
		const folder = name.slice(0, end);
		const count = (contents.folders.get(folder) ?? 0) + by;
		if (count === 0) contents.folders.delete(folder);
		else contents.folders.set(folder, count);
		end = name.lastIndexOf('/', end - 1);
	}
}

/** Moves every name below a renamed folder. */
export function renameFolder(contents: Contents, from: string, to: string): void {
	const below = `${from}/`;
	const moved: [Content, string][] = [];
	for (const [name, content] of contents.byName) if (name.startsWith(below)) moved.push([content, name]);
	for (const [content, name] of moved) {
		addName(contents, content, `${to}/${name.slice(below.length)}`);
		removeName(contents, content, name);
	}
}
