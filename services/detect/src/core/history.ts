// All that the session's facts say about the suspicious files: gathered in the second pass, asked by the judges.
import { foldFileFact } from '@affidavit/model/fact-order.ts';
import type { FileFact } from '@affidavit/model/facts.ts';

export interface Suspects {
	/** Inode numbers (text) of suspicious files; the device is compared later. */
	inos: ReadonlySet<string>;
	paths: ReadonlySet<string>;
	/** Digests whose size on other inodes decides. */
	digests: ReadonlySet<string>;
}

export interface History {
	/** All merged facts, in order of time. */
	facts: readonly FileFact[];
	/** Merged facts on the inode, in order of version, then time. */
	ofInode(dev: number, ino: string): readonly FileFact[];
	/** Merged facts on the path (or its old name), in order of time. */
	ofPath(path: string): readonly FileFact[];
	/** Both together, in order of time. */
	around(f: FileFact): readonly FileFact[];
	/** True when most other inodes that showed the digest had another size than `size`. */
	otherMajority(digest: string, dev: number, ino: string, size: number): boolean;
	/** Facts that the bound refused. */
	readonly refused: number;
}

/** Distinct facts kept per inode and per path: what one flooded file can cost. */
const factsPerFileMax = 4_096;
/** Processes kept that opened one content of one file: a header is read by thousands, and the first few tell as much. */
const readersMax = 16;
/** Inodes that vote on a digest's size. */
const votesMax = 256;

const noFacts: readonly FileFact[] = [];

/** True for the operations after which the file may hold other content. */
export const changesContent = (f: FileFact): boolean => {
	switch (f.op) {
		case 'write':
		case 'open_write':
		case 'truncate':
		case 'rename':
		case 'link':
			return true;
		default:
			return false;
	}
};

/** True for the operations that show a file's content to a process. */
export const showsContent = (f: FileFact): boolean => f.op === 'read' || f.op === 'execute' || f.op === 'map';

export const sameDevice = (a: number, b: number): boolean => a === b || a < 0 || b < 0;

/** All of a fact's key but who did it. */
const deedKey = (f: FileFact): string =>
	`${f.op}\0${f.path}\0${f.path2}\0${f.dev}\0${f.ino}\0${f.version}\0${f.size}\0${f.flags}\0${f.digest}\0${f.otherSize}\0${f.heldBy}\0${f.writer}`;

export interface Gatherer {
	add(fact: FileFact): void;
	finish(): History;
}

export function createGatherer(suspects: Suspects, factsMax: number): Gatherer {
	const folded = new Map<string, FileFact>();
	const readers = new Map<string, { count: number; last: FileFact }>();
	const sizes = new Map<string, Map<string, number>>();
	const perIno = new Map<string, number>();
	const perPath = new Map<string, number>();
	let refused = 0;
	const hasRoom = (f: FileFact): boolean => {
		const onIno = f.ino === '' ? 0 : (perIno.get(f.ino) ?? 0);
		const onPath = perPath.get(f.path) ?? 0;
		if (folded.size >= factsMax || onIno >= factsPerFileMax || onPath >= factsPerFileMax) return false;
		perIno.set(f.ino, onIno + 1);
		perPath.set(f.path, onPath + 1);
		return true;
	};
	/** One more reader of the same content: the last one that is kept stands for it. */
	const oneOfMany = (f: FileFact, deed: string): boolean => {
		if (f.foreign || !showsContent(f)) return false;
		const known = readers.get(deed);
		if (!known || known.count < readersMax) return false;
		foldFileFact(known.last, f);
		return true;
	};
	const keep = (f: FileFact, deed: string, key: string): void => {
		const kept = { ...f };
		folded.set(key, kept);
		if (!f.foreign && showsContent(f)) readers.set(deed, { count: (readers.get(deed)?.count ?? 0) + 1, last: kept });
	};
	const concerns = (f: FileFact): boolean =>
		(f.ino !== '' && suspects.inos.has(f.ino)) ||
		suspects.paths.has(f.path) ||
		(f.path2 !== '' && suspects.paths.has(f.path2));
	return {
		add(f) {
			if (f.digest !== '' && f.size >= 0 && suspects.digests.has(f.digest)) noteSize(sizes, f);
			if (!concerns(f)) return;
			const deed = deedKey(f);
			const key = `${f.execId}\0${deed}`;
			const known = folded.get(key);
			if (known) foldFileFact(known, f);
			else if (oneOfMany(f, deed)) return;
			else if (hasRoom(f)) keep(f, deed, key);
			else refused++;
		},
		finish: () => index([...folded.values()], sizes, refused),
	};
}

/** The history of a few facts: what a lead knows when it leaves. */
export const historyOf = (facts: readonly FileFact[]): History => index([...facts], new Map(), 0);

/** One vote per inode: copies and repeated opens of one file count once. */
function noteSize(sizes: Map<string, Map<string, number>>, f: FileFact): void {
	let inodes = sizes.get(f.digest);
	if (!inodes) {
		inodes = new Map();
		sizes.set(f.digest, inodes);
	}
	const inode = `${f.dev}:${f.ino}`;
	if (!inodes.has(inode) && inodes.size >= votesMax) return;
	// A file that grew shows several sizes: the smallest is taken, so that the cut of batches does not decide.
	inodes.set(inode, Math.min(f.size, inodes.get(inode) ?? f.size));
}

function index(facts: FileFact[], sizes: Map<string, Map<string, number>>, refused: number): History {
	const byIno = new Map<string, FileFact[]>();
	const byPath = new Map<string, FileFact[]>();
	const put = (map: Map<string, FileFact[]>, key: string, f: FileFact): void => {
		const list = map.get(key);
		if (list) list.push(f);
		else map.set(key, [f]);
	};
	facts.sort(inTime);
	for (const f of facts) {
		if (f.ino !== '') put(byIno, f.ino, f);
		put(byPath, f.path, f);
		if (f.path2 !== '' && f.path2 !== f.path) put(byPath, f.path2, f);
	}
	for (const list of byIno.values()) list.sort((a, b) => a.version - b.version || inTime(a, b));
	const ofInode = (dev: number, ino: string): readonly FileFact[] => {
		const list = ino === '' ? undefined : byIno.get(ino);
		if (!list) return noFacts;
		return list.every((f) => f.dev === dev) ? list : list.filter((f) => sameDevice(f.dev, dev));
	};
	const ofPath = (path: string): readonly FileFact[] => byPath.get(path) ?? noFacts;
	const known = new Map<string, readonly FileFact[]>();
	return {
		facts,
		ofInode,
		ofPath,
		around(f) {
			const key = `${f.dev}:${f.ino}\0${f.path}`;
			let list = known.get(key);
			if (!list) {
				list = [...new Set([...ofInode(f.dev, f.ino), ...ofPath(f.path)])].sort(inTime);
				known.set(key, list);
			}
			return list;
		},
		otherMajority: (digest, dev, ino, size) => otherMajority(sizes.get(digest), `${dev}:${ino}`, size),
		refused,
	};
}

/** Event-time order, total: equal times are told apart by what happened. */
export function inTime(a: FileFact, b: FileFact): number {
	return (
		a.firstUs - b.firstUs ||
		a.lastUs - b.lastUs ||
		(a.execId < b.execId ? -1 : a.execId > b.execId ? 1 : 0) ||
		(a.op < b.op ? -1 : a.op > b.op ? 1 : 0) ||
		(a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0) ||
		a.version - b.version ||
		(a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
	);
}

function otherMajority(inodes: ReadonlyMap<string, number> | undefined, own: string, size: number): boolean {
	if (!inodes || size < 0) return false;
	const votes = new Map<number, number>();
	for (const [inode, seen] of inodes) if (inode !== own) votes.set(seen, (votes.get(seen) ?? 0) + 1);
	let most = 0;
	for (const count of votes.values()) if (count > most) most = count;
	return most > 0 && (votes.get(size) ?? 0) < most;
}
