// Mistakes in modules: a piece left out, doubled, or another one in its place.
import fc from 'fast-check';

const pieces = /[A-Za-z_]+|\d+|"[^"\n]*"|:=|==|!=|\s+|./gs;

type Mistake = (parts: string[], at: number, other: string) => void;

const mistakes: Mistake[] = [
	(parts, at) => void parts.splice(at, 1),
	(parts, at, other) => void parts.splice(at, 0, other),
	(parts, at, other) => void parts.splice(at, 1, other),
	(parts, at) => void parts.splice(at, 3),
	(parts, at) => void parts.splice(at, 0, parts[at] ?? ''),
];

/** Whole numbers below `n`. */
const below = (n: number): fc.Arbitrary<number> => fc.nat({ max: n - 1 });

/** Copies of the sources, each with one mistake; the same for the same seed. */
export function brokenModules(sources: readonly string[], count: number, seed: number): string[] {
	const vocabulary = [...new Set(sources.flatMap((text) => text.match(pieces) ?? []))];
	const broken = fc
		.record({
			source: below(sources.length),
			mistake: fc.constantFrom(...mistakes),
			at: fc.nat(),
			other: below(vocabulary.length),
		})
		.map(({ source, mistake, at, other }) => {
			const parts = (sources[source] as string).match(pieces) ?? [];
			mistake(parts, at % parts.length, vocabulary[other] as string);
			return parts.join('');
		});
	return fc.sample(broken, { numRuns: count, seed });
}
