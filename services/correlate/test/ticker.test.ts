// When ticks are written: only while the worker keeps up with a log that answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signedBatchCodec, traceBatchCodec } from '@affidavit/model/codec.ts';
import { StreamError } from '@affidavit/stream/errors.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { createMemoryLog } from '@affidavit/stream/memory/log.ts';
import type { HostHealth } from '../src/health.ts';
import { createPartitionWatch, defaultTickerLimits, dueTicks, startTicker } from '../src/ticker.ts';
import { createAgent, createStage, tickKey } from './support/pipeline.ts';
import { build } from './support/small-build.ts';

const second = 1_000_000;

const health = (host: string, offset: number, more: Partial<HostHealth> = {}): HostHealth => ({
	host,
	offset,
	openSessions: 1,
	pendingEvents: 0,
	silentUs: 0,
	clockSkewUs: null,
	...more,
});

test('a host with something open gets a tick once it is silent, and not more often than it should', () => {
	const watch = createPartitionWatch();
	const look = (atS: number, hosts: HostHealth[], end: number | null = 5, next = 5): string[] =>
		dueTicks(watch, { end, next, hosts }, atS * second, defaultTickerLimits);
	const idle = health('idle', 3, { openSessions: 0 });
	assert.deepEqual(look(0, [health('a', 4), idle]), []);
	assert.deepEqual(look(2, [health('a', 4), idle]), []);
	assert.deepEqual(look(31, [health('a', 4), idle]), [], 'it has kept up for 29 s');
	assert.deepEqual(look(32, [health('a', 4), idle]), ['a']);
	assert.deepEqual(look(41, [health('a', 4)]), []);
	assert.deepEqual(look(42, [health('a', 4)]), ['a']);
	assert.deepEqual(look(52, [health('a', 6)], 7, 7), [], 'it spoke');
	assert.deepEqual(look(82, [health('a', 6)], 7, 7), ['a']);
	assert.deepEqual(look(92, [health('a', 6)], null, 7), [], 'the log is away');
	assert.deepEqual(look(93, [health('a', 6)], 7, 7), [], 'nobody knows what came meanwhile');
	assert.deepEqual(look(94, [health('a', 6)], 900, 7), []);
	assert.deepEqual(look(123, [health('a', 6)], 900, 8), [], 'the worker is behind');
	assert.deepEqual(look(124, [health('a', 6)], 900, 900), []);
	assert.deepEqual(look(154, [health('a', 6), health('b', 1, { openSessions: 0, pendingEvents: 1 })], 900, 900), ['a']);
	assert.deepEqual(look(184, [health('b', 1, { openSessions: 0, pendingEvents: 1 })], 900, 900), ['b']);
	assert.deepEqual([...watch.hosts.keys()], ['b'], 'who is gone is forgotten');
});

test('a busy partition hides no silent host: to have read what was there at the last look is enough', () => {
	const watch = createPartitionWatch();
	let due: string[] = [];
	for (let s = 0; s <= 40; s += 2)
		due = due.concat(
			dueTicks(
				watch,
				{ end: 1000 + s * 10, next: 990 + s * 10, hosts: [health('a', 1)] },
				s * second,
				defaultTickerLimits,
			),
		);
	assert.deepEqual(due, ['a']);
});

test('ticks are signed records of the host’s partition; a log that is away is told and tried again', async () => {
	const log = createMemoryLog({});
	const { stage } = createStage();
	const worker = await stage.open(0, new Map());
	const agent = createAgent('host', 'export');
	for (const cut of build().cuts.slice(0, 3)) {
		const { topic, key, value } = agent.record(cut);
		await log.append([{ topic, key, value, origin: { stage: 'ingest:host', partition: 0, offset: 0, index: 0 } }]);
	}
	await worker.step(await log.read('trace', 0, 0, { records: 10, bytes: 1e9 }), false);
	let nowMs = 1_800_000_000_000;
	let away = false;
	const { emit, events } = collectingEmit();
	const ticker = startTicker({
		log: {
			bounds: log.bounds,
			append: async (records) => {
				if (away) throw new StreamError('unavailable', 'no broker');
				await log.append(records);
			},
		},
		views: stage.views,
		key: tickKey,
		emit,
		lookMs: 1 << 30,
		now: () => nowMs,
	});
	try {
		assert.equal(await ticker.look(), 0);
		assert.equal(await ticker.look(), 0);
		nowMs += 30_000;
		away = true;
		assert.equal(await ticker.look(), 0);
		assert.deepEqual(
			events.map((e) => `${e.name}/${e.reason}`),
			['ticks_not_written/unavailable'],
		);
		away = false;
		nowMs += 10_000;
		assert.equal(await ticker.look(), 1);
		const [record] = await log.read('trace', 0, 3, { records: 10, bytes: 1e9 });
		assert.equal(record?.key, 'host');
		const batch = traceBatchCodec.decode(signedBatchCodec.decode(record?.value as Uint8Array).payload);
		assert.deepEqual([batch.source, batch.observedUs], ['tick', nowMs * 1000]);
		const { deadLetters } = await worker.step([record as NonNullable<typeof record>], false);
		assert.deepEqual(deadLetters, []);
		assert.equal([...stage.views()][0]?.next(), 4);
		assert.equal([...([...stage.views()][0]?.hosts() ?? [])][0]?.openSessions, 1);
	} finally {
		await ticker.close();
	}
});
