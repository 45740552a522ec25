// Where the chain goes on when the spool's memory of it is gone, or may be older than what was sent (pure). A sequence that was
// used before would be taken for a copy or a fork; one far ahead shows as what it is: a hole.
import { type ChainState, chainStart } from '@affidavit/model/batch-signature.ts';

/** More batches than can have been sent and forgotten: a power cut takes some seconds of them. */
const forgottenMax = 1_000_000;

/** After the spool was lost. No chain of this host that counted from 0, or began like this one earlier, has come so far. */
export const chainAfterLoss = (nowMs: number): ChainState => ({ ...chainStart(), sequence: Math.trunc(nowMs) });

/** After a power cut that may have taken the last commits back. */
export const chainAfterCut = (chain: ChainState, nowMs: number): ChainState => ({
	sequence: Math.max(chain.sequence + forgottenMax, Math.trunc(nowMs)),
	previous: chain.previous,
});
