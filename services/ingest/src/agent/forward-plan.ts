// What the forwarder decides: how much goes into one append, how records are stamped, how long to wait (pure).
import type { LogRecord, Seal, StampedRecord } from '@affidavit/stream/ports.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import type { SpoolTopic } from './spool.ts';

/** Next offset to send, by topic of the spool. */
export type Acknowledged = Record<SpoolTopic, number>;

/** The first records that together hold at most `bytes`; one larger record still passes alone. */
export function withinBytes(records: readonly LogRecord[], bytes: number): readonly LogRecord[] {
	let total = 0;
	for (let i = 0; i < records.length; i++) {
		total += (records[i] as LogRecord).value.byteLength;
		if (total > bytes && i > 0) return records.slice(0, i);
	}
	return records;
}

/** As the remote log gets them: the spool's counters under the host's name, so that readers can tell a copy. */
export function stampAll(
	records: readonly LogRecord[],
	host: string,
	seals: Pick<Seals, 'sealAll'> | null,
	traceparent: string | undefined,
): StampedRecord[] {
	const out: StampedRecord[] = [];
	const letters: StampedRecord[] = [];
	for (const { topic, key, value, offset, origin } of records) {
		// Only this process writes the spool, through a source: every record has an origin.
		if (origin === null) throw new Error(`${topic}/${offset}: a record of the spool without an origin`);
		const stamped: StampedRecord = { topic, key, value, origin: { ...origin, stage: `ingest:${host}` } };
		if (traceparent !== undefined) stamped.traceparent = traceparent;
		out.push(stamped);
		if (topic !== 'trace') letters.push(stamped);
	}
	if (seals === null || letters.length === 0) return out;
	const made = seals.sealAll(letters);
	for (let i = 0; i < letters.length; i++) (letters[i] as StampedRecord).seal = made[i] as Seal;
	return out;
}

export function advance(at: Acknowledged, batch: readonly LogRecord[]): void {
	for (const { topic, offset } of batch) at[topic as SpoolTopic] = offset + 1;
}

/** Exponential with equal jitter: half of it is certain, so that a fleet neither hammers nor comes back at once. */
export function retryMs(attempt: number, random: number, limits: { retryMsMin: number; retryMsMax: number }): number {
	const full = Math.min(limits.retryMsMax, limits.retryMsMin * 2 ** Math.min(attempt, 30));
	return full / 2 + (full / 2) * random;
}
