// What an agent has read and nobody has acknowledged yet: the embedded log and store in a folder, bounded, crash-safe, oldest
// kept first. A full spool refuses the new: reading stops.
import { mkdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import type { Durability } from '@affidavit/stream/embedded/sqlite.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, LogRecord, OutRecord, Store } from '@affidavit/stream/ports.ts';
import { type Backlog, createBacklog } from './backlog.ts';
import { openSpoolMark, type SpoolMark } from './spool-mark.ts';

export type SpoolTopic = 'trace' | 'deadletter';
export const spoolTopics: readonly SpoolTopic[] = ['trace', 'deadletter'];

/** The spool's only reader, by whose low water a full spool is trimmed. */
export const forwardStage = 'forward';

/** In the spool's folder; what is no more needed may be removed when the spool is closed. */
export const spoolFiles: readonly string[] = ['log', 'store'].flatMap((name) =>
	['.db', '.db-wal', '.db-shm', '.lock'].map((ending) => `${name}${ending}`),
);

export interface SpoolOptions {
	folder: string;
	/** Bound of the records, sent ones included until they make room. Less where the disk has not so much. */
	bytesMax: number;
	/** Bytes that the folder's disk has left. Default: asked of the system. */
	diskFree?: (folder: string) => Promise<number>;
	durability: Durability;
	/** Boot id of this host. */
	boot: string;
	/** Names a new spool in origins: below 2^31, and another one for each spool of a host. */
	newEpoch: () => number;
	emit: Emit;
	nowMs: () => number;
}

export interface Spool {
	readonly folder: string;
	readonly log: Log;
	readonly store: Store;
	/** Partition number of this spool's origins: a new spool must not use an old one's counters again. */
	readonly epoch: number;
	/** True when there was no spool in the folder. */
	readonly created: boolean;
	/** True when the machine may have lost the spool's last commits: it went down, and commits were not synced to the disk. */
	readonly cutShort: boolean;
	backlog(): Backlog;
	acknowledged(records: readonly LogRecord[]): void;
	/** When the oldest unsent record was spooled, milliseconds since 1970; -1 when everything is sent. */
	oldestUnsentMs(): Promise<number>;
	close(): Promise<void>;
}

/** Rejects with StreamError log-locked or store-locked when another agent uses the folder. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
	const { folder, durability, emit } = options;
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const maxBytes = await boundOnDisk(options);
	const log = openEmbeddedLog({
		folder,
		durability,
		maxBytes,
		emit,
		nowUs: () => options.nowMs() * 1000,
	});
	let store: Store | null = null;
	try {
		store = openEmbeddedStore({ folder, durability, maxBytes });
		// After the lock is taken: another agent's mark is not to be touched.
		const mark = await openSpoolMark(join(folder, 'spool.json'), options.boot, options.newEpoch);
		const backlog = createBacklog();
		for (const topic of spoolTopics) {
			const from = await log.lowWater(forwardStage, topic, 0);
			// A topic without a reader would be trimmed when the log is full.
			await log.saveLowWater(forwardStage, topic, 0, from);
			await countBacklog(log, topic, from, backlog);
		}
		return spoolOf(options, log, store, backlog, mark);
	} catch (error) {
		await store?.close();
		await log.close();
		throw error;
	}
}

/** The rest is for the databases' own overhead, and for others. */
const diskShareMax = 0.75;

/** Sent records leave when the bound is reached, and a disk that is full before takes not even the note that they may. */
async function boundOnDisk({ folder, bytesMax, diskFree = freeOf, emit }: SpoolOptions): Promise<number> {
	let bytes = await diskFree(folder);
	for (const name of spoolFiles) bytes += await sizeOf(join(folder, name));
	const fitting = Math.floor(bytes * diskShareMax);
	if (fitting >= bytesMax) return bytesMax;
	emit({
		name: 'spool_bounded_by_disk',
		stage: 'ingest',
		reason: 'disk-small',
		intentional: false,
		message: `${folder}: the disk has no room for a spool of ${bytesMax} bytes (agent.spoolBytesMax): it takes ${fitting}`,
	});
	return Math.max(1, fitting);
}

async function freeOf(folder: string): Promise<number> {
	const { bavail, bsize } = await statfs(folder);
	return bavail * bsize;
}

async function sizeOf(path: string): Promise<number> {
	try {
		return (await stat(path)).size;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
		throw error;
	}
}

function spoolOf(
	{ folder, durability }: SpoolOptions,
	log: Log,
	store: Store,
	backlog: ReturnType<typeof createBacklog>,
	mark: SpoolMark,
): Spool {
	return {
		folder,
		// Counted where it is appended: nobody else knows how much of the log is unsent.
		log: {
			...log,
			append: async (records) => {
				await log.append(records);
				backlog.add(records.length, bytesOf(records));
			},
		},
		store,
		epoch: mark.epoch,
		created: mark.created,
		cutShort: mark.cutShort && durability === 'process',
		backlog: () => backlog.state(),
		acknowledged: (records) => backlog.remove(records.length, bytesOf(records)),
		async oldestUnsentMs() {
			let oldest = Number.POSITIVE_INFINITY;
			for (const topic of spoolTopics) {
				const from = await log.lowWater(forwardStage, topic, 0);
				const [record] = await log.read(topic, 0, from, { records: 1, bytes: 1 });
				if (record) oldest = Math.min(oldest, record.timestampUs / 1000);
			}
			return Number.isFinite(oldest) ? oldest : -1;
		},
		async close() {
			// Closing folds the write-ahead log into the file and syncs it: only then nothing can be cut short any more.
			await store.close();
			await log.close();
			await mark.closed();
		},
	};
}

const bytesOf = (records: readonly Pick<OutRecord, 'value'>[]): number =>
	records.reduce((sum, record) => sum + record.value.byteLength, 0);

/** Records that are read to learn how large they are, at most; the rest is taken to be like them. */
const sampleRecordsMax = 2000;

async function countBacklog(
	log: Log,
	topic: SpoolTopic,
	from: number,
	backlog: { add(records: number, bytes: number): void },
): Promise<void> {
	const { end } = await log.bounds(topic, 0);
	const records = end - from;
	if (records <= 0) return;
	let seen = 0;
	let bytes = 0;
	for (let at = from; at < end && seen < sampleRecordsMax; ) {
		const read = await log.read(topic, 0, at, { records: 200, bytes: 8 * 1024 * 1024 });
		if (read.length === 0) break;
		seen += read.length;
		bytes += bytesOf(read);
		at = (read.at(-1) as LogRecord).offset + 1;
	}
	backlog.add(records, seen === 0 ? 0 : Math.round((bytes / seen) * records));
}
