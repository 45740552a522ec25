// The agent's own clock: a step of the wall clock shows against the monotonic one. Pure.

/** A smaller step is none, microseconds: time synchronisation slews, and clocks are not read at the same moment. */
const stepUsMin = 1_000_000;
/** Share of the elapsed time by which a clock that is being corrected may run fast or slow. */
const slewMax = 0.001;

export interface ClockStep {
	/** Positive: the clock was set forward. */
	byUs: number;
	/** The interval that was skipped or lived twice, microseconds since 1970. */
	fromUs: number;
	toUs: number;
}

export interface ClockWatch {
	/** Both in microseconds. Null while the clocks agree. */
	note(wallUs: number, monotonicUs: number): ClockStep | null;
}

export function createClockWatch(): ClockWatch {
	let wall = -1;
	let monotonic = 0;
	return {
		note(wallUs, monotonicUs) {
			const elapsedUs = monotonicUs - monotonic;
			const expectedUs = wall + elapsedUs;
			const first = wall < 0;
			wall = wallUs;
			monotonic = monotonicUs;
			const byUs = wallUs - expectedUs;
			if (first || Math.abs(byUs) < stepUsMin + elapsedUs * slewMax) return null;
			return { byUs, fromUs: Math.min(expectedUs, wallUs), toUs: Math.max(expectedUs, wallUs) };
		},
	};
}
