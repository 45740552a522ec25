import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamError } from '../../src/errors.ts';
import type { Store } from '../../src/ports.ts';
import { CrashError, type CrashPoint } from '../../src/runner/options.ts';
import { openSource } from '../../src/runner/source.ts';
import { createWorld, out, readAll, text } from './support.ts';

const scope = { stage: 'ingest:build-1', partition: 0 };
const cell = (value: string) => new Map([['checkpoint', Buffer.from(value)]]);
const checkpointOf = (cells: ReadonlyMap<string, Uint8Array>): string =>
	Buffer.from(cells.get('checkpoint') ?? []).toString();

describe('a source', () => {
	it('commits its checkpoint with its records, and publishes them', async () => {
		const world = createWorld();
		const source = await openSource(scope, world);
		assert.deepEqual([source.fresh, source.offset(), source.cells.size], [true, 0, 0]);
		const records = [out('trace', 'one'), out('deadletter', 'two')];
		assert.deepEqual(await source.commit({ cells: cell('line 7'), records }), { kind: 'published' });
		assert.deepEqual(await source.commit({ cells: cell('line 8'), records: [] }), { kind: 'published' });
		assert.equal(checkpointOf(source.cells), 'line 8');
		assert.deepEqual((await readAll(world.log, 'trace'))[0]?.origin, { ...scope, offset: 0, index: 0 });
		assert.deepEqual((await readAll(world.log, 'deadletter'))[0]?.origin, { ...scope, offset: 0, index: 1 });
		const again = await openSource(scope, world);
		assert.deepEqual([again.fresh, again.offset(), checkpointOf(again.cells)], [false, 2, 'line 8']);
	});

	it('publishes at its start what a crash left', async () => {
		for (const crashAt of ['after-commit', 'before-publish', 'after-publish'] satisfies CrashPoint[]) {
			const world = createWorld();
			const crashPoint = (point: CrashPoint): void => {
				if (point === crashAt) throw new CrashError(point);
			};
			const dying = await openSource(scope, world, { crashPoint });
			await assert.rejects(dying.commit({ cells: cell('1'), records: [out('trace', 'one')] }), CrashError);
			const again = await openSource(scope, world);
			assert.equal(checkpointOf(again.cells), '1');
			const published = await readAll(world.log, 'trace');
			assert.deepEqual(new Set(published.map((r) => `${r.origin?.offset} ${text(r)}`)), new Set(['0 one']), crashAt);
		}
	});

	it('goes on counting after its store was lost, so that readers do not take its records for copies', async () => {
		const world = createWorld({ partitions: { trace: 3 } });
		const source = await openSource(scope, world);
		for (let i = 0; i < 5; i++)
			await source.commit({ cells: cell(''), records: [out('trace', String(i), `key ${i}`)] });
		world.store.clear();
		const again = await openSource(scope, world);
		assert.deepEqual([again.fresh, again.offset()], [true, 5]);
		await again.commit({ cells: cell(''), records: [out('trace', 'next')] });
		assert.equal(again.offset(), 6);
		assert.equal((await openSource({ ...scope, stage: 'ingest:other' }, world)).offset(), 0);
	});

	it('waits while the store or its disk is full, and goes on when there is room', async () => {
		const world = createWorld();
		let full = 3;
		const refuse = (): void => {
			if (full-- > 0) throw new StreamError('store-full', 'the disk is full');
		};
		const store: Store = {
			...world.store,
			commit: async (...call) => {
				refuse();
				return await world.store.commit(...call);
			},
			published: async (...call) => {
				refuse();
				await world.store.published(...call);
			},
		};
		const source = await openSource(scope, { ...world, store });
		assert.deepEqual(await source.commit({ cells: cell('1'), records: [out('trace', 'one')] }), { kind: 'published' });
		full = 1;
		const stop = new AbortController();
		stop.abort();
		assert.deepEqual(await source.commit({ cells: cell('2'), records: [] }, stop.signal), { kind: 'refused' });
		assert.deepEqual([source.offset(), checkpointOf(source.cells)], [1, '1'], 'nothing of it is known');
		full = 0;
		assert.equal((await source.commit({ cells: cell('2'), records: [out('trace', 'two')] })).kind, 'published');
		assert.deepEqual((await readAll(world.log, 'trace')).map(text), ['one', 'two']);
	});

	it('waits while the log is full, and goes on when there is room', async () => {
		const world = createWorld({ maxBytes: 10_000 });
		await world.log.saveLowWater('reader', 'trace', 0, 0);
		const source = await openSource(scope, world);
		const big = { cells: cell(''), records: [out('trace', 'x'.repeat(6000))] };
		await source.commit(big);
		let done = false;
		const waiting = source.commit(big).then(() => {
			done = true;
		});
		await new Promise((resolve) => setTimeout(resolve, 50));
		assert.equal(done, false);
		await assert.rejects(source.commit(big), /another is under way/);
		await world.log.saveLowWater('reader', 'trace', 0, 1);
		await waiting;
		assert.equal((await world.log.bounds('trace', 0)).end, 2);
		assert.equal(world.count('publish_delayed'), 1);
	});

	it('ends its wait by the signal: pending first, refused for what comes on top', async () => {
		const world = createWorld({ maxBytes: 10_000 });
		await world.log.saveLowWater('reader', 'trace', 0, 0);
		const source = await openSource(scope, world);
		const big = (n: number) => ({ cells: cell(String(n)), records: [out('trace', 'x'.repeat(6000))] });
		await source.commit(big(1));
		assert.deepEqual(await source.commit(big(2), AbortSignal.timeout(20)), { kind: 'pending' });
		assert.deepEqual(await source.commit(big(3), AbortSignal.timeout(20)), { kind: 'refused' });
		assert.equal(checkpointOf((await world.store.load(scope)).cells), '2');
		await world.log.saveLowWater('reader', 'trace', 0, 1);
		assert.equal(checkpointOf((await openSource(scope, world)).cells), '2');
		assert.equal((await world.log.bounds('trace', 0)).end, 2);
	});

	it('is fenced by a second writer, and refuses after close', async () => {
		const world = createWorld();
		const first = await openSource(scope, world);
		const second = await openSource(scope, world);
		await second.commit({ cells: cell('2'), records: [] });
		const isCode = (code: string) => (e: unknown) => e instanceof StreamError && e.code === code;
		await assert.rejects(first.commit({ cells: cell('1'), records: [out('trace', 'zombie')] }), isCode('fenced'));
		assert.equal((await readAll(world.log, 'trace')).length, 0);
		second.close();
		await assert.rejects(second.commit({ cells: cell('3'), records: [] }), isCode('closed'));
	});
});
