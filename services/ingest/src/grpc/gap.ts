// Time without a stream, as losses: told at once when the stream breaks, then in pieces while it is away, and to the
// moment when it is back. The pieces touch each other: a session that ends during a long outage knows of it.
import type { Loss } from '@affidavit/model/generated/trace.ts';
import { disconnectedCounter } from '../source/live-source.ts';

export interface GapTracker {
	/** The stream delivered or was seen alive. */
	alive(nowUs: number): void;
	/** The stream broke; everything since it was last seen alive may be lost. */
	broke(reason: string, nowUs: number): void;
	/** The losses to tell now. Empty while the stream is there. */
	take(nowUs: number): Loss[];
}

/** Longest piece that is kept back while the stream is away. */
const pieceUs = 10_000_000;

/** Starts away: what happens between opening and the first sign of life is not seen. */
export function createGapTracker(startUs: number): GapTracker {
	let away = true;
	let reason = 'not-connected';
	/** Everything before it was seen, or told. */
	let coveredUs = startUs;
	let pending: Loss[] = [];
	let told = false;

	function tell(toUs: number): void {
		const counter = `${disconnectedCounter}{reason="${reason}"}`;
		// A clock that steps back must not make an interval that ends before it begins. Count 0: unknown.
		pending.push({ counter, count: 0, fromUs: Math.min(coveredUs, toUs), toUs });
		coveredUs = toUs;
		told = true;
	}

	return {
		alive(nowUs) {
			if (away) tell(nowUs);
			away = false;
			coveredUs = nowUs;
		},
		broke(why, nowUs) {
			if (!away) told = false;
			away = true;
			reason = why;
			if (!told) tell(nowUs);
		},
		take(nowUs) {
			if (away && nowUs - coveredUs >= pieceUs) tell(nowUs);
			const losses = pending;
			pending = [];
			return losses;
		},
	};
}
