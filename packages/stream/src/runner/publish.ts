// Publishing what is committed, in bounded appends. A full log is backpressure, not an error.
import { StreamError } from '../errors.ts';
import type { Log, Origin, OutRecord } from '../ports.ts';

export type Entry = OutRecord & { origin: Origin };

/** Entries still to be published, oldest first; publishing takes them from the front. */
export interface PendingOutbox {
	entries: readonly Entry[];
	/** How many of them are published. */
	done: number;
}

export const pendingOf = (entries: readonly Entry[]): PendingOutbox => ({ entries, done: 0 });

export const isPublished = (pending: PendingOutbox): boolean => pending.done === pending.entries.length;

/** False when the log is full; what was appended until then is remembered in `pending.done`. */
export async function appendPending(
	log: Log,
	pending: PendingOutbox,
	max: { records: number; bytes: number },
): Promise<boolean> {
	// Into a log that is nearly full, one by one: readers make room as soon as they have something to read.
	let records = max.records;
	while (!isPublished(pending)) {
		const chunk = nextChunk(pending, { records, bytes: max.bytes });
		try {
			await log.append(chunk);
			pending.done += chunk.length;
		} catch (error) {
			if (!(error instanceof StreamError && error.code === 'log-full')) throw error;
			if (chunk.length === 1) return false;
			records = 1;
		}
	}
	return true;
}

function nextChunk(pending: PendingOutbox, max: { records: number; bytes: number }): readonly Entry[] {
	const { entries, done } = pending;
	let bytes = 0;
	let to = done;
	while (to < entries.length && to - done < max.records && (to === done || bytes < max.bytes)) {
		bytes += (entries[to] as Entry).value.byteLength;
		to += 1;
	}
	return done === 0 && to === entries.length ? entries : entries.slice(done, to);
}
