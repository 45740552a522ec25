import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openEmbeddedLog } from '../../src/embedded/log.ts';
import { openReadOnlyLog } from '../../src/embedded/read-only-log.ts';

const record = (key: string, index: number) => ({
	topic: 'trace' as const,
	key,
	value: Buffer.from(`${key}${index}`),
	origin: { stage: 'ingest:test', partition: 0, offset: index, index: 0 },
});
const max = { records: 100, bytes: 1e6 };

test('read-only log: sees what the owner appends meanwhile, and its times', async (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-read-only-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	assert.equal(openReadOnlyLog(folder), null);
	let nowUs = 1000;
	const owner = openEmbeddedLog({ folder, partitions: { trace: 2 }, nowUs: () => nowUs });
	await owner.append([record('a', 0)]);
	const log = openReadOnlyLog(folder);
	assert.ok(log);
	assert.equal(log.partitions('trace'), 2);
	assert.equal(log.partitions('verdict'), 1);
	nowUs = 2000;
	await owner.append([record('a', 1), record('b', 2)]);
	for (const partition of [0, 1]) {
		assert.deepEqual(await log.bounds('trace', partition), await owner.bounds('trace', partition));
		assert.deepEqual(await log.read('trace', partition, 0, max), await owner.read('trace', partition, 0, max));
		for (const timeUs of [0, 1000, 1001, 2000, 2001])
			assert.equal(
				await log.offsetAt('trace', partition, timeUs),
				await owner.offsetAt('trace', partition, timeUs),
				`offsetAt ${timeUs}`,
			);
	}
	await assert.rejects(log.read('trace', 2, 0, max), RangeError);
	await owner.close();
	assert.deepEqual(await log.bounds('verdict', 0), { start: 0, end: 0 });
	await log.close();
	await assert.rejects(log.read('trace', 0, 0, max), { code: 'closed' });
	const again = openReadOnlyLog(folder);
	assert.equal((await again?.bounds('trace', 0))?.start, 0);
	await again?.close();
});

test('read-only log: another file in its place is named', (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-read-only-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	writeFileSync(join(folder, 'log.db'), 'not a database, and long enough to be looked at as one');
	assert.throws(() => openReadOnlyLog(folder), { code: 'log-corrupt' });
});
