// One fetch from one broker, as records and where each partition goes on. Pure but for the call itself.
import type { Broker } from 'kafkajs';
import type { LogRecord, Topic } from '../ports.ts';
import { withBudget } from './fetch-budget.ts';
import type { WireFrames } from './options.ts';
import { toLogRecord, type WireMessage } from './wire.ts';

export interface FetchTarget {
	topic: Topic;
	/** The topic's name at the broker. */
	name: string;
	partition: number;
	offset: number;
	bytes: number;
}

export interface Fetched {
	target: FetchTarget;
	records: LogRecord[];
	/** Where to read on: after the last batch, holes at its end included. The asked offset when nothing came. */
	next: number;
	/** Offset of the record that will be written next. */
	end: number;
}

interface FetchedMessage extends WireMessage {
	isControlRecord?: boolean;
	batchContext?: { firstOffset: string; lastOffsetDelta: number };
}

interface FetchResponse {
	responses: {
		topicName: string;
		partitions: { partition: number; highWatermark: string; messages: FetchedMessage[] }[];
	}[];
}

export interface FetchLimits {
	/** How long the broker may wait for something to give, milliseconds. */
	waitMs: number;
	/** All partitions together; the first batch of a partition passes in any case. */
	bytes: number;
	/** What one batch may grow to. */
	batchBytesMax: number;
}

/** Aborted and unfinished transactions are read like anything else: no writer of ours uses them, and a foreign open one must not stop a stage. */
const readUncommitted = 0;

export async function fetchFrom(
	broker: Broker,
	targets: readonly FetchTarget[],
	limits: FetchLimits,
	frames: WireFrames,
): Promise<Fetched[]> {
	const response = (await withBudget(limits.bytes, limits.batchBytesMax, () =>
		broker.fetch({
			maxWaitTime: limits.waitMs,
			minBytes: 1,
			maxBytes: limits.bytes,
			isolationLevel: readUncommitted,
			topics: byTopic(targets),
		}),
	)) as FetchResponse;
	const fetched: Fetched[] = [];
	for (const { topicName, partitions } of response.responses)
		for (const { partition, highWatermark, messages } of partitions) {
			const target = targets.find((t) => t.name === topicName && t.partition === partition);
			if (target) fetched.push(await readMessages(target, messages, Number(highWatermark), frames));
		}
	return fetched;
}

function byTopic(targets: readonly FetchTarget[]) {
	const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
	for (const { name, partition, offset, bytes } of targets) {
		const partitions = topics.get(name) ?? [];
		topics.set(name, partitions);
		partitions.push({ partition, fetchOffset: String(offset), maxBytes: bytes });
	}
	return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}

async function readMessages(
	target: FetchTarget,
	messages: readonly FetchedMessage[],
	end: number,
	frames: WireFrames,
): Promise<Fetched> {
	const { topic, partition, offset } = target;
	// A batch is given out whole, also where the asked offset lies in its middle.
	const wanted = messages.filter((m) => Number(m.offset) >= offset && m.isControlRecord !== true);
	if (frames.prepare && wanted.length > 0)
		await frames.prepare(
			topic,
			wanted.flatMap((m) => (m.value === null || m.value.length === 0 ? [] : [m.value])),
		);
	const records = wanted.map((message) => toLogRecord(topic, partition, message, frames));
	return { target, records, next: Math.max(offset, endOf(messages.at(-1))), end };
}

/** Compaction may have taken a batch's last records: its header still says where it ends. */
function endOf(last: FetchedMessage | undefined): number {
	if (last === undefined) return 0;
	const after = Number(last.offset) + 1;
	if (last.batchContext === undefined) return after;
	return Math.max(after, Number(last.batchContext.firstOffset) + last.batchContext.lastOffsetDelta + 1);
}
