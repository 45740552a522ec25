// What every Store must do (ports.ts). Run on each implementation; Redis' will run the same.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { StreamError } from '../../src/errors.ts';
import type { Commit, Store } from '../../src/ports.ts';
import { record } from './log.ts';

/** `pass` lets that many milliseconds of the store's clock pass; without it they are waited for. */
export type OpenStore = () => Promise<{
	store: Store;
	dispose: () => Promise<void>;
	pass?: (ms: number) => Promise<void>;
}>;

const scope = { stage: 'detect', partition: 2 };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const commit = (expectedVersion: string, nextOffset: number, rest: Partial<Commit> = {}): Commit => ({
	expectedVersion,
	nextOffset,
	lowWaterOffset: 0,
	cells: new Map(),
	appends: [],
	outbox: [],
	...rest,
});
/** Commits on top of what is there; the new version. */
const committed = async (store: Store, nextOffset: number, rest: Partial<Commit> = {}, of = scope): Promise<string> => {
	const result = await store.commit(of, commit((await store.load(of)).version, nextOffset, rest));
	assert.equal(result.kind, 'committed');
	return result.kind === 'committed' ? result.version : '';
};
const text = (map: ReadonlyMap<string, Uint8Array>): Record<string, string> =>
	Object.fromEntries([...map].map(([k, v]) => [k, Buffer.from(v).toString()]).sort());
const listed = async (store: Store, list: string, of = scope, from?: number): Promise<string[]> => {
	const values: string[] = [];
	for await (const value of store.list(of, list, from)) values.push(Buffer.from(value).toString());
	return values;
};

export function storeContract(name: string, open: OpenStore): void {
	const test = (title: string, body: (store: Store, pass: (ms: number) => Promise<void>) => Promise<void>): void => {
		it(title, async () => {
			const { store, dispose, pass } = await open();
			try {
				await body(store, pass ?? ((ms) => delay(ms)));
			} finally {
				await dispose();
			}
		});
	};

	describe(`store contract: ${name}`, () => {
		test('knows nothing of a new scope, and says so', async (store) => {
			const state = await store.load(scope);
			assert.deepEqual([state.fresh, state.offset, state.version, state.lowWaterOffset], [true, 0, '', 0]);
			assert.equal(state.cells.size + state.outbox.length, 0);
			assert.equal(await store.lastOutboxId(scope), 0);
			assert.deepEqual(await listed(store, 'none'), []);
			assert.deepEqual(await store.listExtent(scope, 'none'), { first: 0, end: 0 });
		});

		test('commits offset, cells, lists and outbox together', async (store) => {
			const first = commit('', 5, {
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
			const result = await store.commit(scope, first);
			const state = await store.load(scope);
			assert.deepEqual(result, { kind: 'committed', version: state.version });
			assert.notEqual(state.version, '');
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
			assert.deepEqual(await store.listExtent(scope, 'l'), { first: 0, end: 2 });
		});

		test('changes and removes cells, and keeps those that a commit does not name', async (store) => {
			await committed(store, 1, {
				cells: new Map([
					['a', bytes('1')],
					['b', bytes('2')],
					['c', bytes('')],
				]),
			});
			await committed(store, 2, {
				cells: new Map<string, Uint8Array | null>([
					['a', null],
					['b', bytes('3')],
					['gone', null],
				]),
			});
			assert.deepEqual(text((await store.load(scope)).cells), { b: '3', c: '' });
		});

		test('refuses a commit that expects another version, and changes nothing', async (store) => {
			const before = await committed(store, 3);
			const version = await committed(store, 5, { cells: new Map([['a', bytes('1')]]) });
			const late = {
				cells: new Map([['a', bytes('zombie')]]),
				appends: [{ list: 'l', value: bytes('zombie') }],
				outbox: [record('finding', 'k', 'zombie')],
			};
			for (const stale of ['', before, `${version}x`, 'never given out'])
				assert.deepEqual(await store.commit(scope, commit(stale, 9, late)), { kind: 'fenced', storedOffset: 5 });
			const state = await store.load(scope);
			assert.deepEqual([state.offset, state.version, state.outbox.length], [5, version, 0]);
			assert.deepEqual(text(state.cells), { a: '1' });
			assert.deepEqual(await listed(store, 'l'), []);
			assert.equal(await store.lastOutboxId(scope), 0);
		});

		test('gives out no version twice, though the offset stands still or goes back', async (store) => {
			const versions = new Set<string>();
			for (const offset of [1, 1, 2, 1, 2, 0]) versions.add(await committed(store, offset));
			versions.add(await committed(store, 1, {}, { stage: 'other', partition: 0 }));
			assert.equal(versions.size, 7);
			assert.equal((await store.load(scope)).offset, 0);
		});

		test('leaves a scope unknown when its first commit is refused', async (store) => {
			assert.deepEqual(await store.commit(scope, commit('1', 2)), { kind: 'fenced', storedOffset: 0 });
			assert.equal((await store.load(scope)).fresh, true);
		});

		test('keeps scopes apart', async (store) => {
			const other = { stage: 'detect', partition: 3 };
			await committed(store, 5, {
				cells: new Map([['a', bytes('1')]]),
				appends: [{ list: 'l', value: bytes('x') }],
			});
			assert.equal((await store.load(other)).fresh, true);
			assert.deepEqual(await listed(store, 'l', other), []);
			await committed(store, 1, { outbox: [record('finding', 'k', 'f')] }, other);
			assert.equal(await store.lastOutboxId(scope), 0);
		});

		test('numbers outbox entries without holes, and forgets them up to an id', async (store) => {
			const three = [record('finding', 'k', '1'), record('finding', 'k', '2'), record('finding', 'k', '3')];
			const version = await committed(store, 1, { outbox: three });
			await store.published(scope, 2, version);
			assert.deepEqual(
				(await store.load(scope)).outbox.map((o) => o.id),
				[3],
			);
			await store.published(scope, 3, version);
			await committed(store, 2, { outbox: [record('finding', 'k', '4')] });
			assert.deepEqual(
				(await store.load(scope)).outbox.map((o) => o.id),
				[4],
			);
			assert.equal(await store.lastOutboxId(scope), 4);
		});

		test('lets no zombie forget what its successor has yet to publish', async (store) => {
			const version = await committed(store, 1, { outbox: [record('finding', 'k', '1')] });
			// As far as the zombie: the offset alone would not tell them apart.
			await committed(store, 1, { outbox: [record('finding', 'k', '2')] });
			await store.published(scope, 2, version);
			await store.published(scope, 2, '');
			assert.deepEqual(
				(await store.load(scope)).outbox.map((o) => o.id),
				[1, 2],
			);
			await store.published({ stage: 'never seen', partition: 0 }, 9, '');
		});

		test('reads long lists in order, and drops lists', async (store) => {
			const values = Array.from({ length: 500 }, (_, i) => String(i));
			let offset = 0;
			for (let i = 0; i < values.length; i += 50) {
				const appends = values.slice(i, i + 50).map((v) => ({ list: 'long', value: bytes(v) }));
				await committed(store, ++offset, { appends: [...appends, { list: 'other', value: bytes(String(i)) }] });
			}
			assert.deepEqual(await listed(store, 'long'), values);
			assert.deepEqual(await listed(store, 'long', scope, 123), values.slice(123));
			assert.deepEqual(await listed(store, 'long', scope, 500), []);
			assert.deepEqual(await store.listExtent(scope, 'long'), { first: 0, end: 500 });
			await committed(store, ++offset, {
				expireLists: [
					{ list: 'long', afterMs: 0 },
					{ list: 'unknown', afterMs: 0 },
				],
			});
			assert.deepEqual(await listed(store, 'long'), []);
			assert.equal((await listed(store, 'other')).length, 10);
			await committed(store, ++offset, { appends: [{ list: 'long', value: bytes('again') }] });
			assert.deepEqual(await listed(store, 'long'), ['again']);
		});

		test('forgets an expired list once its time has passed, and not before', async (store, pass) => {
			const values = Array.from({ length: 200 }, (_, i) => ({ list: 'l', value: bytes(String(i)) }));
			await committed(store, 1, { appends: values, expireLists: [{ list: 'l', afterMs: 60_000 }] });
			await committed(store, 2, {
				appends: [{ list: 'm', value: bytes('m') }],
				expireLists: [
					{ list: 'm', afterMs: 100 },
					{ list: 'unknown', afterMs: 100 },
				],
			});
			await pass(150);
			assert.deepEqual(await listed(store, 'm'), []);
			assert.deepEqual(await store.listExtent(scope, 'm'), { first: 0, end: 0 });
			assert.equal((await listed(store, 'l')).length, 200);
			await committed(store, 3, { appends: [{ list: 'm', value: bytes('new') }] });
			assert.deepEqual(await listed(store, 'm'), ['new']);
			await committed(store, 4, { expireLists: [{ list: 'l', afterMs: 1 }] });
			await pass(50);
			for (let i = 5; i < 15; i++) await committed(store, i);
			assert.deepEqual(await listed(store, 'l'), []);
			assert.deepEqual(await listed(store, 'm'), ['new']);
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
						await committed(store, ++offset, { cells: new Map([[cell, value]]), appends: [{ list: cell, value }] });
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
				store.commit(scope, commit('', 1)),
				(error) => error instanceof StreamError && error.code === 'closed',
			);
		});
	});
}
