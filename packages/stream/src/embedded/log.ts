// The embedded log: one SQLite file, one process, no server. Kafka's semantics (ports.ts) without its cost.
import { createAppendSignal } from '../append-signal.ts';
import { StreamError } from '../errors.ts';
import type { Emit } from '../internal-event.ts';
import { partitionOf } from '../partition.ts';
import type { Log, Origin, OutRecord, Topic } from '../ports.ts';
import { type LowWater, recordBytes, type TrimReason, trimCandidate, trimReasons } from '../retention.ts';
import { fillLimit, type PartitionCounts, partitionCounts, topics } from '../topics.ts';
import { type LogPartition, logSchema, logVersion, openLogPartition } from './log-partition.ts';
import { type Durability, decodeName, encodeName, type OpenDatabase, openDatabase } from './sqlite.ts';

export interface EmbeddedLogOptions {
	/** Holds log.db, log.db-wal and log.lock; made where absent. On a local file system: locks over NFS are not to be trusted. */
	folder: string;
	/** Default `process`. */
	durability?: Durability;
	/** Bound of all records together, bytes. Default 4 GiB. */
	maxBytes?: number;
	/** Of a topic that no stage reads, bytes that stay per partition when the log is full. Default 1/32 of `maxBytes`. */
	unreadBytesKept?: number;
	/** Partitions per topic, 1 where absent. May not shrink or grow once a topic holds records: keys would change place. */
	partitions?: Partial<Record<Topic, number>>;
	emit?: Emit;
	/** The log's clock, microseconds since 1970. Default: the machine's. */
	nowUs?: () => number;
}

/** Throws StreamError: log-locked when another process (or this one) has the folder open, log-corrupt. */
export function openEmbeddedLog(options: EmbeddedLogOptions): Log {
	const maxBytes = options.maxBytes ?? 4 * 1024 ** 3;
	const counts = partitionCounts(options.partitions ?? {});
	const database = openDatabase({
		folder: options.folder,
		name: 'log',
		durability: options.durability ?? 'process',
		// The bound proper is on records; this one stops a runaway file (free pages, row overhead).
		fileBytesMax: maxBytes * 2 + 64 * 1024 ** 2,
		version: logVersion,
		schema: logSchema,
		codes: { locked: 'log-locked', full: 'log-full', corrupt: 'log-corrupt' },
	});
	try {
		const partitions = openPartitions(database, counts);
		return embeddedLog(database, partitions, counts, {
			maxBytes,
			unreadBytesKept: options.unreadBytesKept ?? Math.floor(maxBytes / 32),
			emit: options.emit ?? (() => {}),
			nowUs: options.nowUs ?? (() => Date.now() * 1000),
		});
	} catch (error) {
		database.close();
		throw error;
	}
}

type Partitions = ReadonlyMap<Topic, readonly LogPartition[]>;

interface Bounds {
	maxBytes: number;
	unreadBytesKept: number;
	emit: Emit;
	nowUs: () => number;
}

function embeddedLog(database: OpenDatabase, partitions: Partitions, counts: PartitionCounts, bounds: Bounds): Log {
	const signal = createAppendSignal();
	const all = [...partitions.values()].flat();
	let open = true;
	// Never falls, in any partition, though the clock may be set back: outputs are looked for from their input's time on.
	let newestUs = all.reduce((newest, partition) => Math.max(newest, partition.newestUs()), 0);
	const lowWaters = openLowWaters(database);
	const at = (topic: Topic, partition: number): LogPartition => {
		const found = partitions.get(topic)?.[partition];
		if (!found) throw new RangeError(`${topic}/${partition}: the topic has ${counts(topic)} partitions`);
		return found;
	};
	return {
		partitions: counts,
		append: async (records) => {
			if (records.length === 0) return;
			const trimmed: Trimmed[] = [];
			try {
				database.transact(() => {
					makeRoom(records, all, lowWaters, bounds, trimmed);
					const changed = new Set<LogPartition>(trimmed.map((t) => t.of));
					newestUs = Math.max(newestUs, bounds.nowUs());
					for (const record of records) {
						const target = at(record.topic, partitionOf(record.key, counts(record.topic)));
						target.append(record, newestUs);
						changed.add(target);
					}
					for (const partition of changed) partition.saveCounters();
				});
			} catch (error) {
				if (!(error instanceof StreamError && error.code === 'closed'))
					for (const partition of all) partition.loadCounters();
				throw error;
			}
			reportTrimmed(trimmed, bounds.emit);
			signal.wake(new Set(records.map((r) => r.topic)));
		},
		read: async (topic, partition, offset, max) => database.guard(() => at(topic, partition).read(offset, max)),
		bounds: async (topic, partition) =>
			database.guard(() => {
				const { start, end } = at(topic, partition);
				return { start, end };
			}),
		saveLowWater: async (stage, topic, partition, offset, needed) => {
			at(topic, partition);
			lowWaters.save(stage, topic, partition, { offset, needed: needed ?? offset });
		},
		lowWater: async (stage, topic, partition) => lowWaters.get(stage, topic, partition),
		waitForRecord: async (topic, partition, offset, abort) => {
			while (open && !abort.aborted && at(topic, partition).end <= offset) await signal.wait(topic, abort);
		},
		offsetAt: async (topic, partition, timeUs) => database.guard(() => at(topic, partition).offsetAt(timeUs)),
		close: async () => {
			open = false;
			signal.wakeAll();
			database.close();
		},
	};
}

function openPartitions(database: OpenDatabase, counts: PartitionCounts): Partitions {
	return database.transact(() => {
		const known = database.db.prepare(
			'SELECT max(partition) + 1 AS count, sum(next) AS next FROM partition WHERE topic = ?',
		);
		return new Map(
			topics.map((topic) => {
				const row = known.get(topic);
				const count = row?.['count'] ?? null;
				if (count !== null && count !== counts(topic) && row?.['next'] !== 0)
					throw new StreamError(
						'log-corrupt',
						`partitions.${topic}: ${counts(topic)}, but the log holds records in ${String(count)}: expected the number it was made with`,
					);
				return [topic, Array.from({ length: counts(topic) }, (_, p) => openLogPartition(database.db, topic, p))];
			}),
		);
	});
}

interface LowWaters {
	get(stage: string, topic: Topic, partition: number): number;
	save(stage: string, topic: Topic, partition: number, value: LowWater): void;
	readers(topic: Topic, partition: number): LowWater[];
}

/** Read from memory, written through. */
function openLowWaters(database: OpenDatabase): LowWaters {
	const known = new Map<string, Map<string, LowWater>>();
	const of = (topic: Topic, partition: number): Map<string, LowWater> => {
		const id = `${topic}/${partition}`;
		let stages = known.get(id);
		if (!stages) {
			stages = new Map();
			known.set(id, stages);
		}
		return stages;
	};
	for (const row of database.db.prepare('SELECT * FROM low_water').iterate()) {
		const value = { offset: row['position'] as number, needed: row['needed'] as number };
		of(row['topic'] as Topic, row['partition'] as number).set(decodeName(row['stage']), value);
	}
	const write = database.db.prepare(
		'INSERT OR REPLACE INTO low_water (stage, topic, partition, position, needed) VALUES (?, ?, ?, ?, ?)',
	);
	return {
		get: (stage, topic, partition) => of(topic, partition).get(stage)?.offset ?? 0,
		save: (stage, topic, partition, value) => {
			database.guard(() => write.run(encodeName(stage), topic, partition, value.offset, value.needed));
			of(topic, partition).set(stage, value);
		},
		readers: (topic, partition) => [...of(topic, partition).values()],
	};
}

interface Trimmed {
	of: LogPartition;
	reason: TrimReason;
	records: number;
}

/** Trims what may go when the records do not fit, a little more than needed so that not every append trims; else log-full. */
function makeRoom(
	records: readonly (OutRecord & { origin: Origin })[],
	partitions: readonly LogPartition[],
	lowWaters: LowWaters,
	bounds: Bounds,
	trimmed: Trimmed[],
): void {
	let used = 0;
	for (const partition of partitions) used += partition.bytes;
	let incoming = 0;
	let limit = bounds.maxBytes;
	for (const record of records) {
		incoming += recordBytes(record.key, record.value);
		limit = Math.min(limit, fillLimit(record.topic) * bounds.maxBytes);
	}
	let excess = used + incoming - limit;
	if (excess <= 0) return;
	const slack = bounds.maxBytes / 64;
	for (const reason of trimReasons) {
		for (const partition of partitions) {
			if (excess <= 0) return;
			const view = { ...partition, readers: lowWaters.readers(partition.topic, partition.partition) };
			const candidate = trimCandidate(view, reason, bounds.unreadBytesKept);
			if (!candidate) continue;
			const start = partition.start;
			excess -= partition.trim(candidate.before, excess + slack, candidate.bytesKept);
			if (partition.start > start) trimmed.push({ of: partition, reason, records: partition.start - start });
		}
	}
	if (excess > 0) {
		const largest = partitions.reduce((a, b) => (b.bytes > a.bytes ? b : a));
		throw new StreamError(
			'log-full',
			`the log holds ${used} bytes, ${incoming} more do not fit into ${Math.floor(limit)}; most are in ${largest.topic}/${largest.partition} from offset ${largest.start} on`,
		);
	}
}

function reportTrimmed(trimmed: readonly Trimmed[], emit: Emit): void {
	for (const { of, reason, records } of trimmed)
		emit({
			name: 'log_records_trimmed',
			stage: 'log',
			reason,
			intentional: reason !== 'rebuild-lost',
			count: records,
			message:
				reason === 'rebuild-lost'
					? 'the log is full: records went that an open session needs if the store is lost'
					: 'old records left the log to make room',
			detail: { topic: of.topic, partition: of.partition, start: of.start },
		});
}
