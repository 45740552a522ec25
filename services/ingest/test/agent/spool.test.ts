import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { createForwarder } from '../../src/agent/forward.ts';
import { forwardOptions, mib, newFolder, recordsOf, remoteThat, sourceOf, spoolAt, trace } from './spool-samples.ts';

const done = Promise.resolve();
const never = new AbortController().signal;

describe('the spool', () => {
	it('refuses the new when it is full, never drops the unsent, and has room again once that is sent', async () => {
		const spool = await spoolAt(newFolder(), { bytesMax: mib });
		const source = await sourceOf(spool);
		const big = 'x'.repeat(10_000);
		const stop = new AbortController();
		let written = 0;
		for (;;) {
			setTimeout(() => stop.abort(), 100);
			const result = await source.commit({ cells: new Map(), records: [trace(`${written}:${big}`)] }, stop.signal);
			if (result.kind !== 'published') break;
			written++;
			assert.ok(written < 200, 'no bound');
		}
		assert.ok(written > 50, `${written}`);
		const { start } = await spool.log.bounds('trace', 0);
		assert.equal(start, 0);
		const remote = remoteThat(() => 'none');
		const writing = (async () => {
			for (let i = 0; i < 300; i++) await source.commit({ cells: new Map(), records: [trace(`${i}:${big}`)] });
		})();
		await createForwarder(forwardOptions(spool, remote)).run(writing, never);
		await writing;
		const numbers = (await recordsOf(remote.log, 'trace')).map(({ value }) =>
			Number.parseInt(Buffer.from(value).toString(), 10),
		);
		// What waited in the outbox when the spool was full comes between.
		assert.deepEqual(numbers, [...Array(written + 1).keys(), ...Array(300).keys()]);
		assert.equal(statSync(join(spool.folder, 'log.db')).mode & 0o077, 0);
		await spool.close();
	});

	it('takes no more than the disk has: sent records make room before it is full', async () => {
		const { emit, count } = collectingEmit();
		const spool = await spoolAt(newFolder(), { bytesMax: 64 * mib, diskFree: async () => 2 * mib, emit });
		assert.equal(count('spool_bounded_by_disk'), 1);
		const source = await sourceOf(spool);
		const writing = (async () => {
			for (let i = 0; i < 300; i++) await source.commit({ cells: new Map(), records: [trace('x'.repeat(10_000))] });
		})();
		await createForwarder(
			forwardOptions(
				spool,
				remoteThat(() => 'none'),
			),
		).run(writing, never);
		const { start, end } = await spool.log.bounds('trace', 0);
		assert.equal(end, 300);
		assert.ok(start > 100, `${start}`);
		await spool.close();
	});

	it('keeps its epoch and its backlog over restarts; a new one gets another epoch', async () => {
		const folder = newFolder();
		let spool = await spoolAt(folder, { newEpoch: () => 11 });
		assert.deepEqual([spool.created, spool.epoch, spool.cutShort], [true, 11, false]);
		const source = await sourceOf(spool);
		for (let i = 0; i < 5; i++) await source.commit({ cells: new Map(), records: [trace('12345')] });
		assert.deepEqual(spool.backlog(), { records: 5, bytes: 25 });
		assert.ok((await spool.oldestUnsentMs()) > Date.now() - 60_000);
		await spool.close();
		spool = await spoolAt(folder, { newEpoch: () => 12 });
		assert.deepEqual([spool.created, spool.epoch, spool.cutShort], [false, 11, false]);
		assert.deepEqual(spool.backlog(), { records: 5, bytes: 25 });
		await createForwarder(
			forwardOptions(
				spool,
				remoteThat(() => 'none'),
			),
		).run(done, never);
		assert.equal(await spool.oldestUnsentMs(), -1);
		await spool.close();
	});

	it('knows when the machine went down under it, unless every commit was synced', async () => {
		for (const durability of ['process', 'power'] as const) {
			const folder = newFolder();
			const first = await spoolAt(folder, { durability });
			// As after a power cut: the mark still says that it is in use, and the host has another boot id.
			const mark = JSON.stringify({ version: 1, epoch: 7, boot: 'boot-1', closed: false });
			await first.close();
			writeFileSync(join(folder, 'spool.json'), mark);
			const sameBoot = await spoolAt(folder, { durability });
			assert.equal(sameBoot.cutShort, false);
			await sameBoot.close();
			writeFileSync(join(folder, 'spool.json'), mark);
			const nextBoot = await spoolAt(folder, { durability, boot: 'boot-2' });
			assert.equal(nextBoot.cutShort, durability === 'process');
			await nextBoot.close();
			const closedInOrder = await spoolAt(folder, { durability, boot: 'boot-3' });
			assert.equal(closedInOrder.cutShort, false);
			await closedInOrder.close();
		}
	});

	it('is one agent at a time', async () => {
		const folder = newFolder();
		const spool = await spoolAt(folder);
		await assert.rejects(spoolAt(folder), { code: 'log-locked' });
		await spool.close();
	});

	it('takes a damaged mark for a new spool', async () => {
		const folder = newFolder();
		await (await spoolAt(folder)).close();
		for (const text of ['', '{', 'null', '[]', '{"version":1,"epoch":"7","boot":"","closed":true}']) {
			writeFileSync(join(folder, 'spool.json'), text);
			const spool = await spoolAt(folder, { newEpoch: () => 99 });
			assert.deepEqual([spool.created, spool.epoch], [true, 99]);
			await spool.close();
		}
	});
});
