// Which errors are nobody's fault but the outage's.
import { StreamError, type StreamErrorCode } from '../errors.ts';

const causesMax = 8;

/** The code of the StreamError that lies under an error; a stage may have wrapped it. null when there is none. */
export function streamCodeOf(error: unknown): StreamErrorCode | null {
	let at = error;
	for (let i = 0; i < causesMax && at instanceof Error; i++) {
		if (at instanceof StreamError) return at.code;
		at = at.cause;
	}
	return null;
}

/** True for what passes by itself: a log or store that is away or has no room, or another worker that was first. */
export function isTransient(error: unknown): boolean {
	const code = streamCodeOf(error);
	return code === 'unavailable' || code === 'log-full' || code === 'store-full' || code === 'fenced';
}

/** True when a step threw because of log or store, and would throw on any record. */
export function isOutsideRecord(error: unknown): boolean {
	switch (streamCodeOf(error)) {
		case null:
		case 'poison-record':
		case 'blob-corrupt':
		case 'blob-too-large':
		case 'log-corrupt':
		case 'store-corrupt':
		case 'commit-too-large':
			return false;
		default:
			return true;
	}
}
