import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadLetterCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { StreamError } from '../../src/errors.ts';
import type { LogRecord, Store } from '../../src/ports.ts';
import { recordOrigin } from '../../src/runner/dead-letters.ts';
import { CrashError, type CrashPoint } from '../../src/runner/options.ts';
import { openPartition } from '../../src/runner/partition-runner.ts';
import { createWorld, echoStage, feed, out, pumpAll, readAll, text, texts } from './support.ts';

describe('a partition runner', () => {
	it('steps input in order, publishes with origins, and says idle at the end', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b', 'c']);
		const runner = await openPartition(echoStage(), 0, world);
		assert.deepEqual(await runner.pump(), { kind: 'progress', records: 3 });
		assert.deepEqual(await runner.pump(), { kind: 'idle' });
		const published = await readAll(world.log, 'session');
		assert.deepEqual(published.map(text), ['<a>', '<b>', '<c>']);
		assert.deepEqual(
			published.map((r) => r.origin),
			[0, 1, 2].map((offset) => ({ stage: 'echo', partition: 0, offset, index: 0 })),
		);
		assert.equal(await world.log.lowWater('echo', 'trace', 0), 3);
		const { offset, outbox } = await world.store.load({ stage: 'echo', partition: 0 });
		assert.deepEqual([offset, outbox.length], [3, 0]);
		assert.deepEqual(world.events, []);
	});

	it('keeps a run within its bounds of records and bytes', async () => {
		const world = createWorld();
		await feed(
			world.log,
			Array.from({ length: 10 }, (_, i) => String(i).repeat(100)),
		);
		const runs: number[] = [];
		const stage = echoStage((records) => {
			runs.push(records.length);
			return undefined;
		});
		await pumpAll(await openPartition(stage, 0, world, { batchRecordsMax: 3, batchBytesMax: 1 << 20 }));
		assert.deepEqual(runs, [3, 3, 3, 1]);
		const observed: number[] = [];
		const again = createWorld();
		await feed(
			again.log,
			Array.from({ length: 4 }, () => 'x'.repeat(100)),
		);
		const options = { batchBytesMax: 150, observe: (o: { bytes: number }) => observed.push(o.bytes) };
		await pumpAll(await openPartition(echoStage(), 0, again, options));
		assert.deepEqual(observed, [200, 200]);
	});

	it('leaves out input that it has seen, also after a restart, and counts it', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b']);
		await feed(world.log, ['b', 'c'], 1);
		await pumpAll(await openPartition(echoStage(), 0, world));
		await feed(world.log, ['a', 'b', 'c', 'd']);
		await pumpAll(await openPartition(echoStage(), 0, world));
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>', '<d>']);
		assert.equal(world.count('input_records_dropped'), 4);
		assert.equal((await world.store.load({ stage: 'echo', partition: 0 })).offset, 8);
	});

	it('replays from the low water what is not in cells: neither committed nor published again, without the copies', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b']);
		await feed(world.log, ['b', 'c'], 1);
		await pumpAll(
			await openPartition(
				echoStage(() => ({ lowWaterOffset: 1, rebuildOffset: 0 })),
				0,
				world,
			),
		);
		const steps: [string[], boolean][] = [];
		const stage = echoStage((records, replayed) => {
			steps.push([records.map(text), replayed]);
			return undefined;
		});
		await feed(world.log, ['d'], 3);
		await pumpAll(await openPartition(stage, 0, world));
		assert.deepEqual(steps, [
			[['b', 'c'], true],
			[['d'], false],
		]);
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>', '<d>']);
	});

	it('publishes what a crash left in the outbox, for each point of the protocol', async () => {
		const points: CrashPoint[] = [
			'before-commit',
			'after-commit',
			'before-publish',
			'after-publish',
			'after-published',
			'after-low-water',
		];
		for (const crashAt of points) {
			const world = createWorld();
			await feed(world.log, ['a', 'b']);
			const crashPoint = (point: CrashPoint): void => {
				if (point === crashAt) throw new CrashError(point);
			};
			const dying = await openPartition(echoStage(), 0, world, { crashPoint });
			await assert.rejects(pumpAll(dying), CrashError);
			await pumpAll(await openPartition(echoStage(), 0, world));
			const seen = new Set((await readAll(world.log, 'session')).map((r) => `${r.origin?.offset} ${text(r)}`));
			assert.deepEqual([...seen], ['0 <a>', '1 <b>'], crashAt);
			// A lower bound: the next commit raises it.
			assert.equal(
				await world.log.lowWater('echo', 'trace', 0),
				crashAt === 'before-commit' || crashAt === 'after-low-water' ? 2 : 0,
				crashAt,
			);
		}
	});

	it('stops when another worker has committed, and publishes nothing of the refused step', async () => {
		const world = createWorld();
		await feed(world.log, ['a']);
		const zombie = await openPartition(echoStage(), 0, world);
		await pumpAll(await openPartition(echoStage(), 0, world));
		assert.deepEqual(await zombie.pump(), { kind: 'fenced', storedOffset: 1 });
		assert.deepEqual(await zombie.pump(), { kind: 'fenced', storedOffset: 1 });
		assert.deepEqual(await texts(world.log, 'session'), ['<a>']);
	});

	it('waits without losing its place while the log is full', async () => {
		const world = createWorld({ maxBytes: 20_000 });
		for (const topic of ['trace', 'session'] as const) await world.log.saveLowWater('reader', topic, 0, 0);
		const big = 'x'.repeat(1000);
		await feed(
			world.log,
			Array.from({ length: 12 }, () => big),
		);
		const runner = await openPartition(echoStage(), 0, world, { batchRecordsMax: 1 });
		assert.equal(await pumpAll(runner), 'blocked');
		assert.equal((await runner.pump()).kind, 'blocked');
		assert.ok(world.count('publish_delayed') >= 2);
		for (let round = 0; (await pumpAll(runner)) === 'blocked'; round++) {
			assert.ok(round < 12);
			const { end } = await world.log.bounds('session', 0);
			await world.log.saveLowWater('reader', 'session', 0, end);
		}
		assert.equal((await world.log.bounds('session', 0)).end, 12);
	});
});

describe('dead letters', () => {
	it('go out with the commit of the record they name', async () => {
		const world = createWorld();
		await feed(world.log, ['good', 'bad', 'good']);
		const stage = echoStage((records) => ({
			outputs: [],
			deadLetters: records
				.filter((r) => text(r) === 'bad')
				.map((r) => ({
					stage: 'echo',
					origin: recordOrigin(r),
					code: 'bad',
					message: '',
					digest: '',
					length: 3,
					excerpt: '',
					timeUs: 5,
					subject: '',
				})),
		}));
		await pumpAll(await openPartition(stage, 0, world));
		const [letter, ...others] = await readAll(world.log, 'deadletter');
		assert.equal(others.length, 0);
		assert.equal(letter?.key, 'trace/0/1');
		assert.deepEqual(letter?.origin, { stage: 'echo', partition: 0, offset: 1, index: 0 });
		assert.equal(deadLetterCodec.decode(letter.value).code, 'bad');
	});

	it('take a record that throws twice, and all others are processed', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'poison', 'b', 'poison', 'c', 'd']);
		const stage = echoStage((records) => {
			if (records.some((r) => text(r) === 'poison')) throw new TypeError('a bug');
			return undefined;
		});
		assert.equal(await pumpAll(await openPartition(stage, 0, world)), 'idle');
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>', '<d>']);
		const letters = (await readAll(world.log, 'deadletter')).map((r) => deadLetterCodec.decode(r.value));
		assert.deepEqual(
			letters.map((l) => [l.stage, l.origin, l.code, l.message, l.length, l.digest]),
			[1, 3].map((o) => ['echo', `trace/0/${o}`, 'poison-record', 'TypeError: a bug', 6, sha256Hex('poison')]),
		);
		assert.equal(world.count('poison_records'), 2);
	});

	it('makes a commit that is too large for the store smaller, and leaves out a record that alone gives one', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b', 'huge'.repeat(100), 'c']);
		const store: Store = {
			...world.store,
			commit: async (scope, commit) => {
				const bytes = commit.outbox.reduce(
					(sum, { topic, value }) => sum + (topic === 'session' ? value.byteLength : 0),
					0,
				);
				if (bytes > 5) throw new StreamError('commit-too-large', `${bytes} bytes`);
				return await world.store.commit(scope, commit);
			},
		};
		assert.equal(await pumpAll(await openPartition(echoStage(), 0, { ...world, store })), 'idle');
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>']);
		const letters = (await readAll(world.log, 'deadletter')).map(({ value }) => deadLetterCodec.decode(value));
		assert.deepEqual(
			letters.map(({ origin, code }) => [origin, code]),
			[['trace/0/2', 'poison-record']],
		);
	});

	it('take nothing when a step throws once only', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b', 'c']);
		let thrown = 0;
		const stage = echoStage(() => {
			if (thrown++ === 0) throw new Error('once');
			return undefined;
		});
		await pumpAll(await openPartition(stage, 0, world));
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>']);
		assert.deepEqual(await texts(world.log, 'deadletter'), []);
	});

	it('take no record that throws in a replay: it was processed; it is left out from then on', async () => {
		const world = createWorld();
		const pending = (): { lowWaterOffset: number } => ({ lowWaterOffset: 0 });
		await feed(world.log, ['a', 'b', 'c']);
		await pumpAll(await openPartition(echoStage(pending), 0, world));
		await feed(world.log, ['d'], 3);
		let replays: string[][] = [];
		const stage = echoStage((records, replayed) => {
			if (replayed) replays.push(records.map(text));
			if (replayed && records.some((r) => text(r) === 'b')) throw new Error('a newer version');
			return pending();
		});
		await pumpAll(await openPartition(stage, 0, world));
		assert.deepEqual(replays, [['a', 'b', 'c'], ['a'], ['b'], ['a'], ['c']]);
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>', '<d>']);
		replays = [];
		await pumpAll(await openPartition(stage, 0, world));
		assert.deepEqual(replays, [['a', 'c', 'd']]);
	});

	it('take records whose results break the contract', async () => {
		const wrong: Record<string, (records: readonly LogRecord[]) => object> = {
			'outputs of another offset': () => ({ outputs: [{ offset: 99, records: [out('session', 'x')] }] }),
			'a topic that is not declared': (r) => ({ outputs: [{ offset: r[0]?.offset, records: [out('verdict', 'x')] }] }),
			"a cell of the runner's": () => ({ cells: new Map([['@runtime/seen/0/x', null]]) }),
		};
		for (const [title, result] of Object.entries(wrong)) {
			const world = createWorld();
			await feed(world.log, ['a']);
			assert.equal(await pumpAll(await openPartition(echoStage(result), 0, world)), 'idle', title);
			assert.deepEqual(await texts(world.log, 'session'), [], title);
			assert.equal((await readAll(world.log, 'deadletter')).length, 1, title);
		}
	});
});

describe('a lost store', () => {
	const scope = { stage: 'echo', partition: 0 };

	it('is rebuilt from the low water, and nothing that is in the log is published again', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b', 'c']);
		const rebuildFrom1 = echoStage(() => ({ rebuildOffset: 1 }));
		await pumpAll(await openPartition(rebuildFrom1, 0, world));
		world.store.clear();
		await feed(world.log, ['d'], 3);
		const stepped: string[] = [];
		const stage = echoStage((records, replayed) => {
			stepped.push(...records.map((r) => `${text(r)} ${replayed}`));
			return undefined;
		});
		await pumpAll(await openPartition(stage, 0, world, { batchRecordsMax: 1 }));
		assert.deepEqual(stepped, ['b false', 'c false', 'd false']);
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>', '<d>']);
		assert.equal(world.count('outputs_suppressed'), 2);
		assert.equal(world.count('store_rebuilt'), 1);
	});

	it('finds its own outputs behind many of others', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b']);
		await pumpAll(
			await openPartition(
				echoStage(() => ({ rebuildOffset: 0 })),
				0,
				world,
			),
		);
		const origin = { stage: 'another', partition: 0, index: 0 };
		await world.log.append(
			Array.from({ length: 6000 }, (_, offset) => ({ ...out('session', ''), origin: { ...origin, offset } })),
		);
		world.store.clear();
		await pumpAll(await openPartition(echoStage(), 0, world));
		assert.equal((await world.log.bounds('session', 0)).end, 6002);
	});

	it('is rebuilt to the end even when the process dies halfway', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b', 'c', 'd']);
		await pumpAll(
			await openPartition(
				echoStage(() => ({ rebuildOffset: 0 })),
				0,
				world,
			),
		);
		world.store.clear();
		for (let commits = 0; commits < 4; commits++) {
			const dying = await openPartition(echoStage(), 0, world, {
				batchRecordsMax: 1,
				crashPoint: (point) => {
					if (point === 'after-commit') throw new CrashError(point);
				},
			});
			await assert.rejects(dying.pump(), CrashError);
		}
		await pumpAll(await openPartition(echoStage(), 0, world));
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>', '<d>']);
		assert.deepEqual([...(await world.store.load(scope)).cells.keys()], ['@runtime/seen/0/ingest:test']);
	});

	it('does not make a late copy look new, whose original lies before the low water', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b']);
		await pumpAll(await openPartition(echoStage(), 0, world));
		world.store.clear();
		await feed(world.log, ['a', 'b', 'c']);
		await pumpAll(await openPartition(echoStage(), 0, world));
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>']);
	});

	it('fences a worker that still remembers', async () => {
		const world = createWorld();
		await feed(world.log, ['a']);
		const remembering = await openPartition(echoStage(), 0, world);
		await pumpAll(remembering);
		world.store.clear();
		await feed(world.log, ['b'], 1);
		assert.deepEqual(await remembering.pump(), { kind: 'fenced', storedOffset: 0 });
	});
});

describe('a log that does not fit the store', () => {
	it('is refused when it ends before what the stage has read', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b']);
		await pumpAll(await openPartition(echoStage(), 0, world));
		await assert.rejects(
			openPartition(echoStage(), 0, { ...world, log: createWorld().log }),
			(e) =>
				e instanceof StreamError && e.code === 'log-corrupt' && /echo has read trace\/0 to offset 2/.test(e.message),
		);
	});

	it('is read on after a hole, which is counted', async () => {
		const world = createWorld({ maxBytes: 30_000, unreadBytesKept: 5_000 });
		// Nobody reads yet, so the log trims.
		for (let i = 0; i < 50; i++) await feed(world.log, ['x'.repeat(1000)], i);
		const { start } = await world.log.bounds('trace', 0);
		assert.ok(start > 0);
		await world.store.commit(
			{ stage: 'echo', partition: 0 },
			{
				expectedVersion: '',
				nextOffset: 2,
				lowWaterOffset: 2,
				cells: new Map(),
				appends: [],
				outbox: [],
			},
		);
		await pumpAll(
			await openPartition(
				echoStage(() => ({ outputs: [] })),
				0,
				world,
			),
		);
		assert.equal(world.count('input_records_lost'), start - 2);
	});
});
