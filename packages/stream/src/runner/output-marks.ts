// How far a stage's own outputs reach in the log. A stage that lost its store works through its input again and must not
// publish again what is there (design 4.2).
import { partitionOf } from '../partition.ts';
import type { Log, LogRecord, Origin, OutRecord, Topic } from '../ports.ts';
import { refusalOf } from '../seal/refusal.ts';
import type { RunnerPorts } from './options.ts';
import { isBeyond, type OriginMark } from './origin-mark.ts';
import { decodeJson, encodeJson } from './reserved-cells.ts';

/** By `topic/partition`: the last own output found there. */
export type OutputMarks = Map<string, OriginMark>;

/** A tail is read back at least this far even after an own record was found: a zombie's late copy may lie behind it. */
const tailRecordsMin = 4096;
const page = { records: 256, bytes: 8 * 1024 ** 2 };

/** How far clocks of brokers may differ, or be set back, between an input and its outputs. */
const clockStepUs = 3_600_000_000;

/**
 * Reads the tails of the topics, back to `sinceUs` (log time of the oldest input whose outputs are asked for) at most; -1: to
 * the beginning. What bears the origin and not its seal says nothing.
 */
export async function recoverOutputMarks(
	ports: Pick<RunnerPorts, 'log' | 'seals'>,
	origin: Pick<Origin, 'stage' | 'partition'>,
	topics: readonly Topic[],
	sinceUs: number,
): Promise<OutputMarks> {
	const marks: OutputMarks = new Map();
	for (const topic of new Set(topics))
		for (let partition = 0; partition < ports.log.partitions(topic); partition++) {
			const mark = await recoverTail(ports, origin, topic, partition, sinceUs);
			if (mark) marks.set(`${topic}/${partition}`, mark);
		}
	return marks;
}

async function recoverTail(
	{ log, seals }: Pick<RunnerPorts, 'log' | 'seals'>,
	own: Pick<Origin, 'stage' | 'partition'>,
	topic: Topic,
	partition: number,
	sinceUs: number,
): Promise<OriginMark | undefined> {
	const bounds = await log.bounds(topic, partition);
	const { end } = bounds;
	const start =
		sinceUs < 0 ? bounds.start : Math.max(bounds.start, await log.offsetAt(topic, partition, sinceUs - clockStepUs));
	let mark: OriginMark | undefined;
	for (let to = end; to > start; ) {
		const from = Math.max(start, to - page.records);
		for (let at = from; at < to; ) {
			const records = await log.read(topic, partition, at, { records: to - at, bytes: page.bytes });
			// From the newest down: one seal is checked where a page holds hundreds of ours.
			for (const record of records.toReversed()) {
				const { origin } = record;
				if (origin === null || origin.stage !== own.stage || origin.partition !== own.partition) continue;
				if (!isBeyond(origin, mark) || !Number.isSafeInteger(origin.offset + 1)) continue;
				if (refusalOf(log, seals, record) === null) mark = { offset: origin.offset, index: origin.index };
			}
			const last = records.at(-1);
			if (!last) break;
			at = last.offset + 1;
		}
		to = from;
		if (mark && end - to >= tailRecordsMin) break;
	}
	return mark;
}

/** The outputs that are not in the log yet. */
export function notYetPublished<R extends OutRecord & { origin: Origin }>(
	log: Log,
	marks: OutputMarks,
	records: readonly R[],
): R[] {
	return records.filter((record) => {
		const partition = partitionOf(record.key, log.partitions(record.topic));
		return isBeyond(record.origin, marks.get(`${record.topic}/${partition}`));
	});
}

/** True when outputs of the input offsets from `offset` on are beyond every mark. */
export function isPassed(marks: OutputMarks, offset: number): boolean {
	for (const mark of marks.values()) if (mark.offset >= offset) return false;
	return true;
}

/** Input offset from which on nothing is published yet. */
export function endOfMarks(marks: OutputMarks): number {
	let end = 0;
	for (const mark of marks.values()) end = Math.max(end, mark.offset + 1);
	return end;
}

export const encodeOutputMarks = (marks: OutputMarks): Uint8Array =>
	encodeJson([...marks].map(([id, { offset, index }]) => [id, offset, index]));

type Entry = [id: string, offset: number, index: number];
const isEntries = (value: unknown): value is Entry[] =>
	Array.isArray(value) &&
	value.every((e) => Array.isArray(e) && typeof e[0] === 'string' && Number.isInteger(e[1]) && Number.isInteger(e[2]));

export const decodeOutputMarks = (cell: string, bytes: Uint8Array): OutputMarks =>
	new Map(decodeJson(cell, bytes, isEntries).map(([id, offset, index]) => [id, { offset, index }]));

/** Reads all records of [from, to) in bounded pages. */
export async function* readRange(
	log: Log,
	topic: Topic,
	partition: number,
	from: number,
	to: number,
): AsyncGenerator<LogRecord[]> {
	for (let at = from; at < to; ) {
		const records = await log.read(topic, partition, at, {
			records: Math.min(page.records, to - at),
			bytes: page.bytes,
		});
		const last = records.at(-1);
		if (!last) return;
		yield records;
		at = last.offset + 1;
	}
}
