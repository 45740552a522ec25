// The log in memory, for the simulator and for tests: what it holds survives a simulated crash by snapshot and restore.
import { createAppendSignal } from '../append-signal.ts';
import { StreamError } from '../errors.ts';
import type { Emit } from '../internal-event.ts';
import { partitionOf } from '../partition.ts';
import type { Log, LogRecord, Topic } from '../ports.ts';
import { type LowWater, recordBytes, type TrimReason, trimCandidate, trimReasons } from '../retention.ts';
import { fillLimit, partitionCounts, topics } from '../topics.ts';

export interface MemoryLogOptions {
	partitions?: Partial<Record<Topic, number>>;
	/** Default: no bound worth the name. */
	maxBytes?: number;
	unreadBytesKept?: number;
	emit?: Emit;
	/** The log's clock, microseconds since 1970. Default: the machine's. */
	nowUs?: () => number;
}

interface MemoryPartition {
	topic: Topic;
	partition: number;
	start: number;
	bytes: number;
	records: LogRecord[];
	readers: Map<string, LowWater>;
}

/** Opaque. */
export interface LogSnapshot {
	readonly partitions: readonly MemoryPartition[];
}

export interface MemoryLog extends Log {
	snapshot(): LogSnapshot;
	restore(snapshot: LogSnapshot): void;
}

export function createMemoryLog(options: MemoryLogOptions = {}): MemoryLog {
	const counts = partitionCounts(options.partitions ?? {});
	const maxBytes = options.maxBytes ?? Number.MAX_SAFE_INTEGER;
	const kept = options.unreadBytesKept ?? Math.floor(maxBytes / 32);
	const signal = createAppendSignal();
	const nowUs = options.nowUs ?? (() => Date.now() * 1000);
	let open = true;
	let all: MemoryPartition[] = topics.flatMap((topic) =>
		Array.from({ length: counts(topic) }, (_, partition) => emptyPartition(topic, partition)),
	);
	const at = (topic: Topic, partition: number): MemoryPartition => {
		if (!open) throw new StreamError('closed', 'memory log: closed');
		const found = all.find((p) => p.topic === topic && p.partition === partition);
		if (!found) throw new RangeError(`${topic}/${partition}: the topic has ${counts(topic)} partitions`);
		return found;
	};
	return {
		partitions: counts,
		append: async (records) => {
			if (!open) throw new StreamError('closed', 'memory log: closed');
			let incoming = 0;
			let limit = maxBytes;
			for (const record of records) {
				incoming += recordBytes(record.key, record.value);
				limit = Math.min(limit, fillLimit(record.topic) * maxBytes);
			}
			makeRoom(all, incoming, limit, kept, maxBytes / 64, options.emit ?? (() => {}));
			const timestampUs = nowUs();
			for (const { topic, key, value, origin, seal, traceparent } of records) {
				const p = at(topic, partitionOf(key, counts(topic)));
				p.bytes += recordBytes(key, value);
				const offset = p.start + p.records.length;
				// Copied: what was appended does not change with the writer's buffer.
				p.records.push({
					topic,
					partition: p.partition,
					offset,
					key,
					value: new Uint8Array(value),
					timestampUs,
					origin: { ...origin },
					seal: seal ?? null,
					traceparent: traceparent ?? null,
				});
			}
			signal.wake(new Set(records.map((r) => r.topic)));
		},
		read: async (topic, partition, offset, max) => {
			const { records, start } = at(topic, partition);
			const page: LogRecord[] = [];
			let bytes = 0;
			for (
				let i = Math.max(0, offset - start);
				i < records.length && page.length < max.records && bytes < max.bytes;
				i++
			) {
				const record = records[i] as LogRecord;
				page.push(record);
				bytes += record.value.byteLength;
			}
			return page;
		},
		bounds: async (topic, partition) => {
			const { start, records } = at(topic, partition);
			return { start, end: start + records.length };
		},
		saveLowWater: async (stage, topic, partition, offset, needed) => {
			at(topic, partition).readers.set(stage, { offset, needed: needed ?? offset });
		},
		lowWater: async (stage, topic, partition) => at(topic, partition).readers.get(stage)?.offset ?? 0,
		waitForRecord: async (topic, partition, offset, abort) => {
			while (open && !abort.aborted) {
				const { start, records } = at(topic, partition);
				if (start + records.length > offset) return;
				await signal.wait(topic, abort);
			}
		},
		offsetAt: async (topic, partition, timeUs) => {
			const { start, records } = at(topic, partition);
			return records.find((record) => record.timestampUs >= timeUs)?.offset ?? start + records.length;
		},
		close: async () => {
			open = false;
			signal.wakeAll();
		},
		snapshot: () => ({ partitions: all.map(copyPartition) }),
		restore: (snapshot) => {
			all = snapshot.partitions.map(copyPartition);
			signal.wakeAll();
		},
	};
}

const emptyPartition = (topic: Topic, partition: number): MemoryPartition => ({
	topic,
	partition,
	start: 0,
	bytes: 0,
	records: [],
	readers: new Map(),
});

const copyPartition = (p: MemoryPartition): MemoryPartition => ({
	...p,
	records: [...p.records],
	readers: new Map(p.readers),
});

function makeRoom(
	partitions: readonly MemoryPartition[],
	incoming: number,
	limit: number,
	unreadBytesKept: number,
	slack: number,
	emit: Emit,
): void {
	let excess = incoming - limit;
	for (const partition of partitions) excess += partition.bytes;
	if (excess <= 0) return;
	for (const reason of trimReasons)
		for (const p of partitions) {
			if (excess <= 0) return;
			const view = { ...p, end: p.start + p.records.length, readers: [...p.readers.values()] };
			const candidate = trimCandidate(view, reason, unreadBytesKept);
			if (candidate) excess -= trim(p, candidate.before, excess + slack, candidate.bytesKept, reason, emit);
		}
	if (excess > 0) throw new StreamError('log-full', `the log is full: ${excess} bytes do not fit`);
}

function trim(
	p: MemoryPartition,
	before: number,
	bytesWanted: number,
	bytesKept: number,
	reason: TrimReason,
	emit: Emit,
): number {
	let freed = 0;
	let count = 0;
	for (const record of p.records) {
		const bytes = recordBytes(record.key, record.value);
		if (record.offset >= before || freed >= bytesWanted || p.bytes - freed - bytes < bytesKept) break;
		freed += bytes;
		count += 1;
	}
	if (count === 0) return 0;
	p.records.splice(0, count);
	p.start += count;
	p.bytes -= freed;
	emit({
		name: 'log_records_trimmed',
		stage: 'log',
		reason,
		intentional: reason !== 'rebuild-lost',
		count,
		message: 'old records left the log to make room',
		detail: { topic: p.topic, partition: p.partition, start: p.start },
	});
	return freed;
}
