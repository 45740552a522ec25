// The main test of the pipeline: whatever happens on the way, the same events give the same statements and findings.
// A failing seed is in the message: SIM_SEED=… runs it alone, SIM_RUNS=… runs more.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createRandom } from '../../packages/stream/test/sim/random.ts';
import { loadRecordings, type Recordings } from './recordings.ts';
import { expectedOutcome, inputsOf, planRun, play, type Run, worldOf } from './run.ts';
import type { Disturbance, Disturbed } from './simulator.ts';

const runs = Number(process.env['SIM_RUNS'] ?? 24);
const only = process.env['SIM_SEED'];
const seeds = only === undefined ? Array.from({ length: runs }, (_, i) => i + 1) : [Number(only)];

let folder: string;
let recordings: Recordings;
before(async () => {
	folder = mkdtempSync(join(tmpdir(), 'affidavit-sim-repositories-'));
	recordings = await loadRecordings(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function check(run: Run, disturbance: Disturbance | null): Promise<Disturbed> {
	const expected = await expectedOutcome(run, recordings);
	const words = `SIM_SEED=${run.seed}: ${run.hosts.map((h) => `${h.recording.name} (${h.kind})`).join(', ')}`;
	try {
		const { outcome, ...disturbed } = await play(worldOf(run, recordings, inputsOf(run)), disturbance);
		assert.deepEqual(outcome.deadLetters, []);
		assert.deepEqual([...outcome.sessions.keys()].sort(), [...expected.sessions.keys()].sort());
		for (const [id, session] of expected.sessions) assert.deepEqual(outcome.sessions.get(id), session, id);
		return disturbed;
	} catch (error) {
		const { hosts: _, ...rest } = run;
		throw new Error(`${words}: not the undisturbed outcome (${JSON.stringify({ rest, disturbance })})`, {
			cause: error,
		});
	}
}

const quiet = (seed: number): Disturbance => ({
	seed,
	steps: 100 + createRandom(seed ^ 0xabcd).below(4000),
	crash: 0,
	zombie: 0,
	lostStore: 0,
});

async function sumOver(
	recorded: boolean,
	variant: (seed: number) => Disturbance | null,
	hostsMax = 3,
): Promise<Disturbed> {
	const sum: Disturbed = { steps: 0, crashes: 0, fenced: 0, lostStores: 0 };
	for (const seed of recorded ? seeds.slice(0, Math.ceil(seeds.length / 20)) : seeds) {
		const one = await check(planRun(seed, recordings, recorded, hostsMax), variant(seed));
		for (const key of ['steps', 'crashes', 'fenced', 'lostStores'] as const) sum[key] += one[key];
	}
	return sum;
}

for (const recorded of [false, true])
	describe(`pipeline, simulated, on ${recorded ? 'a recorded stream' : 'synthetic streams'}: the undisturbed outcome`, () => {
		const reached = (count: number): boolean => only !== undefined || recorded || count > runs;

		it('shuffled within the skew, doubled, cut into any batches', async () => {
			await sumOver(recorded, () => null);
		});

		it('and when processes die anywhere', async (t) => {
			const sum = await sumOver(recorded, (seed) => ({ ...quiet(seed), crash: 0.02 }));
			t.diagnostic(JSON.stringify(sum));
			assert.ok(reached(sum.crashes), 'the simulation reached what it is for');
		});

		it('and when zombies go on beside their successors', async (t) => {
			const sum = await sumOver(recorded, (seed) => ({ ...quiet(seed), crash: 0.01, zombie: 0.01 }));
			t.diagnostic(JSON.stringify(sum));
			assert.ok(reached(sum.fenced), 'the simulation reached what it is for');
		});

		it('and when the store is lost as well', async (t) => {
			const sum = await sumOver(
				recorded,
				(seed) => ({ ...quiet(seed), crash: 0.01, zombie: 0.003, lostStore: 0.003 }),
				1,
			);
			t.diagnostic(JSON.stringify(sum));
			assert.ok(reached(sum.lostStores), 'the simulation reached what it is for');
		});

		it('and when the store is taken back to what it was, or lost, with calls that sleep through it', async (t) => {
			const sum = await sumOver(
				recorded,
				(seed) => ({
					...quiet(seed),
					crash: 0.005,
					zombie: 0.003,
					lostStore: seed % 2 ? 0.002 : 0,
					rolledBack: 0.003,
					paused: 0.02,
				}),
				1,
			);
			t.diagnostic(JSON.stringify(sum));
			assert.ok(reached(sum.lostStores), 'the simulation reached what it is for');
		});
	});
