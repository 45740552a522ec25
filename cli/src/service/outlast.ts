// What a service needs before it can begin, tried until it is there: servers may start after it.
import { setTimeout as delay } from 'node:timers/promises';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';

const pauseMsMin = 200;
const pauseMsMax = 5000;

/** null when `signal` aborted first. Rejects with what no waiting mends. */
export async function outlast<T>(
	what: string,
	run: () => Promise<T>,
	{ emit, signal, random }: { emit: Emit; signal: AbortSignal; random: () => number },
): Promise<T | null> {
	for (let attempt = 0; !signal.aborted; attempt++) {
		try {
			return await run();
		} catch (error) {
			if (!(error instanceof StreamError && error.code === 'unavailable')) throw error;
			emit({
				name: 'start_delayed',
				stage: 'service',
				reason: what,
				intentional: false,
				message: `${what} does not answer: ${error.message}`,
				detail: { attempt },
			});
		}
		const pauseMs = Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(attempt, 8)) * (0.5 + random() / 2);
		await delay(pauseMs, undefined, { signal }).catch(() => {});
	}
	return null;
}
