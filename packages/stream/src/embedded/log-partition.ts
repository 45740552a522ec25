// One partition of the embedded log: its table, its statements, its counters.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LogRecord, Origin, OutRecord, Topic } from '../ports.ts';
import { recordBytes } from '../retention.ts';
import { decodeName, encodeName } from './sqlite.ts';

export interface LogPartition {
	readonly topic: Topic;
	readonly partition: number;
	/** First and next offset, and the bytes in between, as of the transaction under way. */
	start: number;
	end: number;
	bytes: number;
	append(record: OutRecord & { origin: Origin }, timestampUs: number): void;
	/** Timestamp of the newest record; 0 when there is none. */
	newestUs(): number;
	/** Offset of the first record with a timestamp of `timeUs` or later; `end` when there is none. */
	offsetAt(timeUs: number): number;
	read(offset: number, max: { records: number; bytes: number }): LogRecord[];
	/** Deletes oldest records below `before` while fewer than `bytesWanted` are freed and more than `bytesKept` stay; the bytes freed. */
	trim(before: number, bytesWanted: number, bytesKept: number): number;
	/** Writes the counters; part of every transaction that changed them. */
	saveCounters(): void;
	/** Takes the counters from the database again, after a rollback. */
	loadCounters(): void;
}

/** Raised when the tables change shape. */
export const logVersion = 2;

export const logSchema = `
	CREATE TABLE partition (topic TEXT NOT NULL, partition INTEGER NOT NULL, start INTEGER NOT NULL, next INTEGER NOT NULL,
		bytes INTEGER NOT NULL, PRIMARY KEY (topic, partition)) STRICT, WITHOUT ROWID;
	CREATE TABLE low_water (stage ANY NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
		needed INTEGER NOT NULL, PRIMARY KEY (topic, partition, stage)) STRICT, WITHOUT ROWID`;

/** Reading alone, for who may not write. */
export interface RecordReader {
	read(offset: number, max: { records: number; bytes: number }): LogRecord[];
	/** As the owner has committed them last. */
	bounds(): { start: number; end: number };
	offsetAt(start: number, end: number, timeUs: number): number;
}

const tableOf = (topic: Topic, partition: number): string => `records_${topic}_${partition}`;
const selectRecords = (table: string): string => `SELECT * FROM ${table} WHERE position >= ? ORDER BY position LIMIT ?`;
const selectTimestamp = (table: string): string => `SELECT timestamp FROM ${table} WHERE position = ?`;

/** `topic` is of the closed list, so that it may be part of a table's name. */
export function openRecordReader(db: DatabaseSync, topic: Topic, partition: number): RecordReader {
	const table = tableOf(topic, partition);
	const select = db.prepare(selectRecords(table));
	const timestamp = db.prepare(selectTimestamp(table));
	const counters = db.prepare('SELECT start, next FROM partition WHERE topic = ? AND partition = ?');
	return {
		read: (offset, max) => readRows(select, topic, partition, offset, max),
		bounds: () => {
			const row = counters.get(topic, partition);
			return { start: Number(row?.['start'] ?? 0), end: Number(row?.['next'] ?? 0) };
		},
		offsetAt: (start, end, timeUs) => firstFrom(timestamp, start, end, timeUs),
	};
}

/** Opens (and creates where new) a partition. `topic` is of the closed list, so that it may be part of a table's name. */
export function openLogPartition(db: DatabaseSync, topic: Topic, partition: number): LogPartition {
	const table = tableOf(topic, partition);
	// A table per partition: appends go to the right edge of one b-tree, and the key is the offset alone.
	db.exec(`CREATE TABLE IF NOT EXISTS ${table} (position INTEGER PRIMARY KEY, key ANY NOT NULL, value BLOB NOT NULL,
		origin_stage ANY NOT NULL, origin_partition INTEGER NOT NULL, origin_offset INTEGER NOT NULL,
		origin_index INTEGER NOT NULL, timestamp INTEGER NOT NULL) STRICT`);
	db.prepare('INSERT OR IGNORE INTO partition VALUES (?, ?, 0, 0, 0)').run(topic, partition);
	const counters = db.prepare('SELECT start, next, bytes FROM partition WHERE topic = ? AND partition = ?');
	const save = db.prepare('UPDATE partition SET start = ?, next = ?, bytes = ? WHERE topic = ? AND partition = ?');
	const insert = db.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
	const select = db.prepare(selectRecords(table));
	const sizes = db.prepare(`SELECT position, key, length(value) AS size FROM ${table} ORDER BY position`);
	const timestamp = db.prepare(selectTimestamp(table));
	const remove = db.prepare(`DELETE FROM ${table} WHERE position < ?`);
	const self: LogPartition = {
		topic,
		partition,
		start: 0,
		end: 0,
		bytes: 0,
		append: (record, timestampUs) => {
			const { origin } = record;
			insert.run(
				self.end,
				encodeName(record.key),
				record.value,
				encodeName(origin.stage),
				origin.partition,
				origin.offset,
				origin.index,
				timestampUs,
			);
			self.end += 1;
			self.bytes += recordBytes(record.key, record.value);
		},
		newestUs: () => Number(timestamp.get(self.end - 1)?.['timestamp'] ?? 0),
		offsetAt: (timeUs) => firstFrom(timestamp, self.start, self.end, timeUs),
		read: (offset, max) => readRows(select, topic, partition, offset, max),
		trim: (before, bytesWanted, bytesKept) => trimRows(self, sizes, remove, before, bytesWanted, bytesKept),
		saveCounters: () => {
			save.run(self.start, self.end, self.bytes, topic, partition);
		},
		loadCounters: () => {
			const row = counters.get(topic, partition);
			if (!row) throw new Error(`no counters of ${topic}/${partition}`);
			self.start = Number(row['start']);
			self.end = Number(row['next']);
			self.bytes = Number(row['bytes']);
		},
	};
	self.loadCounters();
	return self;
}

/** Binary search: offsets have no holes, timestamps never fall. */
function firstFrom(timestamp: StatementSync, start: number, end: number, timeUs: number): number {
	let low = start;
	let high = end;
	while (low < high) {
		const middle = Math.floor((low + high) / 2);
		if (Number(timestamp.get(middle)?.['timestamp']) >= timeUs) high = middle;
		else low = middle + 1;
	}
	return low;
}

function readRows(
	select: StatementSync,
	topic: Topic,
	partition: number,
	offset: number,
	max: { records: number; bytes: number },
): LogRecord[] {
	const records: LogRecord[] = [];
	let bytes = 0;
	for (const row of select.iterate(offset, max.records)) {
		const value = row['value'] as Uint8Array;
		records.push({
			topic,
			partition,
			offset: row['position'] as number,
			key: decodeName(row['key']),
			value,
			timestampUs: row['timestamp'] as number,
			origin: {
				stage: decodeName(row['origin_stage']),
				partition: row['origin_partition'] as number,
				offset: row['origin_offset'] as number,
				index: row['origin_index'] as number,
			},
			seal: null,
			traceparent: null,
		});
		bytes += value.byteLength;
		if (bytes >= max.bytes) break;
	}
	return records;
}

function trimRows(
	self: LogPartition,
	sizes: StatementSync,
	remove: StatementSync,
	before: number,
	bytesWanted: number,
	bytesKept: number,
): number {
	let freed = 0;
	let first = self.start;
	if (before > first && bytesWanted > 0) {
		for (const row of sizes.iterate()) {
			const position = row['position'] as number;
			const bytes = (row['size'] as number) + recordBytes(decodeName(row['key']), noBytes);
			if (position >= before || freed >= bytesWanted || self.bytes - freed - bytes < bytesKept) break;
			freed += bytes;
			first = position + 1;
		}
	}
	if (first === self.start) return 0;
	remove.run(first);
	self.start = first;
	self.bytes -= freed;
	return freed;
}

const noBytes = new Uint8Array(0);
