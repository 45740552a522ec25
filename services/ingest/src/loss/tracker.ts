// Follows the sensor's loss counters over scrapes. Pure; its state is part of the agent's checkpoint, so that what was lost
// while the agent was down shows too.
import type { Loss, LossCounters } from '@affidavit/model/generated/trace.ts';
import { growthOf, readLossCounters } from './growth.ts';
import type { Scrape } from './scrape.ts';

export interface TrackerState {
	/** Counters of the last good scrape; null before the first. */
	counters: [string, number][] | null;
	/** When it was taken, microseconds since 1970. */
	takenUs: number;
}

export const newTrackerState = (): TrackerState => ({ counters: null, takenUs: -1 });

export interface LossTracker {
	/** Takes a scrape in; returns what was lost since the good one before, and why the scrape is of no use, if so. */
	scraped(scrape: Scrape, nowUs: number): { losses: Loss[]; problem: string | null; restarted: boolean };
	/** `known` while the last scrape was good. */
	lossCounters(): LossCounters;
	state(): TrackerState;
}

export function createLossTracker(saved: TrackerState): LossTracker {
	let counters = saved.counters === null ? null : new Map(saved.counters);
	let { takenUs } = saved;
	let known: LossCounters = 'unknown';
	return {
		scraped(scrape, nowUs) {
			const found = scrape.kind === 'ok' ? readLossCounters(scrape.text) : null;
			if (found === null) {
				known = 'unknown';
				const problem = scrape.kind === 'error' ? scrape.message : "none of Tetragon's loss counters in the scrape";
				return { losses: [], problem, restarted: false };
			}
			const growth = counters === null ? { grown: [], restarted: false } : growthOf(counters, found);
			const interval = { fromUs: takenUs, toUs: nowUs };
			counters = new Map(found);
			takenUs = nowUs;
			known = 'known';
			return {
				losses: growth.grown.map((grown) => ({ ...grown, ...interval })),
				problem: null,
				restarted: growth.restarted,
			};
		},
		lossCounters: () => known,
		state: () => ({ counters: counters === null ? null : [...counters], takenUs }),
	};
}
