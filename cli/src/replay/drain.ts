// Runs the stages of a replay until they have worked off what they were given. One after the other: all of it is one thread's work.
import { setTimeout as delay } from 'node:timers/promises';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { PartitionRunner } from '@affidavit/stream/runner/partition-runner.ts';

/** Rounds in a row in which nobody could go on. */
const blockedMax = 20;
const blockedMs = 50;

/** In order of the flow: what one writes, the next reads in the same round. Resolves early when `signal` aborts. */
export async function drain(runners: readonly PartitionRunner[], signal: AbortSignal): Promise<void> {
	for (let blocked = 0; !signal.aborted; ) {
		const round = await pumpAll(runners, signal);
		if (round === 'idle') return;
		if (round === 'progress') {
			blocked = 0;
			// Signals need a turn.
			await new Promise((resolve) => setImmediate(resolve));
		} else if (blocked < blockedMax) {
			blocked += 1;
			await delay(blockedMs);
		} else throw new StreamError('log-full', "the replay's own log is full: limits.logBytesMax");
	}
}

type Round = 'progress' | 'blocked' | 'idle';

async function pumpAll(runners: readonly PartitionRunner[], signal: AbortSignal): Promise<Round> {
	let round: Round = 'idle';
	for (const runner of runners) {
		if (signal.aborted) return round;
		let result: Awaited<ReturnType<PartitionRunner['pump']>>;
		try {
			result = await runner.pump();
		} catch (error) {
			// A read that the signal has ended while the brokers were away.
			if (signal.aborted) return round;
			throw error;
		}
		if (result.kind === 'fenced') throw new Error(`${runner.stage}: another worker in the state of a replay`);
		if (result.kind === 'progress') round = 'progress';
		else if (result.kind === 'blocked' && round === 'idle') round = 'blocked';
	}
	return round;
}
