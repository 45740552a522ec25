// `npm run test:day`: 24 simulated hours of a fleet with the memory of each service flat over the last half (docs/testing.md).
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '../bench/temporary-folder.ts';
import { MissingTool } from '../servers/tools.ts';
import { type DayResult, playDay } from './day.ts';
import { daySettings } from './settings.ts';

const help = `npm run test:day -- [--hours 24] [--hosts 20] [--minutes 12] [--seed 1] [--leak redis|heap] [--json] [--keep]

Plays that many hours of a fleet of that many hosts through the real services on a Kafka and a Redis of its own, in that many
minutes or as long as the services need, and looks at the memory of each service and of Redis. Exit code 1 when one of them has
grown from the third to the fourth quarter. --leak keeps something that should not be kept: then it must fail.
`;

const { values } = parseArgs({
	options: {
		hours: { type: 'string', default: '24' },
		hosts: { type: 'string', default: '20' },
		minutes: { type: 'string', default: '12' },
		seed: { type: 'string', default: '1' },
		leak: { type: 'string', default: 'none' },
		json: { type: 'boolean', default: false },
		keep: { type: 'boolean', default: false },
		help: { type: 'boolean', short: 'h', default: false },
	},
});

function positive(name: 'hours' | 'hosts' | 'minutes' | 'seed'): number {
	const value = Number(values[name]);
	if (!(value > 0 && value <= 10_000)) throw new RangeError(`--${name}: ${values[name]}: expected a number above 0`);
	return value;
}

function leak(): 'none' | 'redis' | 'heap' {
	const { leak: name } = values;
	if (name === 'none' || name === 'redis' || name === 'heap') return name;
	throw new RangeError(`--leak: ${name}: expected redis or heap`);
}

const amount = (value: number, unit: 'bytes' | 'keys'): string =>
	unit === 'bytes' ? `${(value / 1024 / 1024).toFixed(1)} MB` : String(Math.round(value));

function render(result: DayResult): string {
	const { hours, hosts, wallMinutes, counts, batches, sessions, verdicts, deadLetters, figures } = result;
	const lines = [
		`${hours} hours of ${hosts} hosts in ${wallMinutes.toFixed(1)} minutes: ${counts.builds} builds, ${counts.events} events, ${batches} batches, ${counts.absences} absences, ${counts.reboots} reboots`,
		`sessions closed: ${sessions} ${JSON.stringify(verdicts)}; dead letters ${JSON.stringify(deadLetters)}`,
		...figures.map(
			({ name, unit, quarters, growth }) =>
				`${name.padEnd(20)} ${quarters.map((value) => amount(value, unit).padStart(10)).join('')}  ${growth ?? 'flat'}`,
		),
	];
	return `${lines.join('\n')}\n`;
}

async function main(): Promise<void> {
	const folder = temporaryFolder();
	try {
		const result = await playDay(
			folder,
			daySettings({
				hours: positive('hours'),
				hosts: positive('hosts'),
				minutes: positive('minutes'),
				seed: positive('seed'),
				leak: leak(),
				told: (line) => void process.stderr.write(`${line}\n`),
			}),
		);
		process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : render(result));
		if (result.figures.some(({ growth }) => growth !== null)) process.exitCode = 1;
	} finally {
		if (values.keep) process.stderr.write(`what it left: ${folder}\n`);
		else await rm(folder, { recursive: true, force: true });
	}
}

if (values.help) process.stdout.write(help);
else
	await main().catch((error: unknown) => {
		if (!(error instanceof MissingTool || error instanceof RangeError)) throw error;
		process.stderr.write(`test:day: ${error.message}\n`);
		process.exitCode = 2;
	});
