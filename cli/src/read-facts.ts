// A session's fact batches for whoever judges or signs it: from the correlator's list where that is whole, else from topic
// `session` (the store was lost). What the batches hold is the reader's to check against the chain.
import { decodeFactBatch, factHead, sameHead } from '@affidavit/model/facts.ts';
import { partitionOf } from '@affidavit/stream/partition.ts';
import type { Log, Store } from '@affidavit/stream/ports.ts';

export interface ExpectedFacts {
	/** Number of batches of the whole session. */
	batches: number;
	/** sha256 of the last of them. */
	head: Uint8Array;
}

const page = { records: 256, bytes: 8 * 1024 ** 2 };

/**
 * `list` names the facts in the correlator's scope; without `expected` the list is taken as it is when it is not empty.
 * A list that ends early (the store was lost and is being rebuilt, perhaps while it is read) is continued from the topic.
 */
export async function* readFacts(
	{ log, store }: { log: Log; store: Store },
	session: string,
	list: string,
	expected?: ExpectedFacts,
): AsyncGenerator<Uint8Array> {
	let sequence = 0;
	for (let partition = 0; partition < log.partitions('trace') && sequence === 0; partition++) {
		const values = (): AsyncIterable<Uint8Array> => store.list({ stage: 'correlate', partition }, list);
		if (!(await isUsable(values(), expected))) continue;
		for await (const bytes of values()) {
			sequence += 1;
			yield bytes;
			if (sequence === expected?.batches) return;
		}
	}
	if (sequence === 0 || expected !== undefined) yield* fromLog(log, session, sequence);
}

/** False when it is empty, or has another batch where the last expected one should be. */
async function isUsable(values: AsyncIterable<Uint8Array>, expected: ExpectedFacts | undefined): Promise<boolean> {
	let count = 0;
	for await (const bytes of values) {
		if (expected === undefined) return true;
		if (++count === expected.batches) return sameHead(factHead(bytes), expected.head);
	}
	return count > 0;
}

/** From batch number `from` on. */
async function* fromLog(log: Log, session: string, from: number): AsyncGenerator<Uint8Array> {
	const partition = partitionOf(session, log.partitions('session'));
	const { start, end } = await log.bounds('session', partition);
	let sequence = from;
	for (let at = start; at < end; ) {
		const records = await log.read('session', partition, at, page);
		const last = records.at(-1);
		if (!last) return;
		at = last.offset + 1;
		for (const record of records) {
			// Appending is at least once: a batch may lie there twice.
			if (record.key !== session || sequenceOf(record.value) !== sequence) continue;
			sequence += 1;
			yield record.value;
		}
	}
}

function sequenceOf(bytes: Uint8Array): number {
	try {
		return decodeFactBatch(bytes).link.sequence;
	} catch {
		return -1;
	}
}
