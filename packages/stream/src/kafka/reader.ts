// Reads at once what a partition holds at an offset, and where it begins and ends. What cannot be given out (a batch that grows
// past its bound, batches that compaction has emptied) is passed over, and counted where something is lost.
import type { Cluster } from 'kafkajs';
import { StreamError } from '../errors.ts';
import type { Topic } from '../ports.ts';
import { type ClusterHandle, leaderOf } from './cluster.ts';
import { cluesOf } from './errors.ts';
import { type Fetched, type FetchTarget, fetchFrom } from './fetch.ts';
import type { ResolvedKafkaOptions } from './options.ts';

export interface Place {
	topic: Topic;
	/** At the broker. */
	name: string;
	partition: number;
}

export interface Reader {
	/** Never waits for what is not there. Before the start: from the start on; after the end: nothing. */
	fetch(place: Place, offset: number, bytes: number): Promise<Fetched>;
	bounds(place: Place): Promise<{ start: number; end: number }>;
	/** Offset of the first record of that time or later; the end when there is none. */
	offsetAt(place: Place, timeMs: number): Promise<number>;
}

type ReaderOptions = Pick<ResolvedKafkaOptions, 'frames' | 'emit'>;

export function createReader(handle: ClusterHandle, options: ReaderOptions): Reader {
	// One after the other: fetches that find kafkajs's fetch connection closed would each open one, and leak all but the last. The
	// broker answers one connection's requests in order anyway.
	let last: Promise<unknown> = Promise.resolve();
	const once = (place: Place, offset: number, bytes: number): Promise<Fetched> => {
		const fetched = last.then(() => fetchOnce(place, offset, bytes));
		last = fetched.catch(() => {});
		return fetched;
	};
	const fetchOnce = (place: Place, offset: number, bytes: number): Promise<Fetched> =>
		handle.use(`${place.name}/${place.partition}: reading at ${offset}`, [place.name], async (cluster) => {
			const broker = await leaderOf(cluster, place.name, place.partition);
			const target: FetchTarget = { ...place, offset, bytes };
			const [fetched] = await fetchFrom(broker, [target], { waitMs: 0, bytes }, options.frames);
			return fetched ?? { target, records: [], next: offset, end: offset };
		});
	const bounds = (place: Place): Promise<{ start: number; end: number }> =>
		handle.use(`${place.name}/${place.partition}: bounds`, [place.name], async (cluster) => {
			const start = await offsetOf(cluster, place, { fromBeginning: true });
			const end = await offsetOf(cluster, place, { fromBeginning: false });
			return { start, end: Math.max(start, end) };
		});

	const fetch = async (place: Place, offset: number, bytes: number): Promise<Fetched> => {
		let from = offset;
		try {
			const fetched = await once(place, from, bytes);
			if (fetched.records.length > 0 || fetched.next > from || fetched.end <= from) return fetched;
		} catch (error) {
			if (isOutOfRange(error)) {
				const { start, end } = await bounds(place);
				if (from >= end) return { target: { ...place, offset, bytes }, records: [], next: from, end };
				// Trimmed: the caller sees it by the first record's offset.
				from = Math.max(from, start);
				if (from !== offset) return await fetch(place, from, bytes);
			} else if (!isRefusedBatch(error)) throw error;
			else return await passOver(place, from, bytes, error);
		}
		return await passOver(place, from, bytes, null);
	};

	/** `refused`: why the batch at `offset` was; null: batches without records. */
	const passOver = async (place: Place, offset: number, bytes: number, refused: unknown): Promise<Fetched> => {
		const { end } = await bounds(place);
		const isReadable = async (at: number): Promise<boolean> => {
			try {
				const { records, next } = await once(place, at, bytes);
				return records.length > 0 || next > at;
			} catch (error) {
				if (isRefusedBatch(error)) return false;
				throw error;
			}
		};
		const to = await firstReadable(offset + 1, end, isReadable);
		if (refused !== null)
			options.emit({
				name: 'log_batches_refused',
				stage: 'kafka',
				reason: 'batch-bound',
				intentional: false,
				count: to - offset,
				message: 'a batch of records was passed over: it cannot be decompressed within its bound, or is malformed',
				detail: { topic: place.topic, partition: place.partition, from: offset, to, error: cluesOf(refused).message },
			});
		if (to >= end) return { target: { ...place, offset, bytes }, records: [], next: to, end };
		return await once(place, to, bytes);
	};

	return {
		fetch,
		bounds,
		offsetAt: (place, timeMs) =>
			handle.use(`${place.name}/${place.partition}: offset at a time`, [place.name], async (cluster) => {
				const at = await offsetOf(cluster, place, { fromTimestamp: Math.max(0, timeMs) });
				return at >= 0 ? at : await offsetOf(cluster, place, { fromBeginning: false });
			}),
	};
}

/**
 * Smallest readable offset of [from, end), or `end`. Doubling steps, then halving: a batch covers an interval, so that what
 * lies between two unreadable offsets of one is unreadable too.
 */
async function firstReadable(from: number, end: number, isReadable: (at: number) => Promise<boolean>): Promise<number> {
	let low = from - 1;
	let high = from;
	for (let step = 1; high < end && !(await isReadable(high)); step *= 2) {
		low = high;
		high = Math.min(end, high + step);
	}
	while (high - low > 1) {
		const middle = low + Math.floor((high - low) / 2);
		if (await isReadable(middle)) high = middle;
		else low = middle;
	}
	return high;
}

async function offsetOf(
	cluster: Cluster,
	{ name, partition }: Place,
	what: { fromBeginning: boolean } | { fromTimestamp: number },
): Promise<number> {
	const [found] = await cluster.fetchTopicsOffset([{ topic: name, partitions: [{ partition }], ...what } as never]);
	const offset = found?.partitions.find((p) => p.partition === partition)?.offset;
	if (offset === undefined) throw new StreamError('unavailable', `${name}/${partition}: the broker gave no offset`);
	return Number(offset);
}

export const isOutOfRange = (error: unknown): boolean => cluesOf(error).type === 'OFFSET_OUT_OF_RANGE';

/** Only the guard makes errors of this code while a fetch is read. */
export const isRefusedBatch = (error: unknown): boolean =>
	error instanceof StreamError && error.code === 'refused' && error.message.startsWith('record batch:');
