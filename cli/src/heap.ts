import v8 from 'node:v8';

/**
 * Keeps the garbage of the hot path from becoming resident memory: V8 lets the heap grow to several times what is live
 * when the machine has memory to spare, and gives pages back late. Measured: docs/benchmarks.md (bigSessionPeakMb).
 * To be called before the work starts. Not for the services of a fleet: it doubles the correlator's CPU, and they have a
 * machine's memory for themselves (docs/services.md says which flag they are started with instead).
 */
export function boundHeap(): void {
	v8.setFlagsFromString('--heap-growing-percent=30');
	v8.setFlagsFromString('--semi-space-growth-factor=1');
}
