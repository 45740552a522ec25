// Puts one host's events into canonical order: what arrives within the skew is released sorted, exact duplicates dropped.
import { compareEvents, type ProcessInfo, type TraceEvent } from '@affidavit/model/trace-event.ts';

/** An event with the processes its batch describes, so that applying it depends on nothing else that arrived. */
export interface Item {
	event: TraceEvent;
	process: ProcessInfo;
	parent: ProcessInfo | null;
}

export interface Reorder {
	/** Sorted. [0, head) is released and kept one skew longer, to know late duplicates; [head, end) waits. */
	items: Item[];
	head: number;
	/** Event time up to which everything was released; -1 before the first event. */
	watermarkUs: number;
	/** Newest accepted event time; -1 before the first event. */
	newestUs: number;
	/** Text that the items hold, UTF-16 units: a host decides how long a path is. */
	text: number;
}

export const createReorder = (): Reorder => ({ items: [], head: 0, watermarkUs: -1, newestUs: -1, text: 0 });

const textOf = ({ event }: Item): number => event.path.length + event.path2.length + event.fsPath.length;

const compareItems = (a: Item, b: Item): number => compareEvents(a.event, b.event);

/** Merges a batch's items into the buffer; returns how many were exact duplicates. */
export function insert(reorder: Reorder, batch: Item[]): number {
	if (batch.length === 0) return 0;
	batch.sort(compareItems);
	const { items } = reorder;
	const newest = (batch[batch.length - 1] as Item).event.timeUs;
	if (newest > reorder.newestUs) reorder.newestUs = newest;
	// From the end: a batch overlaps only the youngest part of the buffer.
	let i = items.length - 1;
	let j = batch.length - 1;
	let write = items.length + batch.length - 1;
	items.length += batch.length;
	let duplicates = 0;
	while (j >= 0) {
		const candidate = batch[j] as Item;
		const order = i < reorder.head ? -1 : compareItems(items[i] as Item, candidate);
		if (order > 0) {
			items[write--] = items[i--] as Item;
			continue;
		}
		const sameInBatch = j > 0 && compareItems(batch[j - 1] as Item, candidate) === 0;
		if (order === 0 || sameInBatch) duplicates++;
		else {
			items[write--] = candidate;
			reorder.text += textOf(candidate);
		}
		j--;
	}
	if (duplicates > 0) items.splice(i + 1, duplicates);
	return duplicates;
}

/** Adds an item that comes after its time was released; false when it is a duplicate of one still remembered. */
export function insertLate(reorder: Reorder, item: Item): boolean {
	let low = 0;
	let high = reorder.head;
	while (low < high) {
		const middle = (low + high) >>> 1;
		const order = compareItems(reorder.items[middle] as Item, item);
		if (order === 0) return false;
		if (order < 0) low = middle + 1;
		else high = middle;
	}
	reorder.items.splice(low, 0, item);
	reorder.head++;
	reorder.text += textOf(item);
	return true;
}

/** Next item at or before the watermark, or undefined. */
export function next(reorder: Reorder): Item | undefined {
	const item = reorder.items[reorder.head];
	if (item === undefined || item.event.timeUs > reorder.watermarkUs) return undefined;
	reorder.head++;
	return item;
}

/** Forgets released items older than `keepUs`. */
export function forget(reorder: Reorder, keepUs: number): void {
	let count = 0;
	while (count < reorder.head && (reorder.items[count] as Item).event.timeUs < keepUs) count++;
	// In large steps, so that moving the rest costs little per event.
	if (count >= 1024 && count * 4 >= reorder.items.length) drop(reorder, count);
}

/** Forgets the oldest released items beyond the bounds, whatever their age; returns how many. */
export function forgetExcess(reorder: Reorder, max: { events: number; text: number }): number {
	let count = 0;
	let { text } = reorder;
	while (count < reorder.head && (reorder.head - count > max.events || text > max.text))
		text -= textOf(reorder.items[count++] as Item);
	drop(reorder, count);
	return count;
}

/** How many of the waiting items must go so that no more text waits than `max`, once nothing released is kept. */
export function textExcess(reorder: Reorder, max: number): number {
	if (reorder.text <= max) return 0;
	let waiting = 0;
	for (let i = reorder.items.length - 1; i >= reorder.head; i--) {
		waiting += textOf(reorder.items[i] as Item);
		if (waiting > max) return i + 1 - reorder.head;
	}
	return 0;
}

function drop(reorder: Reorder, count: number): void {
	if (count === 0) return;
	for (const item of reorder.items.splice(0, count)) reorder.text -= textOf(item);
	reorder.head -= count;
}

export const pending = (reorder: Reorder): number => reorder.items.length - reorder.head;
