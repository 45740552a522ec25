// Losses that wait for the next batch: one entry per counter, bounded. Pure.
import type { Loss } from '@affidavit/model/generated/trace.ts';

/** Counters that wait, at most; more than the sensor and the agent have. */
const countersMax = 2000;
const overflowCounter = 'affidavit_loss_counters_overflow';

/** `count` 0 means: an unknown number. It stays unknown whatever known number is added to it. */
export interface PendingLosses {
	add(loss: Loss): void;
	size(): number;
	/** Hands all out, sorted by counter, and forgets them. */
	take(): Loss[];
}

export function createPendingLosses(): PendingLosses {
	const pending = new Map<string, Loss>();
	return {
		add(loss) {
			const counter = pending.size < countersMax || pending.has(loss.counter) ? loss.counter : overflowCounter;
			const known = pending.get(counter);
			if (known === undefined) {
				pending.set(counter, { ...loss, counter });
				return;
			}
			known.count = known.count === 0 || loss.count === 0 ? 0 : known.count + loss.count;
			known.fromUs = Math.min(known.fromUs, loss.fromUs);
			known.toUs = Math.max(known.toUs, loss.toUs);
		},
		size: () => pending.size,
		take() {
			const losses = [...pending.values()].sort((a, b) => (a.counter < b.counter ? -1 : 1));
			pending.clear();
			return losses;
		},
	};
}
