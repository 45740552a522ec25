// The internal events of a replay's stages: they say of the past what was said of it then, so they are counted, not logged.
import type { Emit } from '@affidavit/stream/internal-event.ts';

export interface Tally {
	emit: Emit;
	/** By name and reason: how often; of those that are not intended, the most frequent first. */
	notes(): { name: string; reason: string; count: number; message: string }[];
}

/** Names and reasons are closed lists: this is never reached. */
const entriesMax = 1000;

export function createTally(): Tally {
	const counts = new Map<string, { name: string; reason: string; count: number; message: string }>();
	return {
		emit: ({ name, reason, intentional, count, message }) => {
			if (intentional) return;
			const key = `${name} ${reason}`;
			const known = counts.get(key);
			if (known !== undefined) known.count += count ?? 1;
			else if (counts.size < entriesMax) counts.set(key, { name, reason, count: count ?? 1, message });
		},
		notes: () => [...counts.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)),
	};
}
