// Faults on the way of one host's records: each is detected, and no other session changes, whatever else happens.
// A failing seed is in the message: SIM_SEED=… runs it alone, SIM_RUNS=… runs more.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import { createRandom } from '../../packages/stream/test/sim/random.ts';
import { newHostKey } from './delivery.ts';
import { type Fault, faults } from './faults.ts';
import type { Outcome } from './outcome.ts';
import { loadRecordings, type Recordings } from './recordings.ts';
import { expectedOf, hostKey, inputsOf, planRun, play, type Run, worldOf } from './run.ts';
import type { Disturbance } from './simulator.ts';

const runs = Number(process.env['SIM_RUNS'] ?? 4);
const only = process.env['SIM_SEED'];
const seeds = only === undefined ? Array.from({ length: runs }, (_, i) => i + 1) : [Number(only)];
const stranger = newHostKey();

let folder: string;
let recordings: Recordings;
before(async () => {
	folder = mkdtempSync(join(tmpdir(), 'affidavit-sim-repositories-'));
	const all = await loadRecordings(folder);
	// Within the skew as a whole, so that a gap anywhere touches every session.
	recordings = { ...all, synthetic: all.synthetic.filter(({ name }) => name !== 'sixSteps') };
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The first host is the victim, the second one a bystander. */
function planFault(seed: number): Run {
	for (let n = seed; ; n += 100_000) {
		const run = planRun(n, recordings);
		if (run.hosts.length !== 2) continue;
		const plans = run.plans.map((plan) => ({ ...plan, shuffleUs: Math.min(plan.shuffleUs, 4_000_000), batchMax: 12 }));
		return { ...run, plans, skewUs: 10_000_000 };
	}
}

const idsOf = (outcome: Outcome, host: string): string[] =>
	[...outcome.hosts].filter(([, name]) => name === host).map(([id]) => id);

/** Dead letters without their offsets, which differ between runs. */
const brief = ({ sessions, deadLetters }: Outcome): unknown => ({
	sessions: [...sessions].sort(([a], [b]) => (a < b ? -1 : 1)),
	deadLetters: deadLetters.map(({ stage, code, digest }) => `${stage} ${code} ${digest}`).sort(),
});

async function checkFault(fault: Fault, seed: number): Promise<void> {
	const run = planFault(seed);
	const random = createRandom(seed ^ 0xfa17);
	const [victim, bystander] = run.hosts.map((host) => host.recording.host) as [string, string];
	const inputs = new Map<string, readonly OutRecord[]>(inputsOf(run));
	inputs.set(
		victim,
		fault.apply(
			{
				host: victim,
				key: hostKey(victim),
				records: inputs.get(victim) ?? [],
				other: { host: bystander, key: hostKey(bystander) },
				stranger,
			},
			random,
		),
	);
	const { outcome } = await play(worldOf(run, recordings, inputs), null);
	assert.deepEqual(
		outcome.deadLetters.map(({ code }) => code),
		fault.deadLetters,
	);
	const clean = await expectedOf(run.hosts[0] as Run['hosts'][0], recordings);
	const ids = idsOf(outcome, victim);
	assert.ok(ids.length > 0, 'the victim has sessions');
	if (fault.sessions === 'unchanged') assert.deepEqual(new Set(ids), new Set(clean.sessions.keys()));
	for (const id of ids) {
		const session = outcome.sessions.get(id);
		const seen = session?.gaps.some((gap) => gap.startsWith(fault.gap)) && session.verdict !== 'passed';
		if (fault.sessions === 'incomplete')
			assert.ok(seen, `${session?.verdict}: expected ${fault.gap} among ${session?.gaps}`);
		else assert.deepEqual(session, clean.sessions.get(id));
	}
	const others = await expectedOf(run.hosts[1] as Run['hosts'][0], recordings);
	for (const [id, session] of others.sessions) assert.deepEqual(outcome.sessions.get(id), session, 'of the bystander');

	const disturbance: Disturbance = { seed, steps: 1500, crash: 0.01, zombie: 0.003, lostStore: 0.002 };
	const disturbed = await play(worldOf(run, recordings, inputs), disturbance);
	assert.deepEqual(brief(disturbed.outcome), brief(outcome), 'disturbed as well');
}

for (const fault of faults)
	describe(`a fault, simulated: ${fault.name}`, () => {
		it(`is ${fault.sessions === 'unchanged' ? 'healed' : 'seen'}, and changes nobody else`, async () => {
			for (const seed of seeds)
				try {
					await checkFault(fault, seed);
				} catch (error) {
					throw new Error(`SIM_SEED=${seed}: ${fault.name}`, { cause: error });
				}
		});
	});
