import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Log } from '../../src/ports.ts';
import { openPartition } from '../../src/runner/partition-runner.ts';
import type { StepResult } from '../../src/stage.ts';
import { createWorld, echoStage, feed, out, pumpAll, texts } from './support.ts';

const hourUs = 3_600_000_000;

/** A log on a clock of the test's, that notes the lowest offset read of each topic. */
function clockedWorld() {
	const clock = { us: 1_000 * hourUs };
	const world = createWorld({ nowUs: () => clock.us });
	const lowest = new Map<string, number>();
	const log: Log = {
		...world.log,
		read: (topic, partition, offset, max) => {
			lowest.set(topic, Math.min(lowest.get(topic) ?? Number.POSITIVE_INFINITY, offset));
			return world.log.read(topic, partition, offset, max);
		},
	};
	return { ...world, log, clock, lowest };
}

/** Needs everything from the offset on for a rebuild. */
const openFrom = (offset: number) => (): Partial<StepResult> => ({ rebuildOffset: offset });

describe('a lost store, on a log that holds days', () => {
	it('reads back its outputs and its input no further than what is rebuilt needs', async () => {
		const world = clockedWorld();
		const { log, clock, lowest } = world;
		for (let hour = 0; hour < 100; hour++) {
			await feed(log, [`${hour}`], hour);
			// Of other writers, so that our own last output lies deep.
			await log.append(
				Array.from({ length: 200 }, (_, i) => ({
					...out('session', 'of another'),
					origin: { stage: 'other', partition: 0, offset: hour, index: i },
				})),
			);
			await pumpAll(await openPartition(echoStage(openFrom(Math.min(hour, 97))), 0, world));
			clock.us += hourUs;
		}
		lowest.clear();
		world.store.clear();
		const steps: number[] = [];
		const stage = echoStage((records) => {
			steps.push(...records.map((r) => r.offset));
			return openFrom(97)();
		});
		await pumpAll(await openPartition(stage, 0, world));
		assert.deepEqual(steps, [97, 98, 99]);
		// Input from an hour before 97 on; outputs from an hour before input 97's own time.
		assert.equal(lowest.get('trace'), 96);
		assert.equal(lowest.get('session'), 96 * 201);
		const own = (await texts(log, 'session')).filter((t) => t.startsWith('<'));
		assert.equal(own.length, 100);
	});

	it('looks back no more records than it may, and still tells the copies within them', async () => {
		const world = clockedWorld();
		const { log, lowest } = world;
		await feed(
			log,
			Array.from({ length: 50 }, (_, i) => `${i}`),
		);
		await pumpAll(await openPartition(echoStage(), 0, world));
		await feed(log, ['49'], 49);
		lowest.clear();
		world.store.clear();
		await pumpAll(await openPartition(echoStage(), 0, world, { lookbackRecordsMax: 10 }));
		assert.equal(lowest.get('trace'), 40);
		assert.equal((await log.bounds('session', 0)).end, 50);
	});

	it('finds its outputs though the broker’s clock was set back after the input', async () => {
		const world = clockedWorld();
		const { log, clock } = world;
		await feed(log, ['a', 'b']);
		clock.us -= hourUs / 2;
		await pumpAll(await openPartition(echoStage(openFrom(0)), 0, world));
		world.store.clear();
		await pumpAll(await openPartition(echoStage(), 0, world));
		assert.deepEqual(await texts(log, 'session'), ['<a>', '<b>']);
	});
});
