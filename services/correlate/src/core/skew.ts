// How far a host's clock is from the log's: log time minus observed time of its live batches. The least over a window is the
// skew and the shortest transport. Nothing of it is a fact: arrival times are not in a statement (design 4.3).

export interface Skew {
	/** Log time at which the window began, microseconds; -1 before the first batch. */
	windowUs: number;
	/** Least difference in the window so far. */
	leastUs: number;
	/** Of the last whole window, microseconds: above 0 the host's clock is behind the log's. null before. */
	measuredUs: number | null;
	/** As it was said last. */
	state: SkewState;
}

export type SkewState = 'within' | 'ahead' | 'behind';

const windowUs = 60_000_000;

export const createSkew = (): Skew => ({ windowUs: -1, leastUs: 0, measuredUs: null, state: 'within' });

/** Takes a batch; returns the new state when it has changed, else null. */
export function measureSkew(skew: Skew, loggedUs: number, observedUs: number, maxUs: number): SkewState | null {
	if (loggedUs < 0 || observedUs < 0) return null;
	const differenceUs = loggedUs - observedUs;
	if (skew.windowUs === -1) {
		skew.windowUs = loggedUs;
		skew.leastUs = differenceUs;
		return null;
	}
	skew.leastUs = Math.min(skew.leastUs, differenceUs);
	if (loggedUs < skew.windowUs + windowUs) return null;
	skew.measuredUs = skew.leastUs;
	skew.windowUs = loggedUs;
	skew.leastUs = differenceUs;
	const state: SkewState = skew.measuredUs > maxUs ? 'behind' : skew.measuredUs < -maxUs ? 'ahead' : 'within';
	if (state === skew.state) return null;
	skew.state = state;
	return state;
}
