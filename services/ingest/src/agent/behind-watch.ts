// Says when the agent cannot keep up: its source had always more to give for a while. Pure.

export interface BehindLimits {
	/** The source has not run dry for so long, milliseconds. */
	afterMs: number;
	/** Between two reports while it goes on, milliseconds. */
	everyMs: number;
}

export const behindLimits: BehindLimits = { afterMs: 10_000, everyMs: 30_000 };

export interface BehindWatch {
	/** After each pull. `nowMs` is monotonic. True when it should be said now. */
	note(idle: boolean, nowMs: number): boolean;
	/** Milliseconds since the source last ran dry. */
	behindMs(nowMs: number): number;
}

export function createBehindWatch(limits: BehindLimits = behindLimits): BehindWatch {
	let dryMs: number | null = null;
	let saidMs = Number.NEGATIVE_INFINITY;
	return {
		note(idle, nowMs) {
			if (idle || dryMs === null) dryMs = nowMs;
			if (nowMs - dryMs < limits.afterMs || nowMs - saidMs < limits.everyMs) return false;
			saidMs = nowMs;
			return true;
		},
		behindMs: (nowMs) => (dryMs === null ? 0 : nowMs - dryMs),
	};
}
