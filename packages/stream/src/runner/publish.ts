// Publishing what is committed, in bounded appends. A full log is backpressure, not an error.
import { StreamError } from '../errors.ts';
import type { Origin, OutRecord, Seal, StampedRecord } from '../ports.ts';
import type { Seals } from '../seal/seal.ts';
import type { RunnerPorts } from './options.ts';

export type Entry = OutRecord & { origin: Origin };

/** Entries still to be published, oldest first; publishing takes them from the front. */
export interface PendingOutbox {
	entries: readonly Entry[];
	/** How many of them are published. */
	done: number;
	/** Of the batch that caused them, while this process still knows. */
	traceparent: string | undefined;
}

export const pendingOf = (entries: readonly Entry[], traceparent?: string): PendingOutbox => ({
	entries,
	done: 0,
	traceparent,
});

export const isPublished = (pending: PendingOutbox): boolean => pending.done === pending.entries.length;

/** False when the log is full; what was appended until then is remembered in `pending.done`. */
export async function appendPending(
	{ log, seals }: Pick<RunnerPorts, 'log' | 'seals'>,
	pending: PendingOutbox,
	max: { records: number; bytes: number },
): Promise<boolean> {
	// Into a log that is nearly full, one by one: readers make room as soon as they have something to read.
	let records = max.records;
	while (!isPublished(pending)) {
		const chunk = nextChunk(pending, { records, bytes: max.bytes });
		try {
			await log.append(stamped(chunk, seals, pending.traceparent));
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

/** With what travels beside the records. A batch of `trace` carries its host's own signature. */
function stamped(
	chunk: readonly Entry[],
	seals: Seals | undefined,
	traceparent: string | undefined,
): readonly StampedRecord[] {
	if (seals === undefined && traceparent === undefined) return chunk;
	const made = seals?.sealAll(chunk.filter(({ topic }) => topic !== 'trace'));
	let next = 0;
	return chunk.map(({ topic, key, value, origin }) => {
		const record: StampedRecord = { topic, key, value, origin };
		if (made !== undefined && topic !== 'trace') record.seal = made[next++] as Seal;
		if (traceparent !== undefined) record.traceparent = traceparent;
		return record;
	});
}
