import { createHash } from 'node:crypto';

/** Numbers in [0, 1) from a seed, the same on every machine: a failing seed can be run again. */
export function seededRandom(seed: number): () => number {
	let n = 0;
	return () => createHash('sha256').update(`${seed}:${n++}`).digest().readUInt32BE(0) / 2 ** 32;
}
