// The main test of the commit protocol. A failing seed is in the message: SIM_SEED=… runs it alone, SIM_RUNS=… runs more.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom } from './random.ts';
import { runUndisturbed, type Seen, type SimulationOptions, type SimulationResult, simulate } from './simulator.ts';

const runs = Number(process.env['SIM_RUNS'] ?? 50);
const only = process.env['SIM_SEED'];
const seeds = only === undefined ? Array.from({ length: runs }, (_, i) => i + 1) : [Number(only)];

const sorted = (seen: Seen): [string, string[]][] => [...seen].sort(([a], [b]) => (a < b ? -1 : 1));

async function compare(options: SimulationOptions): Promise<SimulationResult> {
	const expected = await runUndisturbed(options.seed);
	try {
		const actual = await simulate(options);
		assert.deepEqual(sorted(actual.seen), sorted(expected.seen));
		// One letter each for those that a stage reads.
		assert.equal(actual.refused, actual.forged.get('session') ?? 0);
		return actual;
	} catch (error) {
		throw new Error(`SIM_SEED=${options.seed}: not the undisturbed run's outputs (${JSON.stringify(options)})`, {
			cause: error,
		});
	}
}

async function sumOver(
	variant: (seed: number) => SimulationOptions,
): Promise<Omit<SimulationResult, 'seen' | 'forged'> & { forged: number }> {
	const sum = { crashes: 0, fenced: 0, lostStores: 0, rolledBack: 0, copies: 0, trimmed: 0, forged: 0, refused: 0 };
	for (const seed of seeds) {
		const result = await compare(variant(seed));
		sum.crashes += result.crashes;
		sum.fenced += result.fenced;
		sum.lostStores += result.lostStores;
		sum.copies += result.copies;
		sum.rolledBack += result.rolledBack;
		sum.trimmed += result.trimmed;
		for (const count of result.forged.values()) sum.forged += count;
		sum.refused += result.refused;
	}
	return sum;
}

const stepsOf = (seed: number): number => 100 + createRandom(seed ^ 0xabcd).below(1500);
const quiet = (seed: number): SimulationOptions => ({ seed, steps: stepsOf(seed), crash: 0, zombie: 0, lostStore: 0 });

describe('commit protocol, simulated: readers see exactly what they see of an undisturbed run', () => {
	it('interleaved in any order', async () => {
		await sumOver(quiet);
	});

	it('when processes die anywhere', async (t) => {
		const sum = await sumOver((seed) => ({ ...quiet(seed), crash: 0.03 }));
		t.diagnostic(JSON.stringify(sum));
		if (only === undefined) assert.ok(sum.crashes > runs && sum.copies > 0, 'the simulation reached what it is for');
	});

	it('when zombies go on beside their successors', async (t) => {
		const sum = await sumOver((seed) => ({ ...quiet(seed), crash: 0.01, zombie: 0.02 }));
		t.diagnostic(JSON.stringify(sum));
		if (only === undefined) assert.ok(sum.fenced > runs, 'the simulation reached what it is for');
	});

	it('when the store is lost as well', async (t) => {
		const sum = await sumOver((seed) => ({ ...quiet(seed), crash: 0.02, zombie: 0.01, lostStore: 0.004 }));
		t.diagnostic(JSON.stringify(sum));
		if (only === undefined) assert.ok(sum.lostStores > runs, 'the simulation reached what it is for');
	});

	it('when the store is taken back to what it was, or lost, or both, with calls that sleep through it', async (t) => {
		const sum = await sumOver((seed) => {
			const options = { ...quiet(seed), crash: 0.01, zombie: 0.01, paused: 0.05 };
			return seed % 3 === 0
				? { ...options, rolledBack: 0.01 }
				: { ...options, lostStore: 0.008, ...(seed % 3 === 1 ? { rolledBack: 0.008 } : {}) };
		});
		t.diagnostic(JSON.stringify(sum));
		if (only === undefined)
			assert.ok(sum.rolledBack > runs && sum.lostStores > runs, 'the simulation reached what it is for');
	});

	it('when others write to every topic, with all of that going on', async (t) => {
		const sum = await sumOver((seed) => {
			const options = { ...quiet(seed), forged: 0.1 };
			if (seed % 4 === 0) return options;
			return { ...options, crash: 0.02, zombie: 0.01, lostStore: 0.004, rolledBack: 0.004, paused: 0.02 };
		});
		t.diagnostic(JSON.stringify(sum));
		if (only === undefined) assert.ok(sum.refused > runs, 'the simulation reached what it is for');
	});

	// What is checked at the end is never trimmed: about 30,000 bytes, and trace is refused from three quarters of the bound on.
	it('when the log is small: sources wait, consumed input is trimmed', async (t) => {
		const sum = await sumOver((seed) => ({ ...quiet(seed), crash: 0.02, zombie: 0.005, logBytesMax: 44_000 }));
		t.diagnostic(JSON.stringify(sum));
		if (only === undefined) assert.ok(sum.trimmed > runs, 'the simulation reached what it is for');
	});
});
