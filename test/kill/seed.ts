// One seed: a job whose runs are killed at seeded points until one gets through; then compared with the undisturbed job.
import { watch } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { seededRandom } from '../e2e/random.ts';
import { type Job, type Outcome, openJob, outcomeOf } from './job.ts';

/** What a job gives, and how long it takes, when nobody kills it. */
export interface Undisturbed {
	outcome: Outcome;
	durationMs: number;
}

export const streams = ['07-net-foreign', '02a-go-swap'] as const;
const killsMax = 4;

export async function undisturbed(stream: string): Promise<Undisturbed> {
	const job = await openJob(stream, 0);
	try {
		const startedMs = performance.now();
		const run = await job.run();
		const durationMs = performance.now() - startedMs;
		const outcome = outcomeOf(job, run);
		if (outcome.sessions.length === 0 || outcome.webhookIds.length === 0 || outcome.jobsLeft.length > 0)
			throw new Error(`${stream}: the undisturbed run is no yardstick: ${run.stderr}`);
		return { outcome, durationMs };
	} finally {
		await job.remove();
	}
}

type Kill =
	/** So long after the start, milliseconds. */
	| { kind: 'time'; ms: number }
	/** When so many posts have come, before they are answered. */
	| { kind: 'post'; nth: number }
	/** When so many changes of the output folder were seen. */
	| { kind: 'output'; nth: number };

export interface Plan {
	stream: string;
	refusals: number;
	kills: Kill[];
}

/** The same for the same seed, but for the durations that were measured. */
export function planOf(seed: number, durationMs: (stream: string) => number): Plan {
	const random = seededRandom(seed);
	const stream = random() < 0.8 ? streams[0] : streams[1];
	const refusals = random() < 0.2 ? 1 + Math.floor(random() * 3) : 0;
	const kills: Kill[] = [];
	const count = 1 + Math.floor(random() * killsMax);
	for (let i = 0; i < count; i++) {
		const kind = random();
		const at = random();
		if (kind < 0.6) kills.push({ kind: 'time', ms: at * durationMs(stream) });
		else if (kind < 0.8) kills.push({ kind: 'post', nth: 1 + Math.floor(at * 4) });
		else kills.push({ kind: 'output', nth: 1 + Math.floor(at * 30) });
	}
	return { stream, refusals, kills };
}

export interface SeedResult {
	seed: number;
	/** How many runs were really killed; the others had ended before. */
	killed: number;
	/** In words; empty when the outcome is that of the undisturbed job. */
	differences: string[];
}

export async function playSeed(seed: number, expected: ReadonlyMap<string, Undisturbed>): Promise<SeedResult> {
	const plan = planOf(seed, (stream) => expected.get(stream)?.durationMs ?? 0);
	const yardstick = expected.get(plan.stream);
	if (yardstick === undefined) throw new Error(`no undisturbed run of ${plan.stream}`);
	const job = await openJob(plan.stream, plan.refusals);
	let killed = 0;
	try {
		for (const kill of plan.kills) {
			const run = await killedRun(job, kill);
			if (run.signal === 'SIGKILL') killed++;
			else if (run.code !== yardstick.outcome.code)
				return { seed, killed, differences: [`a run between kills ended with ${run.code}: ${run.stderr}`] };
		}
		const run = await job.run();
		const differences = compare(yardstick.outcome, outcomeOf(job, run));
		return { seed, killed, differences: differences.length > 0 ? [...differences, run.stderr] : [] };
	} finally {
		await job.remove();
	}
}

async function killedRun(job: Job, kill: Kill): ReturnType<Job['run']> {
	const end = new AbortController();
	const { answer } = job.receiver;
	try {
		return await job.run((now) => {
			switch (kill.kind) {
				case 'time': {
					const timer = setTimeout(now, kill.ms);
					end.signal.addEventListener('abort', () => clearTimeout(timer));
					return;
				}
				case 'post': {
					const before = job.receiver.received.length;
					job.receiver.answer = (response, request, count) => {
						if (count - before === kill.nth) now();
						answer(response, request, count);
					};
					return;
				}
				case 'output': {
					let seen = 0;
					watch(job.out, { recursive: true, signal: end.signal }, () => {
						if (++seen === kill.nth) now();
					});
				}
			}
		});
	} finally {
		job.receiver.answer = answer;
		end.abort();
	}
}

function compare(expected: Outcome, actual: Outcome): string[] {
	const differences: string[] = [];
	for (const key of Object.keys(expected) as (keyof Outcome)[])
		if (!isDeepStrictEqual(actual[key], expected[key]))
			differences.push(`${key}: ${JSON.stringify(actual[key])}, expected ${JSON.stringify(expected[key])}`);
	return differences;
}
