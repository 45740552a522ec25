// Which input records were seen before (design 4.1): appending is at least once, so a reader drops what it has seen.
import type { LogRecord } from '../ports.ts';
import { isBeyond, type OriginMark, originKey } from './origin-mark.ts';
import {
	decodeJson,
	decodeMark,
	encodeJson,
	encodeMark,
	originKeyOf,
	seenCell,
	skippedCell,
} from './reserved-cells.ts';

/** Origins remembered per input partition; beyond it the one that was silent for longest is forgotten. */
export const originsMax = 100_000;
/** Runs of skipped offsets remembered between the low water and the committed offset. */
export const skippedRangesMax = 65_536;

/** [from, to) */
type Range = [from: number, to: number];

/** As of the last commit. */
export interface Seen {
	marks: Map<string, OriginMark>;
	/** Offsets from the low water on that never reached the stage (duplicates, poison): a replay leaves them out too. */
	skipped: Range[];
}

/** What becomes part of `Seen` with the next commit, or is forgotten when there is none. */
export interface SeenDraft {
	marks: Map<string, OriginMark>;
	skipped: Range[];
}

export const emptyDraft = (): SeenDraft => ({ marks: new Map(), skipped: [] });

export const copyDraft = (draft: SeenDraft): SeenDraft => ({
	marks: new Map(draft.marks),
	skipped: draft.skipped.map(([from, to]) => [from, to]),
});

export function loadSeen(cells: ReadonlyMap<string, Uint8Array>): Seen {
	const marks = new Map<string, OriginMark>();
	for (const [name, value] of cells) {
		const key = originKeyOf(name);
		if (key !== null) marks.set(key, decodeMark(name, value));
	}
	const skipped = cells.get(skippedCell);
	return { marks, skipped: skipped ? decodeJson(skippedCell, skipped, isRanges) : [] };
}

/** The records not seen before, in order; the draft takes the rest. */
export function admit(seen: Seen, draft: SeenDraft, records: readonly LogRecord[]): LogRecord[] {
	const admitted: LogRecord[] = [];
	for (const record of records) {
		const { origin } = record;
		if (origin === null) {
			admitted.push(record);
			continue;
		}
		const key = originKey(origin);
		if (isBeyond(origin, draft.marks.get(key) ?? seen.marks.get(key))) {
			draft.marks.set(key, { offset: origin.offset, index: origin.index });
			admitted.push(record);
		} else skip(draft.skipped, record.offset);
	}
	return admitted;
}

export function skip(ranges: Range[], offset: number): void {
	const last = ranges.at(-1);
	if (last && last[1] === offset) last[1] = offset + 1;
	else ranges.push([offset, offset + 1]);
}

/** For a replay: the records that reached the stage the first time. */
export function withoutSkipped(seen: Seen, draft: SeenDraft, records: readonly LogRecord[]): readonly LogRecord[] {
	const first = records[0]?.offset ?? 0;
	const last = records.at(-1)?.offset ?? -1;
	const near = [...seen.skipped, ...draft.skipped].filter(([from, to]) => to > first && from <= last);
	if (near.length === 0) return records;
	return records.filter(({ offset }) => !near.some(([from, to]) => from <= offset && offset < to));
}

export interface SeenChange {
	/** Reserved cells for the commit. */
	cells: Map<string, Uint8Array | null>;
	/** To be called when the commit is through. */
	accept(): void;
	/** Origins and ranges that the bounds made it forget. */
	forgottenOrigins: number;
	forgottenRanges: number;
}

/** The cells that carry the draft, with skipped offsets below `lowWaterOffset` left out. Changes nothing before `accept`. */
export function seenChange(seen: Seen, draft: SeenDraft, lowWaterOffset: number): SeenChange {
	const cells = new Map<string, Uint8Array | null>();
	for (const [key, mark] of draft.marks) cells.set(seenCell(key), encodeMark(mark));
	const evicted = oldestBeyondBound(seen, draft);
	for (const key of evicted) cells.set(seenCell(key), null);

	let skipped = seen.skipped;
	let forgottenRanges = 0;
	if (draft.skipped.length > 0 || (skipped[0] && skipped[0][1] <= lowWaterOffset)) {
		skipped = [...skipped, ...draft.skipped].filter(([, to]) => to > lowWaterOffset);
		forgottenRanges = Math.max(0, skipped.length - skippedRangesMax);
		skipped = skipped.slice(forgottenRanges);
		cells.set(skippedCell, skipped.length === 0 ? null : encodeJson(skipped));
	}
	const accept = (): void => {
		for (const [key, mark] of draft.marks) {
			// Deleted first, so that the map's order is that of last use.
			seen.marks.delete(key);
			seen.marks.set(key, mark);
		}
		for (const key of evicted) seen.marks.delete(key);
		seen.skipped = skipped;
	};
	return { cells, accept, forgottenOrigins: evicted.length, forgottenRanges };
}

function oldestBeyondBound(seen: Seen, draft: SeenDraft): string[] {
	let excess = seen.marks.size - originsMax;
	for (const key of draft.marks.keys()) if (!seen.marks.has(key)) excess += 1;
	const evicted: string[] = [];
	if (excess <= 0) return evicted;
	for (const key of seen.marks.keys()) {
		if (evicted.length >= excess) break;
		if (!draft.marks.has(key)) evicted.push(key);
	}
	return evicted;
}

const isRanges = (value: unknown): value is Range[] =>
	Array.isArray(value) &&
	value.every((r) => Array.isArray(r) && r.length === 2 && Number.isInteger(r[0]) && Number.isInteger(r[1]));
