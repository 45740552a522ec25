// Any committers at once, and any sequence of commits, on the Redis that all tests share.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createMemoryStore } from '../../src/memory/store.ts';
import type { Store } from '../../src/ports.ts';
import {
	bytes,
	closeStores,
	commitOf,
	freshPrefix,
	listed,
	openStore,
	type RedisStore,
	removeKeys,
	versionOf,
} from './support.ts';

const url = process.env['REDIS_URL'] ?? '';

describe('store on a single Redis, whatever is committed', {
	skip: !url && 'REDIS_URL is not set (npm test starts a Redis)',
}, () => {
	const prefix = freshPrefix();
	let store: RedisStore;
	let partition = 0;
	const next = () => ({ stage: 'correlate', partition: partition++ });
	const open = (): Promise<RedisStore> => openStore({ url, keyPrefix: prefix });

	before(async () => {
		store = await open();
	});
	after(async () => {
		await closeStores();
		await removeKeys(url, prefix);
	});

	it('lets exactly one of many win each version', async () => {
		const others = await Promise.all([1, 2, 3].map(() => open()));
		const stores: Store[] = [store, ...others];
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.array(fc.nat(3), { minLength: 2, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
				async (rounds) => {
					const of = next();
					let version = '';
					for (const [round, committers] of rounds.entries()) {
						const results = await Promise.all(
							committers.map((c, i) =>
								(stores[c] as Store).commit(
									of,
									commitOf(version, round + 1, { appends: [{ list: 'l', value: bytes(`${round}/${i}`) }] }),
								),
							),
						);
						const winners = results.filter((r) => r.kind === 'committed');
						assert.equal(winners.length, 1);
						for (const r of results) if (r.kind === 'fenced') assert.equal(r.storedOffset, round + 1);
						version = versionOf(winners[0] as never);
					}
					assert.equal((await store.load(of)).version, version);
					assert.equal((await listed(store, 'l', 0, of)).length, rounds.length);
				},
			),
			{ numRuns: 20 },
		);
	});

	it('loads what the memory store loads, after any sequence of commits', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(commitShape, { maxLength: 12 }), async (shapes) => {
				const of = next();
				const memory = createMemoryStore();
				const reader = await open();
				let versions = ['', ''] as [string, string];
				for (const [i, shape] of shapes.entries()) {
					const { publish, stale, ...commit } = shape;
					const results = await Promise.all(
						[store, memory].map((s, n) =>
							(s as Store).commit(of, { ...commit, expectedVersion: stale ? 'stale' : (versions[n] as string) }),
						),
					);
					assert.deepEqual(
						results.map((r) => r.kind),
						stale ? ['fenced', 'fenced'] : ['committed', 'committed'],
					);
					if (!stale) versions = results.map((r) => versionOf(r)) as [string, string];
					if (publish !== null) {
						await store.published(of, publish, versions[0]);
						await memory.published(of, publish, versions[1]);
					}
					if (i % 3 === 0) assert.deepEqual(comparable(await store.load(of)), comparable(await memory.load(of)));
				}
				assert.deepEqual(comparable(await store.load(of)), comparable(await memory.load(of)));
				assert.deepEqual(comparable(await reader.load(of)), comparable(await memory.load(of)));
				assert.equal(await store.lastOutboxId(of), await memory.lastOutboxId(of));
				for (const list of names)
					assert.deepEqual(await listed(store, list, 0, of), await listed(memory, list, 0, of), JSON.stringify(list));
				await reader.close();
			}),
			{ numRuns: 60 },
		);
	});
});

const names = ['', 'a', 'b\ud800', '__proto__'];
const value = fc.uint8Array({ maxLength: 40 });
const commitShape = fc.record({
	nextOffset: fc.nat(1000),
	lowWaterOffset: fc.nat(1000),
	cells: fc.array(fc.tuple(fc.constantFrom(...names), fc.option(value))).map((cells) => new Map(cells)),
	appends: fc.array(fc.record({ list: fc.constantFrom(...names), value }), { maxLength: 4 }),
	expireLists: fc.array(fc.record({ list: fc.constantFrom(...names), afterMs: fc.constantFrom(0, 1e9) }), {
		maxLength: 1,
	}),
	outbox: fc.array(
		fc.record({
			topic: fc.constantFrom('finding', 'verdict'),
			key: fc.constantFrom(...names),
			value,
			origin: fc.record({
				stage: fc.constantFrom(...names),
				partition: fc.nat(9),
				offset: fc.nat(99),
				index: fc.nat(9),
			}),
		}),
		{ maxLength: 4 },
	),
	publish: fc.option(fc.nat(20)),
	stale: fc.boolean().map((b) => b),
});

const comparable = ({ cells, outbox, version, ...rest }: Awaited<ReturnType<Store['load']>>) => ({
	...rest,
	hasVersion: version !== '',
	cells: [...cells].map(([k, v]) => [k, Buffer.from(v).toString('hex')]).sort(),
	outbox: outbox.map((o) => ({ ...o, value: Buffer.from(o.value).toString('hex'), origin: { ...o.origin } })),
});
