// The partitions being read: each reader's place and what was read ahead, and who waits for more. Which records a reader gets
// depends on the offset it asks for alone; all here is to ask the broker less often.
import type { LogRecord } from '../ports.ts';
import { accept, type Cursor, covers, dropBefore, hasFrom, openCursor, take } from './cursor.ts';
import type { Fetched } from './fetch.ts';
import type { Place, Reader } from './reader.ts';

interface Waiter {
	offset: number;
	wake: () => void;
}

interface PartitionReads {
	readonly place: Place;
	cursors: Cursor[];
	waiters: Set<Waiter>;
	/** The partition's end, as far as this process has appended or asked for it. */
	heardEnd: number;
}

export interface Cursors {
	read(place: Place, offset: number, max: { records: number; bytes: number }): Promise<LogRecord[]>;
	/** May resolve although nothing is there: who waits reads, and waits again. */
	wait(place: Place, offset: number, signal: AbortSignal): Promise<void>;
	/** Live cursors with room; those that nobody has used for long are forgotten on the way. */
	hungry(nowMs: number): Cursor[];
	/** What a fetch brought. False when the cursor has moved on since. */
	accept(cursor: Cursor, fetched: Fetched): boolean;
	/** A read on the cursor's own connection, which copes with what a shared fetch cannot. */
	fill(cursor: Cursor): Promise<void>;
	/** The partition reaches to `end`, as who appended or asked for its bounds knows: reads do not take an older end for it. */
	reaches(place: Place, end: number): void;
	/** The partition's end as last heard of; null when nothing was. */
	knownEnd(place: Place): number | null;
	readAheadBytes(): number;
	wakeAll(): void;
}

export interface CursorsOptions {
	bufferBytesMax: number;
	/** Called when a live cursor waits that no fetch under way takes along. */
	onLive: () => void;
	now: () => number;
}

const cursorsPerPartitionMax = 4;
const idleMsMax = 30_000;
const fetchBytesMin = 64 * 1024;
const fetchBytesMax = 2 * 1024 ** 2;

export function createCursors(reader: Reader, options: CursorsOptions): Cursors {
	const partitions = new Map<string, PartitionReads>();
	const at = (place: Place): PartitionReads => {
		const id = `${place.name}/${place.partition}`;
		let found = partitions.get(id);
		if (!found) {
			found = { place, cursors: [], waiters: new Set(), heardEnd: 0 };
			partitions.set(id, found);
		}
		return found;
	};
	const fill = (cursor: Cursor, bytes: number): Promise<void> => {
		cursor.fetching ??= reader
			.fetch(cursor.place, cursor.position, Math.max(fetchBytesMin, Math.min(bytes, fetchBytesMax)))
			.then((fetched) => {
				// Only what was asked for at this position is taken; a fetch that began further on says so by its records.
				takeFetched(cursor, { ...fetched, target: { ...fetched.target, offset: cursor.position } });
			})
			.finally(() => {
				cursor.fetching = null;
			});
		return cursor.fetching;
	};
	/** False when the broker has said that nothing is there. */
	const filled = async (cursor: Cursor, bytes: number): Promise<boolean> => {
		const before = cursor.position;
		await fill(cursor, bytes);
		return cursor.position > before || cursor.end > cursor.position;
	};
	const takeFetched = (cursor: Cursor, fetched: Fetched): boolean => {
		if (!accept(cursor, fetched)) return false;
		const last = fetched.records.at(-1);
		if (last) wake(at(cursor.place), (waiter) => waiter.offset <= last.offset);
		return true;
	};

	return {
		read: async (place, offset, max) => {
			const reads = at(place);
			const cursor = cursorAt(reads, offset, options.now());
			dropBefore(cursor, offset);
			while (!hasFrom(cursor, offset)) {
				if (isAtEnd(cursor, reads)) return [];
				// A live fetch says nothing of its failure, and may have brought nothing for want of a broker.
				if (cursor.fetching !== null) await cursor.fetching;
				else if (!(await filled(cursor, max.bytes))) return [];
			}
			return take(cursor, offset, max);
		},
		wait: (place, offset, signal) =>
			waitAt(at(place), offset, signal, options, (cursor) => fill(cursor, fetchBytesMin)),
		hungry: (nowMs) => {
			const found: Cursor[] = [];
			for (const [id, reads] of partitions) {
				reads.cursors = reads.cursors.filter(
					(c) => c.fetching || nowMs - c.usedAtMs < idleMsMax || reads.waiters.size > 0,
				);
				if (reads.cursors.length === 0 && reads.waiters.size === 0) partitions.delete(id);
				for (const cursor of reads.cursors)
					if (cursor.live && !cursor.fetching && cursor.bytes < options.bufferBytesMax && cursor.restUntilMs <= nowMs)
						found.push(cursor);
			}
			return found;
		},
		accept: takeFetched,
		fill: (cursor) => fill(cursor, fetchBytesMax),
		reaches: (place, end) => {
			const found = partitions.get(`${place.name}/${place.partition}`);
			if (found) found.heardEnd = Math.max(found.heardEnd, end);
		},
		knownEnd: (place) => {
			const found = partitions.get(`${place.name}/${place.partition}`);
			if (!found) return null;
			let end = found.heardEnd > 0 ? found.heardEnd : -1;
			for (const cursor of found.cursors) end = Math.max(end, cursor.end);
			return end < 0 ? null : end;
		},
		readAheadBytes: () => {
			let bytes = 0;
			for (const { cursors } of partitions.values()) for (const cursor of cursors) bytes += cursor.bytes;
			return bytes;
		},
		wakeAll: () => {
			for (const reads of partitions.values()) wake(reads, () => true);
		},
	};
}

/** Live fetches keep telling where the end is; without them it must be asked for. */
const isAtEnd = (cursor: Cursor, reads: PartitionReads): boolean =>
	cursor.live && cursor.end >= 0 && cursor.end <= cursor.position && reads.heardEnd <= cursor.position;

function cursorAt(reads: PartitionReads, offset: number, nowMs: number): Cursor {
	let cursor = reads.cursors.find((c) => covers(c, offset));
	if (!cursor) {
		if (reads.cursors.length >= cursorsPerPartitionMax) {
			const idle = reads.cursors.filter((c) => !c.live).sort((a, b) => a.usedAtMs - b.usedAtMs)[0];
			reads.cursors = reads.cursors.filter((c) => c !== idle);
		}
		cursor = openCursor(reads.place, offset, nowMs);
		reads.cursors.push(cursor);
	}
	cursor.usedAtMs = nowMs;
	return cursor;
}

async function waitAt(
	reads: PartitionReads,
	offset: number,
	signal: AbortSignal,
	options: CursorsOptions,
	fill: (cursor: Cursor) => Promise<void>,
): Promise<void> {
	if (signal.aborted) return;
	const cursor = cursorAt(reads, offset, options.now());
	if (cursor.end < 0) await fill(cursor);
	if (hasFrom(cursor, offset)) return;
	const live = reads.cursors.find((c) => c.live);
	if (live && live !== cursor && live.position > cursor.position) {
		// Another reader is further on: what lies between is there or is a hole, and what comes after wakes us too.
		await fill(cursor);
		if (hasFrom(cursor, offset)) return;
	} else if (live !== cursor) {
		if (live) {
			live.live = false;
			wake(reads, (waiter) => waiter.offset < cursor.position);
		}
		cursor.live = true;
	}
	if (signal.aborted) return;
	await new Promise<void>((resolve) => {
		const waiter: Waiter = {
			offset,
			wake: () => {
				signal.removeEventListener('abort', waiter.wake);
				reads.waiters.delete(waiter);
				resolve();
			},
		};
		reads.waiters.add(waiter);
		signal.addEventListener('abort', waiter.wake);
		if (!cursor.fetching) options.onLive();
	});
	cursor.usedAtMs = options.now();
}

function wake(reads: PartitionReads, which: (waiter: Waiter) => boolean): void {
	for (const waiter of [...reads.waiters]) if (which(waiter)) waiter.wake();
}
