import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openFolderBlobs } from '../../src/embedded/blobs.ts';
import { openEmbeddedLog } from '../../src/embedded/log.ts';
import { openEmbeddedStore } from '../../src/embedded/store.ts';
import { StreamError } from '../../src/errors.ts';
import { collectingEmit } from '../../src/internal-event.ts';
import { blobsContract } from '../contract/blobs.ts';
import { logContract, record } from '../contract/log.ts';
import { storeContract } from '../contract/store.ts';
import { temporaryFolder } from '../temporary-folder.ts';

logContract('embedded', async (options) => {
	const { folder, remove } = temporaryFolder();
	const log = openEmbeddedLog({ folder, ...options });
	return {
		log,
		dispose: async () => {
			await log.close();
			remove();
		},
	};
});

storeContract('embedded', async () => {
	const { folder, remove } = temporaryFolder();
	const store = openEmbeddedStore({ folder });
	return {
		store,
		dispose: async () => {
			await store.close();
			remove();
		},
	};
});

blobsContract('folder', async () => {
	const { folder, remove } = temporaryFolder();
	return { blobs: await openFolderBlobs({ folder }), dispose: async () => remove() };
});

const isCode =
	(code: string, message: RegExp) =>
	(error: unknown): boolean =>
		error instanceof StreamError && error.code === code && message.test(error.message);
const all = { records: 1000, bytes: 1 << 30 };

describe('embedded log on disk', () => {
	it('holds after a reopen what was appended, with its bounds and low waters', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		const first = openEmbeddedLog({ folder, partitions: { trace: 2 } });
		await first.append([record('trace', 'a', 'one', 5, 1)]);
		await first.saveLowWater('correlate', 'trace', 0, 3, 4);
		await first.close();
		const again = openEmbeddedLog({ folder, partitions: { trace: 2 }, durability: 'power' });
		const read = [...(await again.read('trace', 0, 0, all)), ...(await again.read('trace', 1, 0, all))];
		assert.deepEqual(
			read.map((r) => [r.key, r.origin?.offset]),
			[['a', 5]],
		);
		assert.equal(await again.lowWater('correlate', 'trace', 0), 3);
		await again.append([record('trace', 'a', 'two')]);
		await again.close();
	});

	it('refuses another number of partitions once a topic holds records', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		await openEmbeddedLog({ folder, partitions: { trace: 2 } }).close();
		const log = openEmbeddedLog({ folder, partitions: { trace: 3 } });
		await log.append([record('trace', 'a', 'one')]);
		await log.close();
		assert.throws(
			() => openEmbeddedLog({ folder, partitions: { trace: 4 } }),
			isCode('log-corrupt', /partitions\.trace: 4/),
		);
		assert.throws(() => openEmbeddedLog({ folder, partitions: { trace: 0 } }), RangeError);
	});

	it('refuses a second opener by the name of the folder, log and store apart', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		const log = openEmbeddedLog({ folder });
		const store = openEmbeddedStore({ folder });
		assert.throws(
			() => openEmbeddedLog({ folder }),
			(e) => isCode('log-locked', /in use/)(e) && String(e).includes(folder),
		);
		assert.throws(
			() => openEmbeddedStore({ folder }),
			(e) => isCode('store-locked', /in use/)(e) && String(e).includes(folder),
		);
		await log.close();
		await openEmbeddedLog({ folder }).close();
		await store.close();
	});

	it('says log-corrupt and store-corrupt for files that are no database, and leaves them alone', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		writeFileSync(join(folder, 'log.db'), 'not a database, but long enough to be taken for one'.repeat(100));
		writeFileSync(join(folder, 'store.db'), 'neither is this'.repeat(500));
		assert.throws(() => openEmbeddedLog({ folder }), isCode('log-corrupt', /log\.db/));
		assert.throws(() => openEmbeddedStore({ folder }), isCode('store-corrupt', /store\.db/));
		assert.equal(statSync(join(folder, 'store.db')).size, 7500);
	});

	it('reports what it trims, and what only a lost store needed as unintended', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		const { emit, events } = collectingEmit();
		const log = openEmbeddedLog({ folder, maxBytes: 50_000, emit });
		t.after(() => log.close());
		for (let i = 0; i < 200; i++) {
			await log.append([record('session', 'k', 'x'.repeat(1000), i)]);
			await log.saveLowWater('detect', 'session', 0, Math.min(i, 100), i);
		}
		const reasons = new Map(events.map((e) => [e.reason, e.intentional]));
		assert.deepEqual(
			reasons,
			new Map([
				['consumed', true],
				['rebuild-lost', false],
			]),
		);
		const trimmed = events.reduce((sum, e) => sum + (e.count ?? 0), 0);
		assert.equal((await log.bounds('session', 0)).start, trimmed);
	});

	it('is readable by its owner alone', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		chmodSync(folder, 0o755);
		const log = openEmbeddedLog({ folder });
		await log.append([record('trace', 'k', 'v')]);
		for (const name of readdirSync(folder).filter((n) => n.startsWith('log.db')))
			assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
		await log.close();
	});
});

describe('embedded store on disk', () => {
	it('says store-full at its bound, changes nothing then, and goes on once there is room', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		const store = openEmbeddedStore({ folder, maxBytes: 1 << 20 });
		t.after(() => store.close());
		const scope = { stage: 's', partition: 0 };
		const commit = async (n: number, value: Uint8Array | null) =>
			store.commit(scope, {
				expectedVersion: (await store.load(scope)).version,
				nextOffset: n + 1,
				lowWaterOffset: n,
				cells: new Map([['big', value]]),
				appends: [],
				outbox: [],
			});
		await commit(0, Buffer.alloc(500_000));
		await assert.rejects(commit(1, Buffer.alloc(2_000_000)), isCode('store-full', /store\.db/));
		assert.equal((await store.load(scope)).offset, 1);
		assert.equal((await commit(1, null)).kind, 'committed');
	});
});

describe('blobs on disk', () => {
	const sha = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

	it('finds a damaged blob, and a put heals it', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		const blobs = await openFolderBlobs({ folder });
		assert.equal(await blobs.put(Buffer.from('abc')), sha);
		const path = join(folder, 'ba', '78', sha);
		assert.equal(statSync(path).mode & 0o777, 0o600);
		writeFileSync(path, 'abd');
		await assert.rejects(blobs.get(sha), isCode('blob-corrupt', new RegExp(sha)));
		await blobs.put(Buffer.from('abc'));
		assert.equal(Buffer.from((await blobs.get(sha)) ?? '').toString(), 'abc');
	});

	it('refuses a blob beyond its bound and leaves nothing of it', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		const blobs = await openFolderBlobs({ folder, blobBytesMax: 10 });
		await assert.rejects(blobs.putStream([Buffer.alloc(6), Buffer.alloc(6)]), isCode('blob-too-large', /10/));
		assert.deepEqual(readdirSync(join(folder, 'incoming')), []);
	});

	it('removes what a killed writer left, once it is old', async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		mkdirSync(join(folder, 'incoming'), { recursive: true });
		for (const name of ['old', 'new']) writeFileSync(join(folder, 'incoming', name), name);
		utimesSync(join(folder, 'incoming', 'old'), 0, 0);
		await openFolderBlobs({ folder });
		assert.deepEqual(readdirSync(join(folder, 'incoming')), ['new']);
	});
});
