// What a live agent keeps over restarts, beside its source's own checkpoint.
import type { ChainState } from '@affidavit/model/batch-signature.ts';
import { newTrackerState, type TrackerState } from '../loss/tracker.ts';

export interface LiveState {
	/** Node name; empty until the first event tells it. */
	host: string;
	chain: ChainState;
	hooks: string[];
	tracker: TrackerState;
	/** Agent's clock at the last commit, microseconds since 1970; -1 before the first. */
	observedUs: number;
}

export const liveCell = 'live';
export const sourceCell = 'source';

export const newLiveState = (host: string, chain: ChainState): LiveState => ({
	host,
	chain,
	hooks: [],
	tracker: newTrackerState(),
	observedUs: -1,
});

export const encodeLiveState = (state: LiveState): Uint8Array =>
	Buffer.from(
		JSON.stringify({
			...state,
			chain: { sequence: state.chain.sequence, previous: Buffer.from(state.chain.previous).toString('hex') },
		}),
	);

/** The program's own bytes: what does not parse is a bug and throws. */
export function decodeLiveState(bytes: Uint8Array): LiveState {
	const state = JSON.parse(Buffer.from(bytes).toString());
	state.chain.previous = Buffer.from(state.chain.previous, 'hex');
	return state;
}
