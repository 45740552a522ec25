// A session's fact batches for whoever judges or signs it: from the correlator's list as far as that reaches, else from topic
// `session` (the list's beginning was spilled, or the store was lost). What the batches hold is the reader's to check.
import { chainStart, decodeFactBatch, factHead, sameHead } from '@affidavit/model/facts.ts';
import { partitionOf } from '@affidavit/stream/partition.ts';
import type { Log, Scope, Store } from '@affidavit/stream/ports.ts';
import { refusalOf } from '@affidavit/stream/seal/refusal.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import { sequenceOf } from './fact-sequence.ts';

export interface FactsPorts {
	log: Log;
	store: Store;
	/** Where the log has other writers: a batch that correlate did not seal is no batch. */
	seals?: Seals;
}

export interface ExpectedFacts {
	/** Number of batches of the whole session. */
	batches: number;
	/** sha256 of the last of them. */
	head: Uint8Array;
}

/** Where a session's facts lie. */
export interface FactsHint {
	/** Of correlate's scope. */
	partition: number;
	/** Of the session's first batch in topic `session`. */
	fromOffset: number;
}

const page = { records: 256, bytes: 8 * 1024 ** 2 };

/** How far a reading has come. */
interface Cursor {
	/** Of the next batch. */
	sequence: number;
	/** The batch before it. */
	last: Uint8Array | null;
	/** Next offset of topic `session` to look at; -1 before the first look. */
	offset: number;
}

/**
 * `list` names the facts in the correlator's scope; without `expected` the list is taken as it is when it is not empty.
 * A list that ends early (the store was lost and is being rebuilt, perhaps while it is read) is continued from the topic.
 * With `hint` no other scope is asked, and the topic is read from there on.
 */
export async function* readFacts(
	ports: FactsPorts,
	session: string,
	list: string,
	expected?: ExpectedFacts,
	hint?: FactsHint,
): AsyncGenerator<Uint8Array> {
	const { store } = ports;
	const cursor: Cursor = { sequence: 0, last: null, offset: hint === undefined ? -1 : Math.max(0, hint.fromOffset) };
	const end = expected?.batches ?? Number.POSITIVE_INFINITY;
	const found = await findList(ports, list, expected, hint);
	if (found !== null) {
		if (found.first > 0) yield* fromLog(ports, session, cursor, Math.min(found.first, end));
		// A batch that was spilled meanwhile is missing here: the topic goes on from it.
		for await (const bytes of store.list(found.scope, list, cursor.sequence)) {
			if (cursor.sequence === end || sequenceOf(bytes) !== cursor.sequence) break;
			yield pass(cursor, bytes);
		}
		if (expected === undefined && cursor.sequence >= found.end) return;
	}
	yield* fromLog(ports, session, cursor, end);
}

function pass(cursor: Cursor, bytes: Uint8Array): Uint8Array {
	cursor.sequence += 1;
	cursor.last = bytes;
	return bytes;
}

/** The list that holds the session's facts, or a part of them; null when none does. */
async function findList(
	{ log, store }: FactsPorts,
	list: string,
	expected: ExpectedFacts | undefined,
	hint: FactsHint | undefined,
): Promise<{ scope: Scope; first: number; end: number } | null> {
	const from = hint?.partition ?? 0;
	const to = hint === undefined ? log.partitions('trace') : from + 1;
	for (let partition = from; partition < to; partition++) {
		const scope = { stage: 'correlate', partition };
		const { first, end } = await store.listExtent(scope, list);
		if (end > 0 && (await agrees(store, scope, list, { first, end }, expected))) return { scope, first, end };
	}
	return null;
}

/** False when it has another batch where the last expected one should be. */
async function agrees(
	store: Store,
	scope: Scope,
	list: string,
	{ first, end }: { first: number; end: number },
	expected: ExpectedFacts | undefined,
): Promise<boolean> {
	if (expected === undefined || expected.batches > end || expected.batches <= first) return true;
	for await (const bytes of store.list(scope, list, expected.batches - 1))
		return sameHead(factHead(bytes), expected.head);
	return true;
}

/** Up to batch number `to`. Of several that claim the next number, the first that the one before leads to. */
async function* fromLog(
	{ log, seals }: FactsPorts,
	session: string,
	cursor: Cursor,
	to: number,
): AsyncGenerator<Uint8Array> {
	if (cursor.sequence >= to) return;
	const partition = partitionOf(session, log.partitions('session'));
	const { start, end } = await log.bounds('session', partition);
	cursor.offset = Math.max(cursor.offset, start);
	let head = cursor.last === null ? chainStart : factHead(cursor.last);
	while (cursor.offset < end) {
		const records = await log.read('session', partition, cursor.offset, page);
		if (records.length === 0) return;
		for (const record of records) {
			cursor.offset = record.offset + 1;
			// Appending is at least once: a batch may lie there twice.
			if (record.key !== session || !continues(record.value, cursor.sequence, head)) continue;
			if (refusalOf(log, seals, record) !== null) continue;
			head = factHead(record.value);
			yield pass(cursor, record.value);
			if (cursor.sequence >= to) return;
		}
	}
}

function continues(bytes: Uint8Array, sequence: number, head: Uint8Array): boolean {
	if (sequenceOf(bytes) !== sequence) return false;
	try {
		return sameHead(decodeFactBatch(bytes).link.previous, head);
	} catch {
		return false;
	}
}
