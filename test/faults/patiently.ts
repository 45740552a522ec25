import { setTimeout as sleep } from 'node:timers/promises';
import { StreamError } from '@affidavit/stream/errors.ts';

const triesMax = 50;

/** Again while a topic that has just been made has no leader yet. */
export async function patiently(call: () => Promise<unknown>): Promise<void> {
	for (let tries = 1; ; tries++)
		try {
			await call();
			return;
		} catch (error) {
			if (!(error instanceof StreamError && error.code === 'unavailable') || tries === triesMax) throw error;
			await sleep(100);
		}
}
