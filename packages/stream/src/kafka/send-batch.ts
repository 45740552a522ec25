// What goes into one produce request: the oldest calls' records, in order, within a bound of bytes. Pure.
import type { Message } from 'kafkajs';

export interface Outgoing {
	/** The topic's name at the broker. */
	name: string;
	/** Of the value. */
	bytes: number;
	message: Message & { partition: number };
}

/** One call of append. */
export interface Job {
	readonly messages: readonly Outgoing[];
	/** How many are acknowledged. */
	done: number;
	/** Milliseconds since 1970. */
	readonly deadline: number;
	/** Up to this index, records are sent one by one: one of them was refused. 1 and nothing done: the call is sent alone. */
	aloneUpTo: number;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
}

export interface Batch {
	/** Messages `from` to `to` of each call. */
	parts: { job: Job; from: number; to: number }[];
	topicMessages: { topic: string; messages: Message[] }[];
	/** Records by `name/partition`. */
	counts: Map<string, number>;
	records: number;
}

/** Far below what the reader's guard lets pass (record-guard.ts). */
const batchRecordsMax = 4096;

/** One record at least, from the head of the queue on. */
export function takeBatch(queue: readonly Job[], bytesMax: number): Batch {
	const batch: Batch = { parts: [], topicMessages: [], counts: new Map(), records: 0 };
	const byName = new Map<string, Message[]>();
	let bytes = 0;
	for (const job of queue) {
		if (batch.parts.length > 0 && job.aloneUpTo > 0) break;
		const until = job.aloneUpTo > job.done && job.aloneUpTo > 1 ? job.done + 1 : job.messages.length;
		let to = job.done;
		for (; to < until; to++) {
			const outgoing = job.messages[to] as Outgoing;
			if (batch.records > 0 && (bytes + outgoing.bytes > bytesMax || batch.records >= batchRecordsMax)) break;
			add(batch, byName, outgoing);
			bytes += outgoing.bytes;
		}
		if (to > job.done) batch.parts.push({ job, from: job.done, to });
		if (to < job.messages.length || job.aloneUpTo > 0) break;
	}
	return batch;
}

function add(batch: Batch, byName: Map<string, Message[]>, { name, message }: Outgoing): void {
	let messages = byName.get(name);
	if (!messages) {
		messages = [];
		byName.set(name, messages);
		batch.topicMessages.push({ topic: name, messages });
	}
	messages.push(message);
	const id = `${name}/${message.partition}`;
	batch.counts.set(id, (batch.counts.get(id) ?? 0) + 1);
	batch.records += 1;
}
