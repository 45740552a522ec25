import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyFacts, encodeFactBatch, factHead } from '@affidavit/model/facts.ts';
import { createMemoryLog } from '@affidavit/stream/memory/log.ts';
import { createMemoryStore } from '@affidavit/stream/memory/store.ts';
import type { Store } from '@affidavit/stream/ports.ts';
import { readFacts } from '../src/read-facts.ts';

const session = 'a'.repeat(64);
const batches: Uint8Array[] = [];
let head: Uint8Array = Buffer.alloc(32);
for (let sequence = 0; sequence < 4; sequence++) {
	const batch = encodeFactBatch({ session, sequence, previous: head, watermarkUs: sequence }, emptyFacts());
	batches.push(batch.bytes);
	head = batch.head;
}
const expected = { batches: batches.length, head };

/** Topic `session` holds all; the list only the first `stored`. */
async function world(stored: number): Promise<{ log: ReturnType<typeof createMemoryLog>; store: Store }> {
	const log = createMemoryLog();
	const store = createMemoryStore();
	for (const [index, value] of batches.entries())
		await log.append([
			{ topic: 'session', key: session, value, origin: { stage: 'correlate', partition: 0, offset: index, index: 0 } },
		]);
	await store.commit(
		{ stage: 'correlate', partition: 0 },
		{
			expectedVersion: '',
			nextOffset: 1,
			lowWaterOffset: 1,
			cells: new Map(),
			appends: batches.slice(0, stored).map((value) => ({ list: 'facts', value })),
			outbox: [],
		},
	);
	return { log, store };
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
	const all: Uint8Array[] = [];
	for await (const one of bytes) all.push(one);
	return all;
}

const hex = (list: readonly Uint8Array[]): string[] => list.map((b) => Buffer.from(b).toString('hex'));

describe('readFacts', () => {
	for (let stored = 0; stored <= batches.length; stored++)
		it(`gives the whole session when the list holds ${stored} of ${batches.length} batches`, async () => {
			const read = await collect(readFacts(await world(stored), session, 'facts', expected));
			assert.deepEqual(hex(read), hex(batches));
		});

	it('gives it also when the list is lost while it is read', async () => {
		const { log, store } = await world(batches.length);
		let passes = 0;
		const lossy: Store = {
			...store,
			async *list(scope, name) {
				let left = ++passes === 1 ? batches.length : 2;
				for await (const bytes of store.list(scope, name)) if (left-- > 0) yield bytes;
			},
		};
		const read = await collect(readFacts({ log, store: lossy }, session, 'facts', expected));
		assert.deepEqual(hex(read), hex(batches));
	});

	it('ends where it is expected to, though the list goes on', async () => {
		const shorter = { batches: 2, head: factHead(batches[1] as Uint8Array) };
		const { log, store } = await world(batches.length);
		const read = await collect(readFacts({ log, store }, session, 'facts', shorter));
		assert.deepEqual(hex(read), hex(batches.slice(0, 2)));
	});
});
