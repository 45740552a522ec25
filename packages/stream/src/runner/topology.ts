// All stages of one process, partition by partition: until a signal stops them, or until everything is worked off.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StreamError } from '../errors.ts';
import type { Stage } from '../stage.ts';
import { runLive } from './live.ts';
import type { RunnerOptions, RunnerPorts } from './options.ts';
import { openPartition, type PartitionRunner } from './partition-runner.ts';
import { backoffMs, sleep } from './wait.ts';

export type PartitionOutcome = { stage: string; partition: number } & (
	| { kind: 'drained' }
	| { kind: 'stopped' }
	| { kind: 'fenced'; storedOffset: number }
);

export interface RunUntil {
	/** Stops after the round under way; what is committed and not published stays in the outbox for the next start. */
	signal?: AbortSignal;
	/**
	 * Settles when the sources have written their last. The run then goes on until every input is consumed and every
	 * outbox published, and ends `drained`. Without it the run ends by `signal` alone.
	 */
	until?: Promise<unknown>;
}

export interface Topology {
	readonly runners: readonly PartitionRunner[];
	/** Rejects with the first error of a partition, after all others have stopped. */
	run(run: RunUntil): Promise<PartitionOutcome[]>;
}

/**
 * Opens every partition of every stage. Sources start after this: only then does the log know who reads what, and keeps it.
 */
export async function openTopology(
	stages: readonly Stage[],
	ports: RunnerPorts,
	options: RunnerOptions = {},
): Promise<Topology> {
	const runners: PartitionRunner[] = [];
	const opened: { runner: PartitionRunner; stage: Stage }[] = [];
	for (const stage of stages)
		for (let partition = 0; partition < ports.log.partitions(stage.input); partition++) {
			const runner = await openPartition(stage, partition, ports, options);
			runners.push(runner);
			opened.push({ runner, stage });
		}
	return { runners, run: (run) => runAll(opened, ports, run) };
}

/** `openTopology` and `run` in one. */
export async function runTopology(
	stages: readonly Stage[],
	ports: RunnerPorts,
	options: RunnerOptions & RunUntil = {},
): Promise<PartitionOutcome[]> {
	const topology = await openTopology(stages, ports, options);
	return topology.run(options);
}

interface Opened {
	runner: PartitionRunner;
	stage: Stage;
}

async function runAll(opened: readonly Opened[], ports: RunnerPorts, run: RunUntil): Promise<PartitionOutcome[]> {
	const never = new AbortController().signal;
	const stop = run.signal ?? never;
	// Ends the first phase: by the caller's signal, by the end of the sources, or by a partition that failed.
	const live = new AbortController();
	const endLive = (): void => live.abort();
	stop.addEventListener('abort', endLive);
	if (stop.aborted) endLive();
	// The sources' failure is the caller's to report, once what they wrote is worked off.
	const sources = (run.until ?? new Promise(() => {})).then(endLive, endLive);
	try {
		const ends = await settle(
			opened.map((o) =>
				runOpened(o, ports, live.signal).catch((error: unknown) => {
					endLive();
					throw error;
				}),
			),
		);
		if (run.until === undefined || stop.aborted || ends.every((end) => end.kind === 'fenced')) return ends;
		await sources;
		return await drain(opened, ends, stop);
	} finally {
		stop.removeEventListener('abort', endLive);
		endLive();
	}
}

async function runOpened(
	{ runner, stage }: Opened,
	ports: RunnerPorts,
	signal: AbortSignal,
): Promise<PartitionOutcome> {
	const end = await runLive(runner, stage.input, ports.log, signal);
	return { stage: runner.stage, partition: runner.partition, ...end };
}

/** Rounds without progress after which a drain gives up: nobody else will make room. About 10 s. */
const drainBlockedMax = 45;

/** In rounds over all partitions: a round in which all were idle appended nothing, so it is the last. */
async function drain(
	opened: readonly Opened[],
	ends: readonly PartitionOutcome[],
	stop: AbortSignal,
): Promise<PartitionOutcome[]> {
	const outcomes = [...ends];
	let blocked = 0;
	while (!stop.aborted) {
		let idle = true;
		let progress = false;
		await settle(
			opened.map(async ({ runner }, i) => {
				const before = outcomes[i] as PartitionOutcome;
				if (before.kind === 'fenced') return;
				const result = await runner.pump();
				if (result.kind === 'fenced') outcomes[i] = { ...before, kind: 'fenced', storedOffset: result.storedOffset };
				else if (result.kind !== 'idle') idle = false;
				if (result.kind === 'progress') progress = true;
			}),
		);
		if (idle) return outcomes.map((o) => (o.kind === 'fenced' ? o : { ...o, kind: 'drained' }));
		if (progress) {
			blocked = 0;
			await nextTurn();
		} else if (blocked < drainBlockedMax) {
			await sleep(backoffMs(blocked), stop);
			blocked += 1;
		} else throw new StreamError('log-full', 'draining: the log is full and no stage can make room');
	}
	return outcomes;
}

/** Waits for all, then throws the first error: nobody works on a log that the caller has closed. */
async function settle<T>(promises: readonly Promise<T>[]): Promise<T[]> {
	const results = await Promise.allSettled(promises);
	const failed = results.find((r) => r.status === 'rejected');
	if (failed) throw failed.reason;
	return results.map((r) => (r as PromiseFulfilledResult<T>).value);
}
