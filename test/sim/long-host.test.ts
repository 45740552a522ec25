// An hour of one host, recorded: sessions after and beside each other, a daemon older than the horizon; processes die anywhere.
// A failing seed is in the message: SIM_SEED=… runs it alone, SIM_RUNS=… runs more.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createRandom } from '../../packages/stream/test/sim/random.ts';
import { randomPlan } from './delivery.ts';
import { longHost } from './long-host.ts';
import { decode, loadRecordings, type Recording, type Recordings } from './recordings.ts';
import { expectedOutcome, inputsOf, play, type Run, worldOf } from './run.ts';

const runs = Number(process.env['SIM_RUNS'] ?? 8);
const only = process.env['SIM_SEED'];
const seeds = only === undefined ? Array.from({ length: runs }, (_, i) => i + 1) : [Number(only)];
const skewUs = 10_000_000;

let folder: string;
let recordings: Recordings;
let recording: Recording;
before(async () => {
	folder = mkdtempSync(join(tmpdir(), 'affidavit-sim-repositories-'));
	recordings = await loadRecordings(folder);
	const commit = recordings.manifests.get('example/synthetic')?.manifest?.commit;
	assert.ok(commit);
	recording = decode('longHost', longHost(commit).lines());
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function check(seed: number): Promise<void> {
	const random = createRandom(seed);
	const plans = [randomPlan(random, 'file', 'known', skewUs)];
	const hosts = [{ recording, kind: 'file' as const, lossCounters: 'known' as const }];
	const run: Run = { seed, hosts, plans, partitions: 1 + random.below(2), skewUs };
	const expected = await expectedOutcome(run, recordings);
	assert.deepEqual(
		[...expected.sessions.values()].map(({ verdict }) => verdict),
		['passed', 'failed', 'failed', 'passed'],
	);
	const disturbance = { seed, steps: 3000, crash: 0.02, zombie: 0.005, lostStore: 0 };
	const { outcome } = await play(worldOf(run, recordings, inputsOf(run)), disturbance);
	assert.deepEqual(outcome.deadLetters, []);
	assert.deepEqual(outcome.sessions, expected.sessions);
}

describe('a host for an hour, simulated', () => {
	it('has the undisturbed outcome when processes die anywhere', async () => {
		for (const seed of seeds)
			try {
				await check(seed);
			} catch (error) {
				throw new Error(`SIM_SEED=${seed}`, { cause: error });
			}
	});
});
