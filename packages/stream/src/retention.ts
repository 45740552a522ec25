// What a full log may forget (pure). Kept apart from how: the embedded and the in-memory log ask the same questions.
import type { Topic } from './ports.ts';

/** One stage's claim on a partition. */
export interface LowWater {
	/** What it must read again when its store is lost. */
	offset: number;
	/** What it must read again in any case. */
	needed: number;
}

export type TrimReason =
	/** Below every reader's low water. */
	| 'consumed'
	/** No stage reads the topic: its oldest records beyond the bytes kept for those who look at it. */
	| 'unread'
	/** The log was full and a stage's oldest open state needed this only if its store were lost. */
	| 'rebuild-lost';

export interface TrimCandidate {
	topic: Topic;
	partition: number;
	/** Records before this offset may go. */
	before: number;
	/** Of a partition that no stage reads, this much must stay; 0 for the others. */
	bytesKept: number;
}

export interface PartitionView {
	topic: Topic;
	partition: number;
	end: number;
	readers: readonly LowWater[];
}

/** In the order in which reasons are tried: the next only when the one before did not free enough. */
export const trimReasons: readonly TrimReason[] = ['consumed', 'unread', 'rebuild-lost'];

/** Indicators are state, not a stream: they are never trimmed. */
export function trimCandidate(view: PartitionView, reason: TrimReason, unreadBytesKept: number): TrimCandidate | null {
	const { topic, partition } = view;
	if (topic === 'indicator') return null;
	const read = view.readers.length > 0;
	switch (reason) {
		case 'consumed':
			return read ? { topic, partition, before: min(view.readers, 'offset'), bytesKept: 0 } : null;
		case 'unread':
			return read ? null : { topic, partition, before: view.end, bytesKept: unreadBytesKept };
		case 'rebuild-lost':
			return read ? { topic, partition, before: min(view.readers, 'needed'), bytesKept: 0 } : null;
	}
}

function min(readers: readonly LowWater[], key: keyof LowWater): number {
	let lowest = Number.POSITIVE_INFINITY;
	for (const reader of readers) lowest = Math.min(lowest, reader[key]);
	return lowest;
}

/** Bytes that a record counts for against the bound: its content and what a row costs. */
export const recordBytes = (key: string, value: Uint8Array): number => value.byteLength + 2 * key.length + 64;
