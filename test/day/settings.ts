// The whole day, and a short piece of it for CI.
import type { DaySettings } from './day.ts';

const mib = 1024 * 1024;
const minuteUs = 60_000_000;

export type DayLength = Pick<DaySettings, 'hours' | 'minutes' | 'hosts' | 'seed' | 'leak' | 'told'>;

/** What depends on the wall clock is steady after the first third of the run, and so is what depends on event time. */
export function daySettings(length: DayLength): DaySettings {
	const { hours, minutes } = length;
	const dayUs = hours * 60 * minuteUs;
	const isShort = minutes < 5;
	return {
		...length,
		factsRetentionMs: Math.min(30_000, (minutes * 60_000) / 6),
		sessionMaxMs: Math.max(10 * 60_000, Math.min(3_600_000, (hours * 3_600_000) / 12)),
		sampleMs: isShort ? 1_000 : 4_000,
		habits: {
			buildEveryUs: 9 * minuteUs,
			largeOneIn: 10,
			absentEveryUs: dayUs / 4,
			absentUsMax: dayUs / 8,
		},
		tolerance: {
			heap: { share: isShort ? 0.15 : 0.1, least: (isShort ? 8 : 4) * mib },
			// What V8 and the allocator keep for later is theirs; a leak outside V8's view is not.
			rss: { share: isShort ? 0.35 : 0.15, least: (isShort ? 60 : 30) * mib },
			redis: { share: isShort ? 0.25 : 0.1, least: (isShort ? 1.5 : 2) * mib },
			keys: { share: 0.25, least: 30 },
		},
	};
}
