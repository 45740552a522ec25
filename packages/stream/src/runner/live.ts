// One partition at work: round after round, until a signal ends it or another worker has taken it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log, Topic } from '../ports.ts';
import type { PartitionRunner, PumpResult } from './partition-runner.ts';
import { backoffMs, sleep } from './wait.ts';

export type LiveEnd = { kind: 'stopped' } | { kind: 'fenced'; storedOffset: number };

/** Rejects with what a round threw. `onRound` hears of each round before what follows it. */
export async function runLive(
	runner: PartitionRunner,
	input: Topic,
	log: Log,
	signal: AbortSignal,
	onRound?: (result: PumpResult) => void,
): Promise<LiveEnd> {
	let blocked = 0;
	while (!signal.aborted) {
		const result = await runner.pump();
		onRound?.(result);
		switch (result.kind) {
			case 'progress':
				blocked = 0;
				// The embedded log answers without leaving the microtask queue: timers, signals and sources need a turn too.
				await nextTurn();
				break;
			case 'idle':
				blocked = 0;
				await log.waitForRecord(input, runner.partition, runner.position(), signal);
				break;
			case 'blocked':
				await sleep(backoffMs(blocked), signal);
				blocked += 1;
				break;
			case 'fenced':
				return { kind: 'fenced', storedOffset: result.storedOffset };
		}
	}
	return { kind: 'stopped' };
}
