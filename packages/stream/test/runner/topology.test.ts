import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Log } from '../../src/ports.ts';
import { openSource } from '../../src/runner/source.ts';
import { openTopology, runTopology } from '../../src/runner/topology.ts';
import type { Stage } from '../../src/stage.ts';
import { createWorld, echoStage, feed, out, readAll, resultOf, text, texts } from './support.ts';

/** session → verdict, slowly. */
const judge: Stage = {
	name: 'judge',
	input: 'session',
	outputs: ['verdict'],
	open: async () => ({
		step: async (records) => {
			await new Promise((resolve) => setTimeout(resolve, 1));
			const outputs = records.map((r) => ({ offset: r.offset, records: [out('verdict', `judged ${text(r)}`)] }));
			return resultOf(records, { outputs });
		},
	}),
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a topology', () => {
	it('drains: ends once every input is consumed and every output published', async () => {
		const world = createWorld({ partitions: { trace: 2, session: 2 } });
		const values = Array.from({ length: 500 }, (_, i) => String(i));
		const source = await openSource({ stage: 'ingest:x', partition: 0 }, world);
		const writing = (async () => {
			for (const v of values) {
				await source.commit({ cells: new Map(), records: [out('trace', v, `key ${v}`)] });
				if (Number(v) % 50 === 0) await sleep(1);
			}
		})();
		const outcomes = await runTopology([echoStage(), judge], world, { until: writing, batchRecordsMax: 7 });
		assert.deepEqual(outcomes.map((o) => [o.stage, o.partition, o.kind]).sort(), [
			['echo', 0, 'drained'],
			['echo', 1, 'drained'],
			['judge', 0, 'drained'],
			['judge', 1, 'drained'],
		]);
		const judged = (await texts(world.log, 'verdict')).map((t) => Number(/\d+/.exec(t)?.[0])).sort((a, b) => a - b);
		assert.deepEqual(judged, values.map(Number));
	});

	it('drains more than the log holds: sources wait, stages make room', async () => {
		const world = createWorld({ maxBytes: 40_000, unreadBytesKept: 1_000 });
		const topology = await openTopology([echoStage(), judge], world, { batchRecordsMax: 4 });
		const source = await openSource({ stage: 'ingest:x', partition: 0 }, world);
		const writing = (async () => {
			for (let i = 0; i < 100; i++)
				await source.commit({ cells: new Map(), records: [out('trace', String(i).padStart(2000, '.'))] });
		})();
		await topology.run({ until: writing });
		assert.equal((await world.log.bounds('verdict', 0)).end, 100);
		assert.equal(world.events.filter((e) => e.name === 'log_records_trimmed' && !e.intentional).length, 0);
	});

	it('runs on until the signal, wakes within milliseconds, and does not spin while idle', async () => {
		const world = createWorld();
		let reads = 0;
		const log: Log = {
			...world.log,
			read: (...args) => {
				reads += 1;
				return world.log.read(...args);
			},
		};
		const stop = new AbortController();
		const stepped: number[] = [];
		const stage = echoStage(() => {
			stepped.push(performance.now());
			return undefined;
		});
		const running = runTopology([stage], { ...world, log }, { signal: stop.signal });
		await sleep(30);
		const before = reads;
		await sleep(100);
		assert.equal(reads, before);
		const latencies: number[] = [];
		for (let i = 0; i < 20; i++) {
			const appended = performance.now();
			await feed(log, ['x'], i);
			while (stepped.length <= i) await sleep(1);
			latencies.push((stepped[i] as number) - appended);
		}
		latencies.sort((a, b) => a - b);
		assert.ok((latencies[10] as number) < 5, `median ${latencies[10]} ms`);
		stop.abort();
		assert.deepEqual(await running, [{ stage: 'echo', partition: 0, kind: 'stopped' }]);
		assert.equal((await readAll(world.log, 'session')).length, 20);
	});

	it('leaves timers and sources their turn while it has work', async () => {
		const world = createWorld();
		await feed(
			world.log,
			Array.from({ length: 2000 }, (_, i) => String(i)),
		);
		const stop = new AbortController();
		const running = runTopology([echoStage()], world, { signal: stop.signal, batchRecordsMax: 1 });
		await new Promise((resolve) => setImmediate(resolve));
		stop.abort();
		await running;
		assert.ok((await readAll(world.log, 'session')).length < 2000);
	});

	it('reports a fenced partition and goes on with the others', async () => {
		const world = createWorld({ partitions: { trace: 2 } });
		const topology = await openTopology([echoStage()], world);
		await world.log.append(
			['a', 'b', 'c', 'd', 'e'].map((key, i) => ({
				...out('trace', key, key),
				origin: { stage: 'i', partition: 0, offset: i, index: 0 },
			})),
		);
		await runTopology([echoStage()], world, { until: Promise.resolve() });
		await feed(world.log, ['late'], 9);
		const outcomes = await topology.run({ until: Promise.resolve() });
		assert.deepEqual(
			outcomes.map((o) => o.kind),
			['fenced', 'fenced'],
		);
	});

	it('stops all and rejects when a partition fails, and keeps what was committed', async () => {
		const world = createWorld();
		await feed(world.log, ['a']);
		const store = {
			...world.store,
			published: async () => {
				throw new Error('the disk is gone');
			},
		};
		const running = runTopology([echoStage(), judge], { ...world, store }, {});
		await assert.rejects(running, /the disk is gone/);
		await runTopology([echoStage(), judge], world, { until: Promise.resolve() });
		assert.deepEqual(new Set(await texts(world.log, 'verdict')), new Set(['judged <a>']));
	});

	it('drains what a failed source had written', async () => {
		const world = createWorld();
		await feed(world.log, ['a']);
		await runTopology([echoStage()], world, { until: Promise.reject(new Error('the file broke off')) });
		assert.deepEqual(await texts(world.log, 'session'), ['<a>']);
	});

	it('tells the log at its opening who reads, so that nothing is trimmed before the first step', async () => {
		const world = createWorld({ maxBytes: 20_000, unreadBytesKept: 0 });
		await openTopology([echoStage()], world);
		let full = false;
		for (let i = 0; i < 30 && !full; i++)
			await feed(world.log, ['x'.repeat(1000)], i).catch(() => {
				full = true;
			});
		assert.equal(full, true);
		assert.equal((await world.log.bounds('trace', 0)).start, 0);
	});
});
