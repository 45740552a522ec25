// What every Store must do (ports.ts). Run on each implementation; Redis' will run the same.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StreamError } from '../../src/errors.ts';
import type { Commit, Store } from '../../src/ports.ts';
import { record } from './log.ts';

export type OpenStore = () => Promise<{ store: Store; dispose: () => Promise<void> }>;

const scope = { stage: 'detect', partition: 2 };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const commit = (expectedOffset: number, nextOffset: number, rest: Partial<Commit> = {}): Commit => ({
	expectedOffset,
	nextOffset,
	lowWaterOffset: expectedOffset,
	cells: new Map(),
	appends: [],
	outbox: [],
	...rest,
});
const text = (map: ReadonlyMap<string, Uint8Array>): Record<string, string> =>
	Object.fromEntries([...map].map(([k, v]) => [k, Buffer.from(v).toString()]).sort());
const listed = async (store: Store, list: string, of = scope): Promise<string[]> => {
	const values: string[] = [];
	for await (const value of store.list(of, list)) values.push(Buffer.from(value).toString());
	return values;
};

export function storeContract(name: string, open: OpenStore): void {
	const test = (title: string, body: (store: Store) => Promise<void>): void => {
		it(title, async () => {
			const { store, dispose } = await open();
			try {
				await body(store);
			} finally {
				await dispose();
			}
		});
	};

	describe(`store contract: ${name}`, () => {
		test('knows nothing of a new scope, and says so', async (store) => {
			const state = await store.load(scope);
			assert.deepEqual([state.fresh, state.offset, state.lowWaterOffset], [true, 0, 0]);
			assert.equal(state.cells.size + state.outbox.length, 0);
			assert.equal(await store.lastOutboxId(scope), 0);
			assert.deepEqual(await listed(store, 'none'), []);
		});

		test('commits offset, cells, lists and outbox together', async (store) => {
			const first = commit(0, 5, {
				lowWaterOffset: 3,
				cells: new Map([
					['a', bytes('1')],
					['b', bytes('2')],
				]),
				appends: [
					{ list: 'l', value: bytes('x') },
					{ list: 'l', value: bytes('y') },
				],
				outbox: [record('finding', 'k', 'f', 4, 0), record('verdict', 'k', 'v', 4, 1)],
			});
			assert.deepEqual(await store.commit(scope, first), { kind: 'committed' });
			const state = await store.load(scope);
			assert.deepEqual([state.fresh, state.offset, state.lowWaterOffset], [false, 5, 3]);
			assert.deepEqual(text(state.cells), { a: '1', b: '2' });
			assert.deepEqual(
				state.outbox.map((o) => [o.id, o.topic, o.key, Buffer.from(o.value).toString(), { ...o.origin }]),
				[
					[1, 'finding', 'k', 'f', { stage: 'test', partition: 0, offset: 4, index: 0 }],
					[2, 'verdict', 'k', 'v', { stage: 'test', partition: 0, offset: 4, index: 1 }],
				],
			);
			assert.equal(await store.lastOutboxId(scope), 2);
			assert.deepEqual(await listed(store, 'l'), ['x', 'y']);
		});

		test('changes and removes cells, and keeps those that a commit does not name', async (store) => {
			await store.commit(
				scope,
				commit(0, 1, {
					cells: new Map([
						['a', bytes('1')],
						['b', bytes('2')],
						['c', bytes('')],
					]),
				}),
			);
			await store.commit(
				scope,
				commit(1, 2, {
					cells: new Map<string, Uint8Array | null>([
						['a', null],
						['b', bytes('3')],
						['gone', null],
					]),
				}),
			);
			assert.deepEqual(text((await store.load(scope)).cells), { b: '3', c: '' });
		});

		test('refuses a commit that expects another offset, and changes nothing', async (store) => {
			await store.commit(scope, commit(0, 5, { cells: new Map([['a', bytes('1')]]) }));
			const zombie = commit(3, 9, {
				cells: new Map([['a', bytes('zombie')]]),
				appends: [{ list: 'l', value: bytes('zombie') }],
				outbox: [record('finding', 'k', 'zombie')],
			});
			assert.deepEqual(await store.commit(scope, zombie), { kind: 'fenced', storedOffset: 5 });
			const state = await store.load(scope);
			assert.deepEqual([state.offset, state.outbox.length, text(state.cells)], [5, 0, { a: '1' }]);
			assert.deepEqual(await listed(store, 'l'), []);
			assert.equal(await store.lastOutboxId(scope), 0);
		});

		test('leaves a scope unknown when its first commit is refused', async (store) => {
			assert.deepEqual(await store.commit(scope, commit(1, 2)), { kind: 'fenced', storedOffset: 0 });
			assert.equal((await store.load(scope)).fresh, true);
		});

		test('keeps scopes apart', async (store) => {
			const other = { stage: 'detect', partition: 3 };
			await store.commit(
				scope,
				commit(0, 5, { cells: new Map([['a', bytes('1')]]), appends: [{ list: 'l', value: bytes('x') }] }),
			);
			assert.equal((await store.load(other)).fresh, true);
			assert.deepEqual(await listed(store, 'l', other), []);
			await store.commit(other, commit(0, 1, { outbox: [record('finding', 'k', 'f')] }));
			assert.equal(await store.lastOutboxId(scope), 0);
		});

		test('numbers outbox entries without holes, and forgets them up to an id', async (store) => {
			const three = [record('finding', 'k', '1'), record('finding', 'k', '2'), record('finding', 'k', '3')];
			await store.commit(scope, commit(0, 1, { outbox: three }));
			await store.published(scope, 2, 1);
			assert.deepEqual(
				(await store.load(scope)).outbox.map((o) => o.id),
				[3],
			);
			await store.published(scope, 3, 1);
			await store.commit(scope, commit(1, 2, { outbox: [record('finding', 'k', '4')] }));
			assert.deepEqual(
				(await store.load(scope)).outbox.map((o) => o.id),
				[4],
			);
			assert.equal(await store.lastOutboxId(scope), 4);
		});

		test('lets no zombie forget what its successor has yet to publish', async (store) => {
			await store.commit(scope, commit(0, 1, { outbox: [record('finding', 'k', '1')] }));
			await store.commit(scope, commit(1, 2, { outbox: [record('finding', 'k', '2')] }));
			await store.published(scope, 2, 1);
			assert.deepEqual(
				(await store.load(scope)).outbox.map((o) => o.id),
				[1, 2],
			);
			await store.published({ stage: 'never seen', partition: 0 }, 9, 0);
		});

		test('reads long lists in order, and drops lists', async (store) => {
			const values = Array.from({ length: 500 }, (_, i) => String(i));
			let offset = 0;
			for (let i = 0; i < values.length; i += 50) {
				const appends = values.slice(i, i + 50).map((v) => ({ list: 'long', value: bytes(v) }));
				await store.commit(
					scope,
					commit(offset, ++offset, { appends: [...appends, { list: 'other', value: bytes(String(i)) }] }),
				);
			}
			assert.deepEqual(await listed(store, 'long'), values);
			await store.commit(scope, commit(offset, ++offset, { dropLists: ['long', 'unknown'] }));
			assert.deepEqual(await listed(store, 'long'), []);
			assert.equal((await listed(store, 'other')).length, 10);
			await store.commit(scope, commit(offset, ++offset, { appends: [{ list: 'long', value: bytes('again') }] }));
			assert.deepEqual(await listed(store, 'long'), ['again']);
		});

		test('takes any name and any bytes', async (store) => {
			let offset = 0;
			const expected = new Map<string, Uint8Array>();
			await fc.assert(
				fc.asyncProperty(
					fc.oneof(
						fc.string({ unit: 'binary' }),
						fc.constantFrom('', '__proto__', 'a\ud800', 'a\ud801', 'a\0b', 'a\n'),
					),
					fc.uint8Array({ maxLength: 50 }),
					async (cell, value) => {
						expected.set(cell, value);
						await store.commit(
							scope,
							commit(offset, ++offset, { cells: new Map([[cell, value]]), appends: [{ list: cell, value }] }),
						);
						const { cells } = await store.load(scope);
						assert.equal(cells.size, expected.size);
						for (const [k, v] of expected) assert.deepEqual(Buffer.from(cells.get(k) ?? 'absent'), Buffer.from(v));
						assert.equal((await listed(store, cell)).at(-1), Buffer.from(value).toString());
					},
				),
				{ numRuns: 50 },
			);
		});

		test('rejects what comes after close', async (store) => {
			await store.close();
			await assert.rejects(store.load(scope), (error) => error instanceof StreamError && error.code === 'closed');
			await assert.rejects(
				store.commit(scope, commit(0, 1)),
				(error) => error instanceof StreamError && error.code === 'closed',
			);
		});
	});
}
