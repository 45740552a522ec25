import { setTimeout as sleep } from 'node:timers/promises';
import { StreamError } from '@affidavit/stream/errors.ts';

/** Again while the brokers are away, or a topic that has just been made has no leader yet. */
export async function patiently<T>(call: () => Promise<T>, triesMax = 50): Promise<T> {
	for (let tries = 1; ; tries++)
		try {
			return await call();
		} catch (error) {
			if (!(error instanceof StreamError && error.code === 'unavailable') || tries === triesMax) throw error;
			await sleep(100);
		}
}
