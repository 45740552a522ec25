/** Seeded random numbers (mulberry32): the same seed gives the same run. */
export interface Random {
	/** [0, 1) */
	next(): number;
	/** Integer in [0, below). */
	below(below: number): number;
	chance(probability: number): boolean;
}

export function createRandom(seed: number): Random {
	let state = seed >>> 0;
	const next = (): number => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	return { next, below: (below) => Math.floor(next() * below), chance: (probability) => next() < probability };
}
