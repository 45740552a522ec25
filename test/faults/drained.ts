// When a fleet has worked everything off: by what its services say of themselves at /metrics, for a while.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic } from '@affidavit/stream/ports.ts';
import type { RunningFleet } from './disturb.ts';
import type { FleetWorld } from './world.ts';

/** Groups form anew after the last fault, lost stores are rebuilt. */
const drainMsMax = 240_000;
/** Longer than a worker that has just lost its partition takes to notice. */
const quietMs = 2_000;
const pollMs = 250;

const stages = [
	{ stage: 'correlate', input: 'trace' },
	{ stage: 'detect', input: 'session' },
	{ stage: 'trust', input: 'deadletter' },
	{ stage: 'sign', input: 'verdict' },
	{ stage: 'alert', input: 'finding' },
] as const satisfies readonly { stage: string; input: Topic }[];

/** In words what is not drained in time. */
export async function drained(world: FleetWorld, fleet: RunningFleet): Promise<string[]> {
	const untilMs = performance.now() + drainMsMax;
	let quietSince = Number.POSITIVE_INFINITY;
	let before = '';
	for (;;) {
		const now = performance.now();
		const left = await leftToDo(world, fleet);
		const ends = await endsOf(world);
		if (left.length > 0 || ends !== before) quietSince = Number.POSITIVE_INFINITY;
		else quietSince = Math.min(quietSince, now);
		before = ends;
		if (now - quietSince > quietMs) return [];
		if (now > untilMs) return [`not drained within ${drainMsMax} ms: ${left.join(', ')}`];
		await sleep(pollMs);
	}
}

async function endsOf({ log }: FleetWorld): Promise<string> {
	const ends: number[] = [];
	for (const { input } of stages)
		for (let partition = 0; partition < log.partitions(input); partition++)
			ends.push((await log.bounds(input, partition)).end);
	return ends.join(' ');
}

/** Partitions that no worker has, or that have input or outputs left. */
async function leftToDo({ log }: FleetWorld, { workers }: RunningFleet): Promise<string[]> {
	const pages = await Promise.all(
		Object.values(workers)
			.flat()
			.map((worker) => metricsOf(worker.news().find((one) => one['event'] === 'listening')?.['url'])),
	);
	const lag = new Map<string, number>();
	const pending = new Map<string, number>();
	for (const page of pages)
		for (const [, name, labels, value] of page.matchAll(series)) {
			const key = `${label(labels, 'stage')}/${label(labels, 'partition')}`;
			const into = name === 'affidavit_lag_records' ? lag : pending;
			into.set(key, Math.max(into.get(key) ?? 0, Number(value)));
		}
	const left: string[] = [];
	for (const { stage, input } of stages)
		for (let partition = 0; partition < log.partitions(input); partition++) {
			const key = `${stage}/${partition}`;
			const behind = lag.get(key);
			if (behind === undefined) left.push(`${key} without a worker`);
			else if (behind > 0) left.push(`${key} behind by ${behind}`);
			else if ((pending.get(key) ?? 0) > 0) left.push(`${key} with unpublished outputs`);
		}
	return left;
}

const series = /^(affidavit_lag_records|affidavit_outbox_pending)\{([^}]*)\} (\S+)$/gm;
const label = (labels: string | undefined, name: string): string | undefined =>
	new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels ?? '')?.[1];

async function metricsOf(url: unknown): Promise<string> {
	if (typeof url !== 'string') return '';
	try {
		const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) });
		return await answer.text();
	} catch {
		return '';
	}
}
