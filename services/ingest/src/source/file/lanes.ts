// The lanes of all hosts that one run meets. Pure.
import { chainStart } from '@affidavit/model/batch-signature.ts';
import type { Loss } from '@affidavit/model/generated/trace.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import { encodeLaneState, laneCell } from './checkpoint.ts';
import { type Lane, type LaneOptions, type LanePosition, type LaneState, newLaneState, openLane } from './lane.ts';

export interface Lanes {
	/** The host's lane, opened where there is none yet; null when there are too many hosts. */
	of(host: string): Lane | null;
	finish(losses: (fromUs: number, toUs: number) => Loss[]): void;
	/** Adds what is ready to `records` and `cells`. Returns where a resumed run has to read from, at most `readTo`. */
	take(readTo: LanePosition, records: OutRecord[], cells: Map<string, Uint8Array | null>): LanePosition;
	/** As committed by the last `take`. */
	states(): LaneState[];
}

export function openLanes(saved: readonly LaneState[], hostsMax: number, options: LaneOptions): Lanes {
	const lanes = new Map<string, Lane>();
	const states = new Map<string, LaneState>();
	const open = (state: LaneState): Lane => {
		const lane = openLane(state, options);
		lanes.set(state.host, lane);
		states.set(state.host, state);
		return lane;
	};
	for (const state of saved) open(state);
	return {
		of: (host) => lanes.get(host) ?? (lanes.size < hostsMax ? open(newLaneState(host, chainStart())) : null),
		finish(losses) {
			for (const lane of lanes.values()) lane.finish(losses);
		},
		take(readTo, records, cells) {
			let position = readTo;
			for (const lane of lanes.values()) {
				const taken = lane.take();
				if (taken !== null) {
					for (const record of taken.records) records.push(record);
					cells.set(laneCell(lane.host), encodeLaneState(taken.state));
					states.set(lane.host, taken.state);
				}
				const oldest = lane.oldest();
				if (oldest !== null && isBefore(oldest, position)) position = oldest;
			}
			return { file: position.file, offset: position.offset, line: position.line };
		},
		states: () => [...states.values()],
	};
}

const isBefore = (a: LanePosition, b: LanePosition): boolean =>
	a.file < b.file || (a.file === b.file && a.line < b.line);
