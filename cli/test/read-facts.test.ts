import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyFacts, encodeFactBatch, factHead } from '@affidavit/model/facts.ts';
import { createMemoryLog } from '@affidavit/stream/memory/log.ts';
import { createMemoryStore } from '@affidavit/stream/memory/store.ts';
import type { Store } from '@affidavit/stream/ports.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import { sequenceOf } from '../src/fact-sequence.ts';
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

const scope = { stage: 'correlate', partition: 0 };

/** Topic `session` holds all; the list only the first `stored`, those before `spilled` excepted. */
async function world(
	stored: number,
	spilled = 0,
): Promise<{ log: ReturnType<typeof createMemoryLog>; store: ReturnType<typeof createMemoryStore> }> {
	const log = createMemoryLog();
	const store = createMemoryStore({ listBytesMax: spilled === 0 ? 1e9 : 1 });
	for (const [index, value] of batches.entries())
		await log.append([
			{ topic: 'session', key: session, value, origin: { stage: 'correlate', partition: 0, offset: index, index: 0 } },
		]);
	await append(store, batches.slice(0, spilled));
	await append(store, batches.slice(spilled, stored));
	assert.deepEqual(await store.listExtent(scope, 'facts'), { first: stored === 0 ? 0 : spilled, end: stored });
	return { log, store };
}

async function append(store: Store, values: readonly Uint8Array[]): Promise<void> {
	await store.commit(scope, {
		expectedVersion: (await store.load(scope)).version,
		nextOffset: 1,
		lowWaterOffset: 1,
		cells: new Map(),
		appends: values.map((value) => ({ list: 'facts', value })),
		outbox: [],
	});
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
			async *list(scope, name, from) {
				let left = ++passes === 1 ? batches.length : 2;
				for await (const bytes of store.list(scope, name, from)) if (left-- > 0) yield bytes;
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

	for (let spilled = 1; spilled < batches.length; spilled++)
		it(`takes the first ${spilled} from the topic when the list has spilled them`, async () => {
			const ports = await world(batches.length, spilled);
			for (const hint of [undefined, { partition: 0, fromOffset: 0 }])
				for (const end of [expected, undefined])
					assert.deepEqual(hex(await collect(readFacts(ports, session, 'facts', end, hint))), hex(batches));
		});

	it('gives it also when the list spills while it is read', async () => {
		const { log, store } = await world(batches.length);
		const spilling: Store = {
			...store,
			async *list(scope, name, from) {
				for await (const bytes of store.list(scope, name, from))
					if (!hex([bytes]).includes(hex(batches)[2] ?? '')) yield bytes;
			},
		};
		assert.deepEqual(hex(await collect(readFacts({ log, store: spilling }, session, 'facts', expected))), hex(batches));
		assert.deepEqual(hex(await collect(readFacts({ log, store: spilling }, session, 'facts'))), hex(batches));
	});

	it('passes over a list that is another session’s', async () => {
		const { log, store } = await world(0);
		await append(
			store,
			batches.map((_, n) => Buffer.from(batches[(n + 1) % batches.length] as Uint8Array)),
		);
		assert.deepEqual(hex(await collect(readFacts({ log, store }, session, 'facts', expected))), hex(batches));
	});

	it('reads each value once, and with a hint asks one scope and no more of the log than there is from it on', async () => {
		const { log, store } = await world(batches.length, 2);
		const values: string[] = [];
		const asked: number[] = [];
		const offsets: number[] = [];
		const ports = {
			log: {
				...log,
				partitions: () => 64,
				read: (...args: Parameters<typeof log.read>) => {
					offsets.push(args[2]);
					return log.read(args[0], 0, args[2], args[3]);
				},
				bounds: () => log.bounds('session', 0),
			},
			store: {
				...store,
				listExtent: (...args: Parameters<typeof store.listExtent>) => {
					asked.push(args[0].partition);
					return store.listExtent(...args);
				},
				async *list(...args: Parameters<typeof store.list>) {
					for await (const bytes of store.list(...args)) {
						values.push(...hex([bytes]));
						yield bytes;
					}
				},
			},
		};
		const read = await collect(readFacts(ports, session, 'facts', expected, { partition: 0, fromOffset: 0 }));
		assert.deepEqual(hex(read), hex(batches));
		assert.deepEqual(asked, [0]);
		assert.deepEqual(offsets, [0]);
		// The last one is looked at first, to know the list for the session's.
		assert.deepEqual(values, [...hex(batches).slice(-1), ...hex(batches).slice(2)]);
	});

	it('takes no batch from the topic that correlate did not seal', async () => {
		const { log, store } = await world(0);
		const forged = encodeFactBatch(
			{ session, sequence: 1, previous: factHead(batches[0] as Uint8Array), watermarkUs: 99 },
			emptyFacts(),
		);
		const sealed = createMemoryLog();
		const { start, end } = await log.bounds('session', 0);
		const origin = { stage: 'correlate', partition: 0, offset: 99, index: 0 };
		for (let offset = start; offset < end; offset++) {
			const [record] = await log.read('session', 0, offset, { records: 1, bytes: 1 });
			if (!record?.origin) throw new Error('expected a record');
			await sealed.append([
				{ ...record, origin: record.origin, seal: { keyId: 'k', signature: Buffer.alloc(1) }, traceparent: '' },
			]);
			if (offset === start) await sealed.append([{ topic: 'session', key: session, value: forged.bytes, origin }]);
		}
		const seals: Seals = {
			seal: () => assert.fail(),
			sealAll: () => assert.fail(),
			check: ({ seal }) => (seal === null ? { code: 'unsealed', message: '' } : null),
		};
		const read = await collect(readFacts({ log: sealed, store, seals }, session, 'facts', expected));
		assert.deepEqual(hex(read), hex(batches));
		const fooled = await collect(readFacts({ log: sealed, store }, session, 'facts', expected));
		assert.notDeepEqual(hex(fooled), hex(batches));
	});
});

describe('sequenceOf', () => {
	it('tells the number of any batch, and -1 of what is too short', () => {
		for (const sequence of [0, 1, 63, 64, 8191, 8192, 1e6, 2 ** 40]) {
			const { bytes } = encodeFactBatch({ session, sequence, previous: head, watermarkUs: 1 }, emptyFacts());
			assert.equal(sequenceOf(bytes), sequence);
		}
		for (let length = 0; length < 5 + 2 + 64; length++)
			assert.equal(sequenceOf((batches[3] as Uint8Array).subarray(0, length)), -1);
		assert.equal(sequenceOf(Buffer.alloc(200, 0xff)), -1);
	});
});
