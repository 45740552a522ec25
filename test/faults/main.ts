// `npm run test:faults`: the fleet on real Kafka and Redis while everything in it dies, by seed; exit code 1 when a seed fails.
import { parseArgs } from 'node:util';
import { MissingTool } from '../servers/tools.ts';
import { describePlan } from './plan.ts';
import { playSeeds } from './seeds.ts';

const help = `npm run test:faults -- [--seeds N] [--start S] [--hosts H] [--keep]

Plays N seeds (default 10) from S (default 1). Each: H hosts (default 20) replay recorded streams through Kafka and Redis of
the test's own, while agents, correlators, detectors, signers, Redis and the broker are killed, paused, rolled back and flushed
as the seed says. At the end every session's statements, findings and dead letters must be those of one undisturbed process.
Exit code 1 with the failing seeds; what they left is kept (with --keep, what all left).
`;

const { values } = parseArgs({
	options: {
		seeds: { type: 'string', default: '10' },
		start: { type: 'string', default: '1' },
		hosts: { type: 'string', default: '20' },
		keep: { type: 'boolean', default: false },
		help: { type: 'boolean', short: 'h', default: false },
	},
});

function wholeNumber(name: 'seeds' | 'start' | 'hosts', least: number): number {
	const value = Number(values[name]);
	if (!Number.isSafeInteger(value) || value < least)
		throw new RangeError(`--${name}: ${values[name]}: expected a whole number from ${least}`);
	return value;
}

async function main(): Promise<void> {
	const startedMs = performance.now();
	const hosts = wholeNumber('hosts', 1);
	const { keep } = values;
	const range = { seeds: wholeNumber('seeds', 1), start: wholeNumber('start', 0), hosts };
	const { results, kept } = await playSeeds({
		...range,
		keep,
		told: ({ seed, seconds, hit, plan, differences }) => {
			process.stdout.write(
				`seed ${seed}: ${differences.length === 0 ? 'ok' : 'FAILED'}, ${seconds} s: ${hit.join(' ')}\n`,
			);
			if (differences.length > 0)
				process.stdout.write(`${[...describePlan(plan), ...differences].map((line) => `    ${line}\n`).join('')}`);
		},
	});
	const failed = results.filter((result) => result.differences.length > 0);
	const seconds = Math.round((performance.now() - startedMs) / 1000);
	process.stdout.write(`${results.length} seeds, ${failed.length} failed, ${seconds} s\n`);
	if (kept !== null) process.stdout.write(`what they left: ${kept}\n`);
	if (failed.length === 0) return;
	const again = failed.map(({ seed }) => `  npm run test:faults -- --seeds 1 --start ${seed} --hosts ${hosts}\n`);
	process.stdout.write(`failing seeds: ${failed.map((f) => f.seed).join(' ')}\nagain:\n${again.join('')}`);
	process.exitCode = 1;
}

if (values.help) process.stdout.write(help);
else
	await main().catch((error: unknown) => {
		if (!(error instanceof MissingTool || error instanceof RangeError)) throw error;
		process.stderr.write(`test:faults: ${error.message}\n`);
		process.exitCode = 2;
	});
