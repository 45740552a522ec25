// Reads at once what a partition holds at an offset, and where it begins and ends. What cannot be given out (a batch that grows
// past its bound, batches that compaction has emptied) is passed over, and counted where something is lost.
import type { Cluster } from 'kafkajs';
import { StreamError } from '../errors.ts';
import type { Emit } from '../internal-event.ts';
import type { Topic } from '../ports.ts';
import { type ClusterHandle, leaderOf } from './cluster.ts';
import { cluesOf } from './errors.ts';
import { type Fetched, type FetchTarget, fetchFrom } from './fetch.ts';
import type { ResolvedKafkaOptions } from './options.ts';
import { refusedRangeOf } from './record-guard.ts';

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

/** Room for more emptied batches than a compacted topic of ours can have. */
const emptyBytesMax = 8 * 1024 ** 2;

type ReaderOptions = Pick<ResolvedKafkaOptions, 'frames' | 'batchBytesMax' | 'emit'>;

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
			const limits = { waitMs: 0, bytes, batchBytesMax: options.batchBytesMax };
			const [fetched] = await fetchFrom(broker, [target], limits, options.frames);
			return fetched ?? { target, records: [], next: offset, end: offset };
		});
	const bounds = (place: Place): Promise<{ start: number; end: number }> =>
		handle.use(`${place.name}/${place.partition}: bounds`, [place.name], async (cluster) => {
			const start = await offsetOf(cluster, place, { fromBeginning: true });
			const end = await offsetOf(cluster, place, { fromBeginning: false });
			return { start, end: Math.max(start, end) };
		});

	const fetch = async (place: Place, offset: number, bytes: number): Promise<Fetched> => {
		let window = bytes;
		for (let from = offset; ; )
			try {
				const fetched = await once(place, from, window);
				if (fetched.records.length > 0 || fetched.next > from || fetched.end <= from) return fetched;
				// Batches that compaction has emptied say nothing of themselves; a wide look finds none but such up to the end.
				if (window >= emptyBytesMax) return { ...fetched, next: fetched.end };
				window = emptyBytesMax;
			} catch (error) {
				const refused = refusedRangeOf(error);
				if (refused !== null) {
					// One batch at a time up to the refused one: what stands before it in the same answer is sound.
					if (refused.from > from) window = 1;
					else {
						emitRefused(options.emit, place, from, refused.to, error);
						from = refused.to;
						window = bytes;
					}
					continue;
				}
				if (!isOutOfRange(error)) throw error;
				const { start, end } = await bounds(place);
				if (from >= start) return { target: { ...place, offset, bytes }, records: [], next: from, end };
				// Trimmed: the caller sees it by the first record's offset.
				from = start;
			}
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

function emitRefused(emit: Emit, { topic, partition }: Place, from: number, to: number, error: unknown): void {
	emit({
		name: 'log_batches_refused',
		stage: 'kafka',
		reason: 'batch-bound',
		intentional: false,
		count: to - from,
		message: 'a batch of records was passed over: it does not decompress within its bound, or is malformed',
		detail: { topic, partition, from, to, error: cluesOf(error).message },
	});
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

const isOutOfRange = (error: unknown): boolean => cluesOf(error).type === 'OFFSET_OUT_OF_RANGE';
