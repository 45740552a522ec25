// Processes whose bytes were decoded before. An event repeats its process in full; only refcnt and tid change between
// two copies. So the bytes are kept in pieces around these two and compared: equal bytes, equal process.
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import { type Bytes, type Input, type Literal, literalOf, sameBytes } from './bytes.ts';

export interface CachedProcess {
	readonly info: ProcessInfo;
	/** A copy, with others' in one piece of memory: the line's buffer is not held. */
	raw: Literal;
	/** Where the process begins in `raw`. */
	at: number;
	readonly length: number;
	/** Where two copies may differ, in order: bytes [start, end) from `at` on; start is `length` where there is none. */
	readonly firstStart: number;
	readonly firstEnd: number;
	readonly secondStart: number;
	readonly secondEnd: number;
	/** Another form of (mostly) the same exec_id. */
	variant: CachedProcess | null;
}

/** Position after what may differ, or -1 when it is not of its form. `length`: its bytes in the cached copy. */
export type Skip = (bytes: Bytes, pos: number, end: number, length: number) => number;

/** [start, end) of what may differ, relative to the process's first byte. */
export type Cuts = readonly [firstStart: number, firstEnd: number, secondStart: number, secondEnd: number];

export function cachedProcess(
	copies: Copies,
	bytes: Bytes,
	start: number,
	end: number,
	cuts: Cuts,
	info: ProcessInfo,
): CachedProcess {
	const copy = copies(bytes, start, end);
	return {
		info,
		raw: copy.literal,
		at: copy.at,
		length: end - start,
		firstStart: cuts[0],
		firstEnd: cuts[1],
		secondStart: cuts[2],
		secondEnd: cuts[3],
		variant: null,
	};
}

/** Position after the process at `pos`, or -1 when other bytes than the cached ones are there. */
export function matchProcess(
	entry: CachedProcess,
	input: Input,
	pos: number,
	skipFirst: Skip,
	skipSecond: Skip,
): number {
	const { raw, at, length, firstStart, firstEnd, secondStart, secondEnd } = entry;
	if (!sameBytes(input, pos, raw, at, firstStart)) return -1;
	let p = pos + firstStart;
	if (firstStart < length) {
		p = skipFirst(input.bytes, p, input.end, firstEnd - firstStart);
		if (p < 0 || !sameBytes(input, p, raw, at + firstEnd, secondStart - firstEnd)) return -1;
		p += secondStart - firstEnd;
	}
	if (secondStart < length) {
		p = skipSecond(input.bytes, p, input.end, secondEnd - secondStart);
		if (p < 0 || !sameBytes(input, p, raw, at + secondEnd, length - secondEnd)) return -1;
		p += length - secondEnd;
	}
	return p;
}

/** A copy of bytes[start, end), at `at` of a literal that holds others too. */
export type Copies = (bytes: Bytes, start: number, end: number) => { literal: Literal; at: number };

const slabBytes = 64 << 10;

/** Allocates by the slab: a buffer for each process would cost more than its decoding. A slab goes with its generation. */
export function createCopies(): Copies {
	let slab = literalOf(Buffer.alloc(0), 0, 0);
	let used = 0;
	return (bytes, start, end) => {
		const length = end - start;
		if (length * 4 > slabBytes) return { literal: literalOf(bytes, start, end), at: 0 };
		if (used + length > slab.bytes.length) {
			slab = literalOf(new Uint8Array(slabBytes), 0, slabBytes);
			used = 0;
		}
		const at = used;
		bytes.copy(slab.bytes, at, start, end);
		used += length;
		return { literal: slab, at };
	};
}

export interface ProcessCacheLimits {
	entriesMax: number;
	bytesMax: number;
}

export interface ProcessCache {
	/** Where the bytes of its entries are kept. */
	readonly copies: Copies;
	/** Key: hash of the exec_id's bytes; what is found must be verified by matchProcess. */
	get(hash: number): CachedProcess | null;
	put(hash: number, entry: CachedProcess): void;
	/** The known object where all fields are equal, else `info`, which is then the known one. */
	intern(info: ProcessInfo): ProcessInfo;
}

const variantsMax = 4;

/** Two generations: what was not used while half of the limit was filled is forgotten. */
export function createProcessCache(limits: ProcessCacheLimits): ProcessCache {
	let young = new Map<number, CachedProcess>();
	let old = new Map<number, CachedProcess>();
	let youngBytes = 0;
	let copies = createCopies();
	const keep = (hash: number, entry: CachedProcess): void => {
		for (let e: CachedProcess | null = entry; e; e = e.variant) youngBytes += e.length;
		if (young.size * 2 >= limits.entriesMax || youngBytes * 2 > limits.bytesMax) {
			old = young;
			young = new Map();
			youngBytes = entry.length;
			copies = createCopies();
		}
		young.set(hash, entry);
	};
	const get = (hash: number): CachedProcess | null => {
		const found = young.get(hash);
		if (found) return found;
		const older = old.get(hash);
		if (!older) return null;
		old.delete(hash);
		// Out of the old generation's memory, which then goes as a whole.
		for (let e: CachedProcess | null = older; e; e = e.variant) {
			const copy = copies(e.raw.bytes, e.at, e.at + e.length);
			e.raw = copy.literal;
			e.at = copy.at;
		}
		keep(hash, older);
		return older;
	};
	return {
		copies: (bytes, start, end) => copies(bytes, start, end),
		get,
		put(hash, entry) {
			entry.variant = get(hash);
			let last: CachedProcess = entry;
			for (let n = 1; last.variant && n < variantsMax; n++) last = last.variant;
			last.variant = null;
			keep(hash, entry);
		},
		intern: createInterner(limits),
	};
}

function createInterner(limits: ProcessCacheLimits): (info: ProcessInfo) => ProcessInfo {
	let young = new Map<string, ProcessInfo>();
	let old = new Map<string, ProcessInfo>();
	let youngSize = 0;
	return (info) => {
		const recent = young.get(info.execId);
		if (recent && sameProcess(recent, info)) return recent;
		const older = recent ? undefined : old.get(info.execId);
		const kept = older && sameProcess(older, info) ? older : info;
		youngSize += sizeOf(kept);
		if (young.size * 2 >= limits.entriesMax || youngSize * 2 > limits.bytesMax) {
			old = young;
			young = new Map();
			youngSize = sizeOf(kept);
		}
		young.set(kept.execId, kept);
		return kept;
	};
}

/** Characters that a process holds, about. */
function sizeOf(info: ProcessInfo): number {
	let size = info.execId.length + info.binary.length + info.arguments.length + info.cwd.length;
	for (const name of Object.keys(info.environment)) size += name.length + (info.environment[name] as string).length;
	return size;
}

function sameProcess(a: ProcessInfo, b: ProcessInfo): boolean {
	return (
		a.parentExecId === b.parentExecId &&
		a.pid === b.pid &&
		a.uid === b.uid &&
		a.binary === b.binary &&
		a.arguments === b.arguments &&
		a.cwd === b.cwd &&
		a.flags === b.flags &&
		a.startUs === b.startUs &&
		a.container === b.container &&
		a.inInitTree === b.inInitTree &&
		a.mountNamespace === b.mountNamespace &&
		a.pod === b.pod &&
		sameEnvironment(a.environment, b.environment)
	);
}

function sameEnvironment(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
	const names = Object.keys(a);
	if (names.length !== Object.keys(b).length) return false;
	return names.every((name) => a[name] === b[name]);
}
