// Which input records a restart has to read again: those with events that still wait, and those that open sessions need.

export interface RecordTrail {
	/** Records with events newer than what is settled, in order of offset. */
	open: { offset: number; newestUs: number }[];
	/** Sparse: before record `offset`, no event was newer than `newestUs`. In order. */
	marks: { offset: number; newestUs: number }[];
}

const marksMax = 128;
/** Between two marks, at least: they lie in the host's cell, which every commit writes. */
const markEveryUs = 20_000_000;

export const createRecordTrail = (): RecordTrail => ({ open: [], marks: [] });

/** Notes a record. `beforeUs`: newest event time before it; `newestUs`: newest event time in it, -1 when it has none. */
export function note(trail: RecordTrail, offset: number, beforeUs: number, newestUs: number): void {
	if (newestUs !== -1) trail.open.push({ offset, newestUs });
	const last = trail.marks.at(-1);
	if (last !== undefined && beforeUs - last.newestUs < (last.newestUs === -1 ? 1 : markEveryUs)) return;
	trail.marks.push({ offset, newestUs: beforeUs });
	// Every other mark goes, the older half only: near the present the marks stay dense.
	if (trail.marks.length > marksMax)
		trail.marks = trail.marks.filter((_, index) => index > marksMax / 2 || index % 2 === 0);
}

/** Oldest record with an event after `settledUs`; -1 when there is none. */
export function oldestOpen(trail: RecordTrail, settledUs: number): number {
	if (trail.open.length > 0) trail.open = trail.open.filter((record) => record.newestUs > settledUs);
	return trail.open[0]?.offset ?? -1;
}

/** Latest known offset before which no event was as new as `fromUs`; older marks are forgotten. */
export function rebuildFrom(trail: RecordTrail, fromUs: number): number {
	let at = 0;
	while (at + 1 < trail.marks.length && (trail.marks[at + 1] as { newestUs: number }).newestUs < fromUs) at++;
	if (at > 0) trail.marks.splice(0, at);
	return trail.marks[0]?.offset ?? -1;
}

/** As `rebuildFrom`, and forgets nothing. */
export function offsetBefore(trail: RecordTrail, fromUs: number): number {
	let offset = -1;
	for (const mark of trail.marks) {
		if (offset !== -1 && mark.newestUs >= fromUs) break;
		offset = mark.offset;
	}
	return offset;
}
