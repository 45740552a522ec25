// The tail of Tetragon's export file: every line once, in order, over rotation, truncation and restarts.
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { createLineSplitter, type Line, type LineSplitter } from '../lines.ts';
import { readAt } from '../read-at.ts';
import type { TailCheckpoint } from './checkpoint.ts';
import { compressedSince, digestOf, entryOf, headBytesMax, listExport, openEntry } from './folder.ts';
import { type FileEntry, firstUnread, inOrder, successorOf } from './rotation.ts';
import { watchFolder } from './watch.ts';

export interface TailOptions {
	/** Path of the file that Tetragon writes to now. */
	path: string;
	/** Of an earlier run; null: from the start of the file, without its rotated ones. */
	checkpoint: TailCheckpoint | null;
	lineBytesMax: number;
	/** Bytes read at once. */
	chunkBytes: number;
	emit: Emit;
}

/** Lines were lost between two files, nobody knows how many. */
export interface TailGap {
	reason: 'rotated-away' | 'truncated';
	/** Last write to what was read, microseconds since 1970. */
	fromUs: number;
}

export interface TailRead {
	/** Base name of the file. */
	file: string;
	lines: Line[];
	/** What a finished file held after its last newline. */
	unterminated: Line | null;
	gap: TailGap | null;
	/** True when there was nothing more to read. */
	idle: boolean;
}

export interface ExportTail {
	/** What is there now, at most one chunk. Never waits; rejects when the folder cannot be read. */
	read(): Promise<TailRead>;
	/** Until something changes in the folder, `waitMs` pass or `signal` aborts. */
	wait(waitMs: number, signal: AbortSignal): Promise<void>;
	/** Bytes after what was read, in this file and those that follow it. */
	lagBytes(): Promise<number>;
	/** Covers all that `read` returned; null before the first file was there. */
	checkpoint(): TailCheckpoint | null;
	close(): Promise<void>;
}

interface Current {
	handle: FileHandle;
	name: string;
	id: string;
	splitter: LineSplitter;
	/** Bytes given to the splitter. */
	readTo: number;
	/** The file's first bytes, as far as they were read. */
	head: Buffer;
	/** Set when a later file has content: this one will not grow any more once it is read to its end. */
	successor: FileEntry | null;
	/** True when files between this one and the successor may have been deleted unread. */
	lostBetween: boolean;
}

interface TailState {
	readonly options: TailOptions;
	readonly folder: string;
	readonly liveName: string;
	current: Current | null;
	/** Where to go on while no file is open. */
	resume: TailCheckpoint | null;
	lastReadNs: bigint;
	/** True when the file was truncated under the tail and its lines were not found again yet. */
	truncated: boolean;
}

export function openExportTail(options: TailOptions): ExportTail {
	const state: TailState = {
		options,
		folder: dirname(options.path),
		liveName: basename(options.path),
		current: null,
		resume: options.checkpoint,
		lastReadNs: BigInt(options.checkpoint?.lastReadNs ?? 0),
		truncated: false,
	};
	const watcher = watchFolder(state.folder, options.emit);
	return {
		read: () => readTail(state),
		wait: watcher.wait,
		lagBytes: () => lagOf(state),
		checkpoint: () => checkpointOf(state),
		async close() {
			watcher.close();
			await leave(state);
		},
	};
}

async function lagOf(state: TailState): Promise<number> {
	const entries = inOrder((await listExport(state.folder, state.liveName)) ?? []);
	const { current } = state;
	let bytes = 0;
	for (const entry of entries) {
		if (entry.id === current?.id) bytes = Math.max(0, entry.size - current.readTo);
		else bytes += entry.size;
	}
	return bytes;
}

async function readTail(state: TailState): Promise<TailRead> {
	const result: TailRead = { file: '', lines: [], unterminated: null, gap: null, idle: false };
	// Each round reads, or moves to another file; a folder in which names change under the hand is tried again later.
	for (let round = 0; round < 4; round++) {
		if (state.current === null && !(await enter(state, result))) break;
		if (state.current?.splitter.position().offset === 0) await enterEarlier(state, state.current);
		const current = state.current as Current | null;
		if (current === null) continue;
		result.file = current.name;
		const chunk = await readChunk(state, current);
		if (chunk === 'truncated') {
			state.resume = checkpointOf(state);
			state.truncated = true;
			await leave(state);
		} else if (chunk.length > 0) {
			result.lines = current.splitter.push(chunk);
			return result;
		} else if (current.successor !== null) {
			result.unterminated = current.splitter.finish();
			if (current.lostBetween) result.gap = { reason: 'rotated-away', fromUs: Number(state.lastReadNs / 1000n) };
			await moveOn(state, current, current.successor);
			// Whoever takes the line has to know its file.
			if (result.unterminated !== null) return result;
		} else {
			current.successor = await findSuccessor(state, current);
			if (current.successor === null) break;
		}
		if (result.gap !== null) return result;
	}
	result.idle = true;
	return result;
}

/** New bytes, none, or the news that the file is not the one any more that was read. */
async function readChunk(state: TailState, current: Current): Promise<Buffer | 'truncated'> {
	const found = await current.handle.stat({ bigint: true });
	const size = Number(found.size);
	if (size < current.readTo) return 'truncated';
	const empty = size === current.readTo;
	const length = Math.min(size - current.readTo, state.options.chunkBytes);
	const chunk = empty ? Buffer.alloc(0) : await readAt(current.handle, current.readTo, length);
	// After the read, not before: what was written over meanwhile shows in the head.
	if (!(await headIs(current.handle, current.head))) return 'truncated';
	if (found.mtimeNs > state.lastReadNs) state.lastReadNs = found.mtimeNs;
	if (chunk.length === 0) return chunk;
	if (current.head.length < headBytesMax && current.head.length === current.readTo)
		current.head = Buffer.concat([current.head, chunk.subarray(0, headBytesMax - current.head.length)]);
	current.readTo += chunk.length;
	return chunk;
}

const headIs = async (handle: FileHandle, head: Buffer): Promise<boolean> =>
	head.length === 0 || head.equals(await readAt(handle, 0, head.length));

async function findSuccessor(state: TailState, current: Current): Promise<FileEntry | null> {
	const live = await entryOf(state.folder, state.liveName, state.liveName);
	if (live !== null && live.id === current.id) return null;
	const entries = await listExport(state.folder, state.liveName);
	if (entries === null) return null;
	// The oldest go first: where this one is gone, those after it may be gone too. One compressed file since is this one itself.
	current.lostBetween =
		!entries.some((entry) => entry.id === current.id) &&
		(await compressedSince(state.folder, state.liveName, state.lastReadNs)) !== 1;
	return successorOf(current.id, state.lastReadNs, entries);
}

/** Leaves a finished file for its successor; one that begins with the same content is its copy and goes on where it ended. */
async function moveOn(state: TailState, finished: Current, successor: FileEntry): Promise<void> {
	const { offset, number } = finished.splitter.position();
	const handle = await openEntry(state.folder, successor);
	state.resume = checkpointOf(state);
	await leave(state);
	// Renamed in this very moment: found again by its identity, or by what comes after the finished file.
	if (handle === null) return;
	const copied = finished.head.length > 0 && successor.size >= offset && (await headIs(handle, finished.head));
	const start = copied ? { offset, number } : { offset: 0, number: 1 };
	settle(state, handle, successor, start, copied ? finished.head : Buffer.alloc(0));
}

/** Opens the file that the checkpoint stands for, or what follows when it is gone. False when there is none. */
async function enter(state: TailState, result: TailRead): Promise<boolean> {
	const entries = await listExport(state.folder, state.liveName);
	const { resume } = state;
	if (entries === null) return false;
	if (resume === null) {
		const live = entries.find((entry) => entry.live);
		if (live === undefined) return false;
		// What lies there rotated is older than this tail and none of its business.
		for (const entry of entries) if (!entry.live && entry.mtimeNs > state.lastReadNs) state.lastReadNs = entry.mtimeNs;
		return openAtStart(state, live);
	}
	if (resume.headBytes > 0) {
		const candidates = inOrder(entries).reverse();
		candidates.sort((a, b) => Number(b.id === resume.id) - Number(a.id === resume.id));
		for (const entry of candidates) {
			const outcome = await openAsBefore(state, entry, resume);
			// Renamed in this very moment: it may be the one, so nothing is concluded from its absence.
			if (outcome !== 'different') return outcome === 'opened';
		}
	}
	const next = firstUnread(resume.headBytes > 0 ? '' : resume.id, state.lastReadNs, entries);
	if (next === null) return false;
	const lost = resume.headBytes > 0 || (state.truncated && next.id === resume.id);
	const { lastReadNs } = resume;
	if (!(await openAtStart(state, next))) return false;
	if (lost) {
		const reason = entries.some((entry) => entry.id === resume.id) ? 'truncated' : 'rotated-away';
		result.gap = { reason, fromUs: Number(BigInt(lastReadNs) / 1000n) };
	}
	return true;
}

/** No whole line was read of the current file: it may have been copied and truncated, and its head does not tell. */
async function enterEarlier(state: TailState, current: Current): Promise<void> {
	const entries = await listExport(state.folder, state.liveName);
	const earlier = entries === null ? null : firstUnread(current.id, state.lastReadNs, entries);
	if (earlier === null || earlier.id === current.id) return;
	state.resume = checkpointOf(state);
	await leave(state);
	await openAtStart(state, earlier);
}

async function openAtStart(state: TailState, entry: FileEntry): Promise<boolean> {
	const handle = await openEntry(state.folder, entry);
	if (handle === null) return false;
	settle(state, handle, entry, { offset: 0, number: 1 }, Buffer.alloc(0));
	return true;
}

/** Opens the file when it begins as the checkpoint says and was not cut since. */
async function openAsBefore(
	state: TailState,
	entry: FileEntry,
	resume: TailCheckpoint,
): Promise<'opened' | 'different' | 'vanished'> {
	if (entry.size < resume.offset) return 'different';
	const handle = await openEntry(state.folder, entry);
	if (handle === null) return 'vanished';
	const head = await readAt(handle, 0, resume.headBytes);
	if (head.length < resume.headBytes || digestOf(head) !== resume.headDigest) {
		await handle.close();
		return 'different';
	}
	settle(state, handle, entry, { offset: resume.offset, number: resume.line }, head);
	return 'opened';
}

function settle(
	state: TailState,
	handle: FileHandle,
	entry: FileEntry,
	start: { offset: number; number: number },
	head: Buffer,
): void {
	const splitter = createLineSplitter(state.options.lineBytesMax, start);
	const { name, id } = entry;
	state.current = { handle, name, id, splitter, readTo: start.offset, head, successor: null, lostBetween: false };
	state.resume = null;
	state.truncated = false;
}

async function leave(state: TailState): Promise<void> {
	const handle = state.current?.handle;
	state.current = null;
	await handle?.close();
}

function checkpointOf(state: TailState): TailCheckpoint | null {
	const { current } = state;
	if (current === null) return state.resume;
	const { offset, number } = current.splitter.position();
	const head = current.head.subarray(0, Math.min(current.head.length, offset));
	return {
		version: 1,
		id: current.id,
		offset,
		line: number,
		headBytes: head.length,
		headDigest: digestOf(head),
		lastReadNs: String(state.lastReadNs),
	};
}
