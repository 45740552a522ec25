// When a delivery is tried again. Pure: time and randomness come in.

export interface RetryPolicy {
	/** Tries of one message in all; after the last one it is a dead letter. */
	attemptsMax: number;
	/** Delay after the first failure, milliseconds; doubles with each. */
	delayMs: number;
	/** Longest delay, also of what a receiver asks for (Retry-After). */
	delayMsMax: number;
}

/** Eleven delays from 1 s to 15 min: about 50 minutes in all. */
export const defaultRetryPolicy: RetryPolicy = { attemptsMax: 12, delayMs: 1000, delayMsMax: 15 * 60_000 };

/** Milliseconds until the next try after `attempts` failures (1 and up); `random` in [0, 1). */
export function retryDelayMs(
	policy: RetryPolicy,
	attempts: number,
	retryAfterMs: number | null,
	random: number,
): number {
	const exponential = Math.min(policy.delayMsMax, policy.delayMs * 2 ** Math.min(attempts - 1, 30));
	// Half fixed, half random: receivers that fell over together are not met again all at once.
	const jittered = exponential / 2 + (exponential / 2) * random;
	return Math.round(Math.max(jittered, Math.min(retryAfterMs ?? 0, policy.delayMsMax)));
}

/** Retry-After (RFC 9110, 10.2.3): seconds or an HTTP date; null when absent or unreadable. Milliseconds from `nowMs`. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
	if (header === undefined || header.length > 64) return null;
	const text = header.trim();
	if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
	// An HTTP date has a weekday; Date.parse alone would also take "-1" or "2".
	if (!/^[A-Za-z]{3,9}, /.test(text)) return null;
	const at = Date.parse(text);
	return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
