// Known losses as event-time intervals; a session names those that overlap it when it closes, so that a filled gap is none.

export interface Gap {
	cause: string;
	detail: string;
	fromUs: number;
	toUs: number;
	/** Events lost; -1 unknown. */
	count: number;
}

export interface Gaps {
	list: Gap[];
	/** Event-time intervals for which the sensor's loss counters were not supplied. */
	unknown: { fromUs: number; toUs: number }[];
	/** Start of a throttling that has not ended; -1 when none. */
	throttledUs: number;
}

export const createGaps = (): Gaps => ({ list: [], unknown: [], throttledUs: -1 });

/** Remembers a gap; beyond `max`, it is merged with the nearest of its cause. */
export function addKnownGap(gaps: Gaps, gap: Gap, max: number): void {
	const last = gaps.list.at(-1);
	if (last !== undefined && mergeable(last, gap) && gap.fromUs <= last.toUs && gap.toUs >= last.fromUs) {
		mergeInto(last, gap);
		return;
	}
	if (gaps.list.length >= max) {
		const near = gaps.list.findLast((known) => mergeable(known, gap));
		if (near !== undefined) {
			mergeInto(near, gap);
			return;
		}
		// Another cause must still be visible: the oldest two of one cause become one.
		const oldest = gaps.list.shift() as Gap;
		const heir = gaps.list.find((known) => known.cause === oldest.cause) ?? gaps.list[0];
		if (heir !== undefined) mergeInto(heir, oldest);
	}
	gaps.list.push({ ...gap });
}

const mergeable = (a: Gap, b: Gap): boolean => a.cause === b.cause && a.detail === b.detail;

/** A sensor may claim any number; the sum must still be one that a batch can hold. */
const countMax = 2 ** 52;

function mergeInto(into: Gap, gap: Gap): void {
	into.fromUs = Math.min(into.fromUs, gap.fromUs);
	into.toUs = Math.max(into.toUs, gap.toUs);
	into.count = into.count === -1 || gap.count === -1 ? -1 : Math.min(into.count + gap.count, countMax);
}

const unknownJoinUs = 60_000_000;
const unknownMax = 1024;

/** Adds an interval without known counters; neighbours are joined. */
export function addUnknown(gaps: Gaps, fromUs: number, toUs: number): void {
	const last = gaps.unknown.at(-1);
	// Batches follow each other: what lies between two of them is as unknown as they are.
	if (last === undefined || (fromUs > last.toUs + unknownJoinUs && gaps.unknown.length < unknownMax))
		gaps.unknown.push({ fromUs, toUs });
	else {
		last.fromUs = Math.min(last.fromUs, fromUs);
		last.toUs = Math.max(last.toUs, toUs);
	}
}

export const overlapping = (gaps: Gaps, fromUs: number, toUs: number): Gap[] =>
	gaps.list.filter((gap) => gap.fromUs <= toUs && gap.toUs >= fromUs);

/** Forgets what ended before `keepUs`. */
export function forgetGaps(gaps: Gaps, keepUs: number): void {
	if (gaps.list.length > 0) gaps.list = gaps.list.filter((gap) => gap.toUs >= keepUs);
	if (gaps.unknown.length > 0) gaps.unknown = gaps.unknown.filter((interval) => interval.toUs >= keepUs);
}
