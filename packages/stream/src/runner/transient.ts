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

/**
 * True for what passes by itself: a log or store that is away or has no room, another worker that was first, a topic that was
 * there at the start and that a broker which has just come back does not know yet.
 */
export function isTransient(error: unknown): boolean {
	switch (streamCodeOf(error)) {
		case 'unavailable':
		case 'log-full':
		case 'store-full':
		case 'fenced':
		case 'topic-unfit':
			return true;
		default:
			return false;
	}
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
