// `npm run test:kill -- --seeds N --start S`: kills `affidavit process` at seeded points; exit code 1 when a seed fails.
import { parseArgs } from 'node:util';
import { playSeeds } from './seeds.ts';

const { values } = parseArgs({
	options: { seeds: { type: 'string', default: '200' }, start: { type: 'string', default: '1' } },
});
const startedMs = performance.now();
const results = await playSeeds(Number(values.start), Number(values.seeds), ({ seed, killed, differences }) => {
	if (differences.length > 0)
		process.stderr.write(`seed ${seed} (killed ${killed} times):\n${differences.join('\n')}\n`);
});
const failed = results.filter((r) => r.differences.length > 0);
const killed = results.reduce((sum, r) => sum + r.killed, 0);
const seconds = Math.round((performance.now() - startedMs) / 1000);
process.stdout.write(`${results.length} seeds, ${killed} runs killed, ${failed.length} seeds failed, ${seconds} s\n`);
if (results.length === 0) throw new RangeError('--seeds: expected a number above 0');
if (failed.length > 0) {
	process.stdout.write(`failing seeds: ${failed.map((r) => r.seed).join(' ')} (again: --seeds 1 --start SEED)\n`);
	process.exitCode = 1;
}
