import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamError } from '../../src/errors.ts';
import type { Membership, Store } from '../../src/ports.ts';
import { type GroupOptions, runStages } from '../../src/runner/group.ts';
import type { RunnerPorts } from '../../src/runner/options.ts';
import { soloMembership } from '../../src/runner/solo-membership.ts';
import { createWorld, echoStage, feed, out, readAll, text, texts } from './support.ts';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (condition: () => boolean | Promise<boolean>, what: string): Promise<void> => {
	for (let i = 0; !(await condition()); i++) {
		assert.ok(i < 1000, `in vain: ${what}`);
		await sleep(5);
	}
};
const quick = { retryMsMax: 20, random: () => 0.5 };

/** A group of one whose coordinator is the test. */
function handMembership(): Membership & { assign(partitions: number[]): void; left: number } {
	let hear: (partitions: readonly number[]) => void = () => {};
	const self = {
		left: 0,
		assign: (partitions: number[]) => hear(partitions),
		join: async (_stage: string, _topic: string, onAssigned: (partitions: readonly number[]) => void) => {
			hear = onAssigned;
			return {
				leave: async () => {
					self.left += 1;
				},
			};
		},
	};
	return self;
}

function start(world: RunnerPorts, membership: Membership, options: Partial<GroupOptions> = {}, stage = echoStage()) {
	const stop = new AbortController();
	const group = runStages([stage], world, membership, { ...quick, signal: stop.signal, ...options });
	return {
		group,
		finish: async () => {
			stop.abort();
			await group.done;
		},
	};
}

const spread = (count: number, from = 0) =>
	Array.from({ length: count }, (_, i) => ({
		...out('trace', `${from + i}`, `key ${i % 7}`),
		origin: { stage: 'ingest:test', partition: i % 7, offset: from + i, index: 0 },
	}));
const sessions = async (world: ReturnType<typeof createWorld>): Promise<number[]> =>
	(await texts(world.log, 'session')).map((t) => Number(t.slice(1, -1))).sort((a, b) => a - b);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('a group of stages', () => {
	it('works on every partition it is given, and leaves when told to', async () => {
		const world = createWorld({ partitions: { trace: 4 } });
		await world.log.append(spread(100));
		const { group, finish } = start(world, soloMembership(world.log));
		await until(async () => (await sessions(world)).length === 100, 'all outputs');
		await until(() => group.health().ready, 'ready');
		assert.deepEqual(
			group.health().partitions.map(({ stage, partition, state, lastError }) => [stage, partition, state, lastError]),
			[0, 1, 2, 3].map((partition) => ['echo', partition, 'live', null]),
		);
		const positions = group.health().partitions.reduce((sum, { position }) => sum + position, 0);
		assert.equal(positions, 100);
		await finish();
		assert.equal(group.health().ready, false);
		assert.deepEqual(await sessions(world), upTo(100));
	});

	it('follows the assignment: stops what is taken away, takes up what comes back', async () => {
		const world = createWorld({ partitions: { trace: 2 } });
		const membership = handMembership();
		const { group, finish } = start(world, membership);
		await until(() => group.health().ready, 'joined');
		assert.deepEqual(group.health().partitions, []);
		membership.assign([0]);
		await world.log.append(spread(50));
		const mine = (await readAll(world.log, 'trace', 0)).length;
		await until(async () => (await sessions(world)).length === mine, 'the outputs of partition 0');
		membership.assign([1]);
		await until(async () => (await sessions(world)).length === 50, 'the outputs of partition 1');
		assert.deepEqual(
			group.health().partitions.map(({ partition }) => partition),
			[1],
		);
		await world.log.append(spread(50, 50));
		membership.assign([]);
		membership.assign([0, 1]);
		membership.assign([]);
		membership.assign([0, 1]);
		await until(async () => (await sessions(world)).length === 100, 'all outputs');
		await finish();
		assert.deepEqual(await sessions(world), upTo(100));
		assert.equal(membership.left, 1);
	});

	it('outlives outages of log and store at any call, is not ready meanwhile, and does nothing twice', async () => {
		const world = createWorld({ partitions: { trace: 2 } });
		let away = false;
		let calls = 0;
		let refused = 0;
		// Every third call does its work and says nothing of it: the answer is what was lost.
		const flaky = <A extends unknown[], T>(call: (...args: A) => Promise<T>): ((...args: A) => Promise<T>) => {
			return async (...args) => {
				calls += 1;
				const lost = away && calls % 3 === 0;
				if (away && !lost) {
					refused += 1;
					throw new StreamError('unavailable', 'away');
				}
				const result = await call(...args);
				if (lost) throw new StreamError('unavailable', 'the answer was lost');
				return result;
			};
		};
		const { log, store } = world;
		const ports = {
			...world,
			log: {
				...log,
				append: flaky(log.append),
				read: flaky(log.read),
				bounds: flaky(log.bounds),
				saveLowWater: flaky(log.saveLowWater),
			},
			store: { ...store, load: flaky(store.load), commit: flaky(store.commit), published: flaky(store.published) },
		};
		const { group, finish } = start(ports, soloMembership(log), { batchRecordsMax: 3 });
		for (let round = 0; round < 10; round++) {
			away = true;
			await log.append(spread(10, round * 10));
			await until(() => !group.health().ready && refused > round * 2, 'not ready while away');
			assert.match(
				group
					.health()
					.partitions.map((p) => p.lastError ?? '')
					.join(),
				/away|lost/,
			);
			away = false;
			await until(() => group.health().ready, 'ready again');
		}
		await until(async () => new Set(await sessions(world)).size === 100, 'all outputs');
		await finish();
		// Copies carry the origin of what they are copies of.
		const origins = (await readAll(log, 'session')).map((r) => JSON.stringify(r.origin));
		assert.equal(new Set(origins).size, 100);
	});

	it('waits for a topic that a broker which has come back does not know yet', async () => {
		const world = createWorld();
		await world.log.append(spread(5));
		let unknown = 3;
		const log = {
			...world.log,
			read: async (...call: Parameters<typeof world.log.read>) => {
				if (unknown-- > 0) throw new StreamError('topic-unfit', 'trace: the broker does not know it');
				return await world.log.read(...call);
			},
		};
		const { finish } = start({ ...world, log }, soloMembership(world.log));
		await until(async () => (await sessions(world)).length === 5, 'all outputs');
		await finish();
	});

	it('takes no record for poison because log or store were away inside its step', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'b', 'c']);
		let failures = 5;
		const stage = echoStage(() => {
			if (failures-- > 0) throw new Error('facts', { cause: new StreamError('unavailable', 'away') });
			return undefined;
		});
		const { finish } = start(world, soloMembership(world.log), {}, stage);
		await until(async () => (await texts(world.log, 'session')).length === 3, 'the outputs');
		await finish();
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>']);
		assert.equal((await world.log.bounds('deadletter', 0)).end, 0);
		assert.equal(world.count('poison_records'), 0);
	});

	it('opens a fenced partition anew while it is its own', async () => {
		const world = createWorld();
		const { group, finish } = start(world, soloMembership(world.log));
		await feed(world.log, ['a']);
		await until(async () => (await texts(world.log, 'session')).length === 1, 'the first output');
		const snapshot = world.store.snapshot();
		await feed(world.log, ['b'], 1);
		await until(async () => (await texts(world.log, 'session')).length === 2, 'the second output');
		world.store.restore(snapshot);
		await feed(world.log, ['c'], 2);
		await until(async () => (await texts(world.log, 'session')).includes('<c>'), 'the third output');
		world.store.clear();
		await feed(world.log, ['d'], 3);
		await until(async () => (await texts(world.log, 'session')).includes('<d>'), 'the fourth output');
		await until(() => group.health().ready, 'ready');
		await finish();
		const seen = new Map((await readAll(world.log, 'session')).map((r) => [r.origin?.offset, text(r)]));
		assert.deepEqual([...seen].sort(), [
			[0, '<a>'],
			[1, '<b>'],
			[2, '<c>'],
			[3, '<d>'],
		]);
		assert.ok(world.events.some((e) => e.name === 'partition_retried' && e.reason === 'fenced'));
	});

	it('two members that both believe the same lose nothing and double nothing', async () => {
		const world = createWorld({ partitions: { trace: 2 } });
		const groups = [0, 1, 2].map(() => start(world, soloMembership(world.log), { batchRecordsMax: 2 }));
		for (let i = 0; i < 20; i++) {
			await world.log.append(spread(7, i * 7));
			await sleep(2);
		}
		await until(async () => new Set(await sessions(world)).size === 140, 'all outputs');
		await Promise.all(groups.map(({ finish }) => finish()));
		const origins = (await readAll(world.log, 'session')).map((r) => JSON.stringify(r.origin));
		assert.equal(new Set(origins).size, 140);
	});

	it('gives up on what no retry mends, after all others have stopped', async () => {
		const world = createWorld({ partitions: { trace: 2 } });
		const store: Store = {
			...world.store,
			load: async (scope) => {
				if (scope.partition === 1) throw new StreamError('store-corrupt', 'damaged');
				return await world.store.load(scope);
			},
		};
		const membership = soloMembership(world.log);
		let left = 0;
		const counting: Membership = {
			join: async (...args) => {
				const member = await membership.join(...args);
				return {
					leave: async () => {
						left += 1;
						await member.leave();
					},
				};
			},
		};
		const { group } = start({ ...world, store }, counting);
		await assert.rejects(group.done, (e) => e instanceof StreamError && e.code === 'store-corrupt');
		assert.equal(left, 1);
		assert.equal(group.health().ready, false);
	});

	it('joins again and again while the coordinator is away', async () => {
		const world = createWorld();
		let tries = 0;
		const membership: Membership = {
			join: async (...args) => {
				if (++tries < 4) throw new StreamError('unavailable', 'no coordinator');
				return await soloMembership(world.log).join(...args);
			},
		};
		const { group, finish } = start(world, membership);
		assert.equal(group.health().ready, false);
		await until(() => group.health().ready, 'joined');
		await finish();
		assert.equal(tries, 4);
	});

	it('leaves a runner that hangs to the fence when its partition comes back', async () => {
		const world = createWorld();
		await feed(world.log, ['a']);
		let hang: (() => void) | undefined;
		const store: Store = {
			...world.store,
			commit: async (scope, commit) => {
				if (hang === undefined)
					await new Promise<void>((resolve) => {
						hang = resolve;
					});
				return await world.store.commit(scope, commit);
			},
		};
		const membership = handMembership();
		const { finish } = start({ ...world, store }, membership, { stopMsMax: 50 });
		await sleep(1);
		membership.assign([0]);
		await until(() => hang !== undefined, 'the commit that hangs');
		membership.assign([]);
		membership.assign([0]);
		await until(async () => (await texts(world.log, 'session')).length === 1, 'the output');
		hang?.();
		await feed(world.log, ['b'], 1);
		await until(async () => (await texts(world.log, 'session')).length === 2, 'the second output');
		await finish();
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>']);
		assert.equal(world.count('runner_abandoned'), 1);
	});

	it('opens no more partitions at once than it may', async () => {
		const world = createWorld({ partitions: { trace: 40 } });
		let opening = 0;
		let most = 0;
		const store: Store = {
			...world.store,
			load: async (scope) => {
				most = Math.max(most, ++opening);
				await sleep(1);
				opening -= 1;
				return await world.store.load(scope);
			},
		};
		const { group, finish } = start({ ...world, store }, soloMembership(world.log), { openingMax: 3 });
		await until(() => group.health().ready, 'ready');
		await finish();
		assert.equal(most, 3);
	});
});
