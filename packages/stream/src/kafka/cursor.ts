// Records read ahead of one reader of a partition: what a fetch gave and the reader has not asked for yet. Pure.
import type { LogRecord } from '../ports.ts';
import type { Fetched } from './fetch.ts';
import type { Place } from './reader.ts';

export interface Cursor {
	readonly place: Place;
	/** Nothing between `base` and `position` is missing from the buffer. */
	base: number;
	/** Where the next fetch begins. */
	position: number;
	/** The partition's end as last heard; -1: not heard yet. */
	end: number;
	records: LogRecord[];
	/** Index of the first record not dropped. */
	head: number;
	/** Of the values from `head` on. */
	bytes: number;
	/** Taken along by the live fetches. At most one cursor of a partition is. */
	live: boolean;
	/** The fetch under way, live or not. */
	fetching: Promise<void> | null;
	/** Live fetches that brought nothing although the end lies further on. */
	emptyFetches: number;
	/** Left out of live fetches until then, milliseconds since 1970. */
	restUntilMs: number;
	usedAtMs: number;
}

export function openCursor(place: Place, offset: number, nowMs: number): Cursor {
	return {
		place,
		base: offset,
		position: offset,
		end: -1,
		records: [],
		head: 0,
		bytes: 0,
		live: false,
		fetching: null,
		emptyFetches: 0,
		restUntilMs: 0,
		usedAtMs: nowMs,
	};
}

export const covers = (cursor: Cursor, offset: number): boolean => cursor.base <= offset && offset <= cursor.position;

/** False when the cursor has moved on since the fetch was asked for. */
export function accept(cursor: Cursor, fetched: Fetched): boolean {
	if (fetched.target.offset !== cursor.position) return false;
	for (const record of fetched.records) {
		cursor.records.push(record);
		cursor.bytes += record.value.byteLength;
	}
	cursor.position = fetched.next;
	cursor.end = fetched.end;
	return true;
}

const headCompactMin = 512;

/** The reader has passed these. */
export function dropBefore(cursor: Cursor, offset: number): void {
	const { records } = cursor;
	while (cursor.head < records.length) {
		const record = records[cursor.head] as LogRecord;
		if (record.offset >= offset) break;
		cursor.bytes -= record.value.byteLength;
		cursor.head += 1;
	}
	cursor.base = Math.max(cursor.base, offset);
	if (cursor.head === records.length) {
		cursor.records = [];
		cursor.head = 0;
	} else if (cursor.head >= headCompactMin) {
		cursor.records = records.slice(cursor.head);
		cursor.head = 0;
	}
}

/** Records from `offset` on; they stay in the buffer until the reader asks for later ones. One at least if there is any. */
export function take(cursor: Cursor, offset: number, max: { records: number; bytes: number }): LogRecord[] {
	const page: LogRecord[] = [];
	let bytes = 0;
	for (let i = cursor.head; i < cursor.records.length && page.length < max.records && bytes < max.bytes; i++) {
		const record = cursor.records[i] as LogRecord;
		if (record.offset < offset) continue;
		page.push(record);
		bytes += record.value.byteLength;
	}
	return page;
}

export function hasFrom(cursor: Cursor, offset: number): boolean {
	const last = cursor.records.at(-1);
	return last !== undefined && cursor.head < cursor.records.length && last.offset >= offset;
}
