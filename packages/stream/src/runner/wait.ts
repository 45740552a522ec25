import { setTimeout as delay } from 'node:timers/promises';
import type { Log, Topic } from '../ports.ts';

const backoffMsMin = 5;
const backoffMsMax = 250;

/** Doubles from 5 ms to 250 ms. `attempt` counts from 0. */
export const backoffMs = (attempt: number): number => Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(attempt, 16));

/** Resolves after the time, or when `signal` aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
	try {
		await delay(ms, undefined, { signal });
	} catch (error) {
		if (!signal.aborted) throw error;
	}
}

/** Resolves when the partition holds something at `position` or after, or when `signal` aborts. */
export async function waitForInput(
	log: Log,
	topic: Topic,
	partition: number,
	position: number,
	signal: AbortSignal,
): Promise<void> {
	while (!signal.aborted) {
		const wake = new AbortController();
		const stop = (): void => wake.abort();
		signal.addEventListener('abort', stop);
		try {
			// First the wait, then the look: an append between the two must not be slept over.
			const appended = log.waitForAppend(topic, wake.signal);
			const { end } = await log.bounds(topic, partition);
			if (end > position) {
				stop();
				await appended;
				return;
			}
			await appended;
		} finally {
			signal.removeEventListener('abort', stop);
		}
	}
}
