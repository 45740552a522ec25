// How many events the sensor lost, from scrapes of its metrics. Pure.
import type { Loss, LossCounters } from '@affidavit/model/generated/trace.ts';
import { parseCounters } from './prometheus.ts';

/**
 * Tetragon's counters of lost events (docs: tetragon.io, reference, metrics). Not among them, though one might think so:
 * tetragon_process_cache_evictions_total, which counts ordinary removals of ended processes, and what was really missed
 * because of one shows in tetragon_events_missing_process_info_total.
 */
export const lossCounterNames: ReadonlySet<string> = new Set([
	'tetragon_bpf_missed_events_total',
	'tetragon_observer_ringbuf_events_lost_total',
	'tetragon_observer_ringbuf_queue_events_lost_total',
	'tetragon_notify_overflowed_events_total',
	'tetragon_export_ratelimit_events_dropped_total',
	'tetragon_missed_prog_probes_total',
	'tetragon_missed_link_probes_total',
	'tetragon_events_missing_process_info_total',
]);

/** Series of one scrape, at most. */
const seriesMax = 1000;
/** A label value can be long; a counter's name in a loss is cut here. */
const counterLengthMax = 300;

/** Loss counters of one scrape by name and labels. */
export type Counters = ReadonlyMap<string, number>;

/** Null when the text holds none of the counters: it is no scrape of Tetragon, so nothing is known. */
export function readLossCounters(scrape: string): Counters | null {
	const counters = parseCounters(scrape, lossCounterNames, seriesMax);
	return counters.size === 0 ? null : counters;
}

export interface Growth {
	/** Counters that grew, sorted by name. */
	grown: { counter: string; count: number }[];
	counters: LossCounters;
	notes: string[];
}

const byCounter = (a: { counter: string }, b: { counter: string }): number =>
	a.counter < b.counter ? -1 : a.counter > b.counter ? 1 : 0;

/** Growth between two scrapes. A counter absent before was 0; when one shrank, the sensor was restarted and all count whole. */
export function growthOf(before: Counters, after: Counters): { grown: Growth['grown']; restarted: boolean } {
	const grown: Growth['grown'] = [];
	let restarted = false;
	// A series that is gone tells nothing: it goes with its policy.
	for (const [counter, value] of before) if ((after.get(counter) ?? value) < value) restarted = true;
	for (const [counter, value] of after) {
		const earlier = restarted ? 0 : (before.get(counter) ?? 0);
		const count = Math.round(value - earlier);
		if (count > 0 && Number.isSafeInteger(count)) grown.push({ counter: counter.slice(0, counterLengthMax), count });
	}
	grown.sort(byCounter);
	return { grown, restarted };
}

/**
 * Growth over several scrapes in order of time. A single scrape is compared with a fresh sensor's zeros: what it had lost
 * before the recording cannot be told apart, and is counted.
 */
export function growthBetween(scrapes: readonly string[]): Growth {
	const notes: string[] = [];
	const total = new Map<string, number>();
	let known = scrapes.length > 0;
	let before: Counters | null = scrapes.length === 1 ? new Map() : null;
	for (const [index, scrape] of scrapes.entries()) {
		const after = readLossCounters(scrape);
		if (after === null) {
			known = false;
			notes.push(
				`metrics ${index + 1} of ${scrapes.length}: none of Tetragon's loss counters: expected a scrape of it`,
			);
			continue;
		}
		if (before !== null) {
			const growth = growthOf(before, after);
			if (growth.restarted)
				notes.push(`metrics ${index + 1} of ${scrapes.length}: a counter shrank: the sensor was restarted in between`);
			for (const { counter, count } of growth.grown) total.set(counter, (total.get(counter) ?? 0) + count);
		}
		before = after;
	}
	const grown = [...total].map(([counter, count]) => ({ counter, count }));
	grown.sort(byCounter);
	return { grown, counters: known ? 'known' : 'unknown', notes };
}

/** What grew, as losses of the interval in which the file was recorded (microseconds). */
export const lossesOf = (grown: Growth['grown'], interval: { fromUs: number; toUs: number }): Loss[] =>
	grown.map(({ counter, count }) => ({ counter, count, ...interval }));
