import v8 from 'node:v8';

/**
 * Keeps the garbage of the hot path from becoming resident memory: V8 lets the heap grow to several times what is live
 * when the machine has memory to spare, and gives pages back late. Measured: docs/benchmarks.md (bigSessionPeakMb).
 * To be called before the work starts.
 */
export function boundHeap(): void {
	v8.setFlagsFromString('--heap-growing-percent=30');
	v8.setFlagsFromString('--semi-space-growth-factor=1');
}
