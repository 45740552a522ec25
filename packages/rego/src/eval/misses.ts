// Reads of input that found nothing and built-ins that refused, kept by what they mean for the rule that is being evaluated:
//   flipped  it stands under a negation, so it made something true instead of undefined;
//   kept     it changed a value (a smaller collection, a default) instead of ending a row, so another row's success does not excuse it.

/** One place and path; told apart by identity. */
export interface Miss {
	kind: 'read' | 'builtin';
	/** Path of the read, or name of the built-in. */
	subject: string;
	module: string;
	row: number;
}

export interface Tally {
	count: number;
	/** Concrete path of the first read, or the first reason of the built-in. */
	example: string;
}

/** How often, by miss; indexed by flipped + 2 * kept. Null where there is none. */
export type Misses = [Tallies, Tallies, Tallies, Tallies];
type Tallies = Map<Miss, Tally> | null;

const flippedBit = 1;
const keptBit = 2;

export const noMisses = (): Misses => [null, null, null, null];

export function addMiss(misses: Misses, miss: Miss, example: string): void {
	misses[0] ??= new Map();
	misses[0].set(miss, { count: 1, example });
}

/** What a negation makes of the misses inside of it. */
export const flipped = ([a, b, c, d]: Misses): Misses => [b, a, d, c];

/** What a collection or a default makes of the misses of its making. */
export function kept(misses: Misses): Misses {
	const all = noMisses();
	for (let flags = 0; flags < 4; flags++) mergeCounts(all, flags | keptBit, misses[flags] ?? null, 'sum');
	return all;
}

/** A row gave the value: rows that ended otherwise are excused. */
export const excused = ([, b, c, d]: Misses): Misses | null =>
	b === null && c === null && d === null ? null : [null, b, c, d];

/** How many there are to tell apart. */
export const kindsOf = ([a, b, c, d]: Misses): number =>
	(a?.size ?? 0) + (b?.size ?? 0) + (c?.size ?? 0) + (d?.size ?? 0);

/** sum: other misses; most: the same ones once more, as of a cached document. */
export function mergeMisses(into: Misses, from: Misses, how: 'sum' | 'most'): Misses {
	for (let flags = 0; flags < 4; flags++) mergeCounts(into, flags, from[flags] ?? null, how);
	return into;
}

function mergeCounts(into: Misses, flags: number, from: Tallies, how: 'sum' | 'most'): void {
	if (from === null) return;
	const tallies: Map<Miss, Tally> = into[flags] ?? new Map();
	into[flags] = tallies;
	for (const [miss, { count, example }] of from) {
		const before = tallies.get(miss);
		if (before === undefined) tallies.set(miss, { count, example });
		else before.count = how === 'sum' ? before.count + count : Math.max(before.count, count);
	}
}

/** A miss that may have kept a rule from saying what it should, and how often. */
export interface Shortfall extends Miss, Tally {}

/** In the order in which they first occurred. */
export function unflipped(misses: Misses | null): Shortfall[] {
	const all = noMisses();
	if (misses === null) return [];
	for (let flags = 0; flags < 4; flags++) {
		if ((flags & flippedBit) === 0) mergeCounts(all, 0, misses[flags] ?? null, 'sum');
	}
	return [...(all[0] ?? [])].map(([miss, tally]) => ({ ...miss, ...tally }));
}
