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
	/** The partition of topic `trace` that is read, and which offsets of it. */
	partition: number;
	range: OffsetRange;
	/** Records of `trace` that the correlator gets; default all. */
	acceptTrace?: (record: LogRecord) => boolean;
	/** Sessions that are judged; facts of others are not even written. */
	acceptSession: (session: string) => boolean;
	/** How far it is read. */
	onRead?: (offset: number) => void;
}

/** Pages that are read and left out whole before the caller gets a turn. */
const emptyPagesMax = 64;

export function createOverlayLog(options: OverlayOptions): Log {
	const { past, scratch } = options;
	const { from, to } = options.range;
	const check = (partition: number): void => {
		if (partition !== options.partition)
			throw new RangeError(`trace/${partition}: this replay reads partition ${options.partition}`);
	};
	const readTrace: Log['read'] = async (topic, partition, offset, max) => {
		check(partition);
		let at = Math.max(from, offset);
		for (let pages = 0; at < to; pages++) {
			const records = await past.read(topic, partition, at, max);
			const taken: LogRecord[] = [];
			for (const record of records) {
				if (record.offset >= to) break;
				at = record.offset + 1;
				if (options.acceptTrace?.(record) ?? true) taken.push(record);
			}
			options.onRead?.(at);
			if (taken.length > 0) return taken;
			if (records.length === 0 || (records.at(-1) as LogRecord).offset >= to) return [];
			if (pages % emptyPagesMax === emptyPagesMax - 1) await nextTurn();
		}
		return [];
	};
	return {
		partitions: (topic) => (topic === 'trace' ? past : scratch).partitions(topic),
		append: async (records) => {
			const kept = records.filter(({ topic, key }) => topic !== 'session' || options.acceptSession(key));
			if (kept.length > 0) await scratch.append(kept);
		},
		read: (topic, partition, offset, max) =>
			(topic === 'trace' ? readTrace : scratch.read)(topic, partition, offset, max),
		bounds: async (topic, partition) => {
			if (topic !== 'trace') return scratch.bounds(topic, partition);
			check(partition);
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
