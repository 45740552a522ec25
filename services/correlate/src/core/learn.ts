// After a lost store: what lies before the low water is done with, but a copy of it may come later. Of such a batch a host's
// chain is taken, so that the copy is known, and nothing else.
import type { UnpackedBatch } from '@affidavit/model/trace-event.ts';
import { accept, endBoot, judge, refuse } from './batch-chain.ts';
import { isLive } from './follow.ts';
import type { Host, Settings } from './host.ts';

/** True when the batch was refused then, as a fork. */
export function learnBatch({ limits }: Settings, host: Host, batch: UnpackedBatch, payloadDigest: Uint8Array): boolean {
	const { chain, boot } = host;
	const live = isLive(batch);
	const newBoot = boot !== '' && batch.boot !== boot;
	const missing = { fromUs: batch.observedUs - limits.skewUs, toUs: batch.observedUs };
	const at = { newBoot, live, staleUs: chain.newestUs - limits.absurdUs, missing };
	const verdict = judge(chain, batch, payloadDigest, at);
	if (verdict.kind === 'duplicate') return false;
	if (verdict.kind === 'fork') {
		refuse(chain, batch, payloadDigest);
		return true;
	}
	// Holes that are given up were a gap then.
	accept(chain, batch, payloadDigest, verdict);
	if (newBoot && live && !host.recorded) endBoot(chain, boot);
	host.boot = batch.boot;
	host.recorded = !live;
	return false;
}
