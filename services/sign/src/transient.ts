// A full disk passes; a verdict that is dead-lettered for it stays unsigned. So what may pass is tried again, within bounds.
import type { Emit } from '@affidavit/stream/internal-event.ts';

/** Error codes of the system that another try can outlive. */
const transientCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY']);

const retriesMax = 6;
const firstDelayMs = 200;
/** Causes followed downwards. */
const causeDepthMax = 8;

/** Runs `work`, again after 0.2, 0.4, … 6.4 seconds when it fails for a transient reason; then lets the error out. */
export async function outlastTransient<T>(
	work: () => Promise<T>,
	emit: Emit,
	sleep: (ms: number) => Promise<void>,
): Promise<T> {
	for (let retry = 0; ; retry++) {
		try {
			return await work();
		} catch (error) {
			const code = transientCode(error);
			if (code === null || retry === retriesMax) throw error;
			emit({
				name: 'sign_retries',
				stage: 'sign',
				reason: code,
				intentional: false,
				message: `signing failed and is tried again: ${error instanceof Error ? error.message : String(error)}`,
			});
			await sleep(firstDelayMs * 2 ** retry);
		}
	}
}

function transientCode(error: unknown): string | null {
	let cause = error;
	for (let depth = 0; cause instanceof Error && depth < causeDepthMax; depth++) {
		if ('code' in cause && typeof cause.code === 'string' && transientCodes.has(cause.code)) return cause.code;
		cause = cause.cause;
	}
	return null;
}
