// Many seeds, a few at a time.
import { playSeed, type SeedResult, streams, type Undisturbed, undisturbed } from './seed.ts';

/** Children at a time. */
const concurrency = 2;

export async function playSeeds(
	from: number,
	count: number,
	told: (result: SeedResult) => void = () => {},
): Promise<SeedResult[]> {
	const expected = new Map<string, Undisturbed>();
	// As many at a time as later, so that the durations are those of the killed runs.
	const [first, second] = await Promise.all(streams.map(undisturbed));
	expected.set(streams[0], first as Undisturbed);
	expected.set(streams[1], second as Undisturbed);
	const results: SeedResult[] = [];
	let next = from;
	const work = async (): Promise<void> => {
		while (next < from + count) {
			const result = await playSeed(next++, expected);
			results.push(result);
			told(result);
		}
	};
	await Promise.all(Array.from({ length: concurrency }, work));
	return results.sort((a, b) => a.seed - b.seed);
}
