import { performance } from 'node:perf_hooks';

/** The middle of the samples; of an even number the lower one. */
export const median = (samples: readonly number[]): number =>
	[...samples].sort((a, b) => a - b)[(samples.length - 1) >> 1] as number;

/** Milliseconds of one run. */
export async function timed(run: () => unknown): Promise<number> {
	const began = performance.now();
	await run();
	return performance.now() - began;
}

export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));
