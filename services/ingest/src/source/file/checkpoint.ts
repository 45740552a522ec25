// The cells in which a run over recorded files keeps what it has committed.
import type { FileIdentity } from './bytes.ts';
import type { LanePosition, LaneState } from './lane.ts';

/** Where a resumed run reads on, and what was counted until there. */
export interface RunState {
	/** The files in the order in which they are read. */
	files: FileIdentity[];
	/** Start of the oldest line that is in no committed record. */
	position: LanePosition;
	/** Last undecodable line that was counted and told. */
	told: { file: number; line: number };
	/** Event time of the last decoded line, microseconds; -1 before the first. It says about when a refused line was written. */
	lastUs: number;
	/** Event time that lies far from `lastUs`, microseconds: a wrong clock, unless the next event agrees. -1 when there is none. */
	leapUs: number;
	/** Lines that may have been an event and could not be decoded, and between which events' times they stood. */
	refusedLines: number;
	refusedFromUs: number;
	refusedToUs: number;
	/** True while no event has come after the last refused line. */
	refusedOpen: boolean;
	/** Inputs that ended in the middle of a line, and files that ended in the middle of their compressed stream. */
	cutLines: number;
	cutFiles: number;
	/** Between which event times the lost part of cut files lies: from the last event before to the first of the next file. */
	cutFromUs: number;
	cutToUs: number;
	/** Index of the cut file after which no event has come yet, or -1. */
	cutFile: number;
	/** Lines that no host's lane could take; what a lane refused is counted there. */
	deadLetters: number;
	done: boolean;
}

export const runCell = 'file-run';
const lanePrefix = 'lane:';
export const laneCell = (host: string): string => `${lanePrefix}${host}`;

export const newRunState = (files: FileIdentity[]): RunState => ({
	files,
	position: { file: 0, offset: 0, line: 1 },
	told: { file: 0, line: 0 },
	lastUs: -1,
	leapUs: -1,
	refusedLines: 0,
	refusedFromUs: -1,
	refusedToUs: -1,
	refusedOpen: false,
	cutLines: 0,
	cutFiles: 0,
	cutFromUs: -1,
	cutToUs: -1,
	cutFile: -1,
	deadLetters: 0,
	done: false,
});

export const encodeRunState = (state: RunState): Uint8Array => Buffer.from(JSON.stringify(state));

export const encodeLaneState = (state: LaneState): Uint8Array =>
	Buffer.from(
		JSON.stringify({
			...state,
			chain: { sequence: state.chain.sequence, previous: Buffer.from(state.chain.previous).toString('hex') },
		}),
	);

/** The cells are the program's own: one that does not parse is a bug and throws. */
export function decodeCells(cells: ReadonlyMap<string, Uint8Array>): { run: RunState | null; lanes: LaneState[] } {
	const run = cells.get(runCell);
	const lanes: LaneState[] = [];
	for (const [name, value] of cells) {
		if (!name.startsWith(lanePrefix)) continue;
		const lane = JSON.parse(Buffer.from(value).toString());
		lane.chain.previous = Buffer.from(lane.chain.previous, 'hex');
		lanes.push(lane);
	}
	return { run: run === undefined ? null : JSON.parse(Buffer.from(run).toString()), lanes };
}

/** True when a run over `files` may go on from `saved`. */
export const sameFiles = (saved: readonly FileIdentity[], files: readonly FileIdentity[]): boolean =>
	saved.length === files.length &&
	saved.every((file, at) => file.size === files[at]?.size && file.headDigest === files[at]?.headDigest);
