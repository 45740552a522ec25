import { setTimeout as delay } from 'node:timers/promises';

const backoffMsMin = 5;
const backoffMsMax = 250;
const retryMsMin = 50;

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

/** Before the next try at something that is away: doubles from 50 ms to `msMax`, and then anything from the half of it on. */
export const retryMs = (attempt: number, msMax: number, random: () => number): number =>
	Math.min(msMax, retryMsMin * 2 ** Math.min(attempt, 16)) * (0.5 + random() / 2);
