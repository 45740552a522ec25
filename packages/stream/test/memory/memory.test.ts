import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryBlobs } from '../../src/memory/blobs.ts';
import { createMemoryLog } from '../../src/memory/log.ts';
import { createMemoryStore } from '../../src/memory/store.ts';
import { blobsContract } from '../contract/blobs.ts';
import { logContract, record } from '../contract/log.ts';
import { storeContract } from '../contract/store.ts';

logContract('memory', async (options) => {
	const log = createMemoryLog(options);
	return { log, dispose: () => log.close() };
});

storeContract('memory', async () => {
	const store = createMemoryStore();
	return { store, dispose: () => store.close() };
});

blobsContract('memory', async () => ({ blobs: createMemoryBlobs(), dispose: async () => {} }));

describe('snapshots', () => {
	it('take the log back to what it was, as often as wanted', async () => {
		const log = createMemoryLog();
		await log.append([record('trace', 'k', 'one')]);
		await log.saveLowWater('s', 'trace', 0, 1);
		const snapshot = log.snapshot();
		for (let i = 0; i < 2; i++) {
			await log.append([record('trace', 'k', 'two')]);
			await log.saveLowWater('s', 'trace', 0, 2);
			log.restore(snapshot);
			assert.deepEqual(await log.bounds('trace', 0), { start: 0, end: 1 });
			assert.equal(await log.lowWater('s', 'trace', 0), 1);
		}
	});

	it('take the store back to what it was, and clear loses it', async () => {
		const store = createMemoryStore();
		const scope = { stage: 's', partition: 0 };
		const commit = {
			lowWaterOffset: 0,
			appends: [{ list: 'l', value: Buffer.from('v') }],
			outbox: [record('finding', 'k', 'f')],
		};
		await store.commit(scope, {
			...commit,
			expectedVersion: '',
			nextOffset: 1,
			cells: new Map([['a', Buffer.from('1')]]),
		});
		const snapshot = store.snapshot();
		const { version } = await store.load(scope);
		const next = { ...commit, expectedVersion: version, nextOffset: 2, cells: new Map([['a', null]]) };
		const later = await store.commit(scope, next);
		store.restore(snapshot);
		const state = await store.load(scope);
		assert.deepEqual([state.offset, state.cells.size, state.outbox.length], [1, 1, 1]);
		assert.equal(state.version, version);
		const again = await store.commit(scope, next);
		assert.equal(again.kind, 'committed');
		assert.notDeepEqual(again, later);
		store.restore(snapshot);
		store.clear();
		assert.equal((await store.load(scope)).fresh, true);
	});
});
