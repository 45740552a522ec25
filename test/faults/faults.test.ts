// A fleet of processes on real Kafka and Redis while everything in it dies: a few seeds. `npm run test:faults` plays more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MissingTool } from '../servers/tools.ts';
import { describePlan, type Fault, planFaults } from './plan.ts';
import { playSeeds, type SeedsPlayed } from './seeds.ts';

const start = 5;
/** Seed 5 fails without the fence of the store. */
const seeds = 4;
const hosts = 20;

const allKinds: readonly Fault['kind'][] = [
	'kill-agent',
	'kill-worker',
	'add-worker',
	'remove-worker',
	'pause-worker',
	'kill-redis',
	'roll-back-redis',
	'flush-redis',
	'kill-broker',
];

test('faults: a plan is its seed alone, and these seeds have every kind of fault', () => {
	const plans = Array.from({ length: seeds }, (_, i) => planFaults(start + i, hosts));
	assert.deepEqual(
		plans.map((plan) => planFaults(plan.seed, hosts)),
		plans,
	);
	const kinds = new Set(plans.flatMap((plan) => plan.faults.map(({ fault }) => fault.kind)));
	assert.deepEqual([...kinds].sort(), [...allKinds].sort());
	const flushes = plans.flatMap(({ faults }) => faults.map(({ fault }) => fault));
	assert.ok(flushes.some((fault) => fault.kind === 'flush-redis' && fault.times === 2));
	assert.ok(flushes.some((fault) => fault.kind === 'pause-worker' && fault.flush));
});

test('faults: statements of one undisturbed process, no finding lost or doubled, the injected dead letters', async (t) => {
	let played: SeedsPlayed;
	try {
		played = await playSeeds({ start, seeds, hosts });
	} catch (error) {
		if (!(error instanceof MissingTool) || process.env.REQUIRE_SERVERS === '1') throw error;
		return t.skip(error.message);
	}
	const failed = played.results
		.filter(({ differences }) => differences.length > 0)
		.map(({ seed, plan, differences }) => [
			`npm run test:faults -- --seeds 1 --start ${seed}; what it left: ${played.kept}`,
			...describePlan(plan),
			...differences,
		]);
	assert.deepEqual(failed, []);
	// The faults hit what they were meant to.
	const seen = new Set(played.results.flatMap((result) => [...result.seen.keys()]));
	for (const event of ['store_rebuilt store-lost', 'partition_retried fenced', 'forward_resumed acknowledged'])
		assert.ok(seen.has(event), `${event}: not seen in ${[...seen].sort().join(', ')}`);
});
