// Keeps wrong clocks out of a recorded stream (design 6, "Time"): an event more than ten minutes ahead of the next hundred
// events, or behind what was accepted, never moves time. Pure; what is decided for an item depends on the items after it
// and on the newest accepted time alone, so that a resumed run decides the same.

/** More than this ahead of the median of the look-ahead, or behind the newest accepted event: refused. */
export const clockToleranceUs = 10 * 60 * 1_000_000;
/** The first event of a stream has nothing before it to be compared with; a stream may idle after it, but not for a day. */
export const firstEventLagUsMax = 24 * 60 * 60 * 1_000_000;
/** Events that are looked ahead. */
export const lookAheadEvents = 100;
/** Bytes of input that are looked ahead, at most. */
export const lookAheadBytesMax = 8 * 1024 * 1024;
/** Items released in one go, so that the common case costs two comparisons an event. */
const releaseRun = 256;

export interface Timed {
	/** Microseconds since 1970. */
	timeUs: number;
	/** Bytes of input that it holds in memory. */
	inputBytes: number;
}

export interface ClockWindow<T extends Timed> {
	push(item: T): void;
	/** Hands the items whose look-ahead is complete to `sink`, in order, with the median they are judged by. */
	release(sink: WindowSink<T>): void;
	/** End of the stream: what is left is judged by the last window. */
	finish(sink: WindowSink<T>): void;
	/** Oldest item not yet released. */
	head(): T | undefined;
}

/** `medianUs`: of the look-ahead; NaN when no look-ahead can refuse the item. */
export type WindowSink<T> = (item: T, medianUs: number) => void;

export function createClockWindow<T extends Timed>(): ClockWindow<T> {
	let queue: T[] = [];
	let queueBytes = 0;

	/** Index after the look-ahead of `index`, or -1 when more input is needed to know it. */
	const lookAheadEnd = (index: number): number => {
		let bytes = 0;
		for (let at = index + 1; at < queue.length; at++) {
			if (at - index > lookAheadEvents) return at;
			bytes += (queue[at] as T).inputBytes;
			if (bytes > lookAheadBytesMax) return at + 1;
		}
		return queue.length - index > lookAheadEvents ? queue.length : -1;
	};

	const drop = (count: number): void => {
		for (let at = 0; at < count; at++) queueBytes -= (queue[at] as T).inputBytes;
		queue = queue.slice(count);
	};

	return {
		push(item) {
			queue.push(item);
			queueBytes += item.inputBytes;
		},
		release(sink) {
			if (queue.length < lookAheadEvents + releaseRun && queueBytes <= 2 * lookAheadBytesMax) return;
			const calm = spread(queue) <= clockToleranceUs;
			let released = 0;
			for (; released < queue.length; released++) {
				const end = lookAheadEnd(released);
				if (end < 0) break;
				sink(queue[released] as T, calm ? Number.NaN : medianOf(queue, released + 1, end));
			}
			drop(released);
		},
		finish(sink) {
			let at = 0;
			for (; at < queue.length; at++) {
				const end = lookAheadEnd(at);
				if (end < 0) break;
				sink(queue[at] as T, medianOf(queue, at + 1, end));
			}
			const last = medianOf(queue, Math.max(0, queue.length - lookAheadEvents), queue.length);
			for (; at < queue.length; at++) sink(queue[at] as T, last);
			queue = [];
			queueBytes = 0;
		},
		head: () => queue[0],
	};
}

/** Why the clock of an event is wrong, or null. `newestUs`: newest accepted time, -1 before the first. `medianUs` as the window gives it. */
export function clockError(timeUs: number, medianUs: number, newestUs: number): string | null {
	if (timeUs - medianUs > clockToleranceUs)
		return `time: ${secondsText(timeUs - medianUs)} ahead of the events around it: expected at most 600 s`;
	if (newestUs >= 0 && newestUs - timeUs > clockToleranceUs)
		return `time: ${secondsText(newestUs - timeUs)} behind the newest event: expected at most 600 s`;
	if (newestUs < 0 && medianUs - timeUs > firstEventLagUsMax)
		return `time: ${secondsText(medianUs - timeUs)} behind the events after it: expected at most a day`;
	return null;
}

const secondsText = (us: number): string => `${Math.round(us / 1e6)} s`;

function spread<T extends Timed>(items: readonly T[]): number {
	let least = Number.POSITIVE_INFINITY;
	let most = Number.NEGATIVE_INFINITY;
	for (const item of items) {
		if (item.timeUs < least) least = item.timeUs;
		if (item.timeUs > most) most = item.timeUs;
	}
	return most - least;
}

/** Lower median of the times of items[from, to). */
function medianOf<T extends Timed>(items: readonly T[], from: number, to: number): number {
	const times: number[] = [];
	for (let at = from; at < to; at++) times.push((items[at] as T).timeUs);
	times.sort((a, b) => a - b);
	return times[(times.length - 1) >> 1] ?? Number.NaN;
}
