// The log that a replay's stages work on: topic `trace` is a piece of the past, all else lies in a log of the replay's own.
import type { Log, LogRecord } from '@affidavit/stream/ports.ts';
import type { PastLog } from './past.ts';

/** [from, to), offsets. */
export interface OffsetRange {
	from: number;
	to: number;
}

export interface OverlayOptions {
	past: PastLog;
	/** Of the replay's own. */
	scratch: Log;
	/** Of topic `trace`, by partition. */
	ranges: readonly OffsetRange[];
	/** Records of `trace` that the correlator gets; default all. */
	acceptTrace?: (record: LogRecord) => boolean;
	/** Keys of `session` that the detector gets; default all. */
	acceptSession?: (session: string) => boolean;
	/** How far `trace` is read. */
	onRead?: (partition: number, offset: number) => void;
}

/** Pages that are read and left out whole before the caller gets a turn. */
const emptyPagesMax = 64;

export function createOverlayLog(options: OverlayOptions): Log {
	const { past, scratch, ranges } = options;
	const rangeOf = (partition: number): OffsetRange => {
		const range = ranges[partition];
		if (range === undefined) throw new RangeError(`trace/${partition}: the topic has ${ranges.length} partitions`);
		return range;
	};
	const readTrace: Log['read'] = async (topic, partition, offset, max) => {
		const { from, to } = rangeOf(partition);
		let at = Math.max(from, offset);
		for (let pages = 0; at < to; pages++) {
			const records = await past.read(topic, partition, at, max);
			const taken: LogRecord[] = [];
			for (const record of records) {
				if (record.offset >= to) break;
				at = record.offset + 1;
				if (options.acceptTrace?.(record) ?? true) taken.push(record);
			}
			options.onRead?.(partition, at);
			if (taken.length > 0) return taken;
			if (records.length === 0 || (records.at(-1) as LogRecord).offset >= to) return [];
			if (pages % emptyPagesMax === emptyPagesMax - 1) await nextTurn();
		}
		return [];
	};
	const readSession: Log['read'] = async (topic, partition, offset, max) => {
		for (let at = offset; ; ) {
			const records = await scratch.read(topic, partition, at, max);
			const last = records.at(-1);
			if (last === undefined) return records;
			const taken = records.filter(({ key }) => options.acceptSession?.(key) ?? true);
			if (taken.length > 0) return taken;
			at = last.offset + 1;
		}
	};
	return {
		partitions: (topic) => (topic === 'trace' ? ranges.length : scratch.partitions(topic)),
		append: scratch.append,
		read: (topic, partition, offset, max) => {
			if (topic === 'trace') return readTrace(topic, partition, offset, max);
			return (topic === 'session' ? readSession : scratch.read)(topic, partition, offset, max);
		},
		bounds: async (topic, partition) => {
			if (topic !== 'trace') return scratch.bounds(topic, partition);
			const { from, to } = rangeOf(partition);
			return { start: from, end: to };
		},
		offsetAt: (topic, partition, timeUs) => (topic === 'trace' ? past : scratch).offsetAt(topic, partition, timeUs),
		// What a stage says of its progress is this run's, and is kept in its own log.
		saveLowWater: scratch.saveLowWater,
		lowWater: scratch.lowWater,
		waitForRecord: (topic, partition, offset, signal) =>
			topic === 'trace' ? aborted(signal) : scratch.waitForRecord(topic, partition, offset, signal),
		close: async () => {},
	};
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const aborted = (signal: AbortSignal): Promise<void> =>
	new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener('abort', () => resolve(), { once: true });
	});
