import type { Emit } from '../internal-event.ts';
import type { Log, Store } from '../ports.ts';
import type { Seals } from '../seal/seal.ts';
import type { Tracing } from '../tracing.ts';

/** What a runner works on. */
export interface RunnerPorts {
	log: Log;
	store: Store;
	emit: Emit;
	/** Signs what a stage writes and checks what it reads; absent where this process is the log's only writer. */
	seals?: Seals;
	/** Absent when off. */
	tracing?: Tracing;
}

/**
 * Places of the commit protocol between which a process may die. At `before-commit` nothing of the step is durable;
 * from `after-commit` on, all of it is and a restart publishes what is left.
 */
export type CrashPoint =
	| 'before-commit'
	| 'after-commit'
	| 'before-publish'
	| 'after-publish'
	| 'after-published'
	| 'after-low-water';

export interface RunnerOptions {
	/** Input records per step and commit. Default 256. */
	batchRecordsMax?: number;
	/** Input bytes per step and commit; one larger record still passes. Default 1 MiB: seventeen full trace batches. */
	batchBytesMax?: number;
	/** Outputs per append. Default 1024. */
	publishRecordsMax?: number;
	/** Output bytes per append; one larger record still passes. Default 4 MiB. */
	publishBytesMax?: number;
	/** After a lost store: input before the low water that is looked through for what later input may be a copy of. Default 32,768 records. */
	lookbackRecordsMax?: number;
	/** The same as log time before the low water. Default 1 hour. */
	lookbackMs?: number;
	/** Called at each place of the protocol; tests throw CrashError there. */
	crashPoint?: (point: CrashPoint) => void;
	/** Called after each pump that consumed something; feeds the metrics. */
	observe?: (observation: StepObservation) => void;
}

export interface StepObservation {
	stage: string;
	partition: number;
	/** Input records consumed, and their bytes. */
	records: number;
	bytes: number;
	replayed: boolean;
	outputs: number;
	/** Time from the step's call to the published outputs, milliseconds. */
	durationMs: number;
}

export interface RunnerLimits {
	batch: { records: number; bytes: number };
	publish: { records: number; bytes: number };
	lookback: { records: number; us: number };
}

export const runnerLimits = (options: RunnerOptions): RunnerLimits => ({
	batch: { records: options.batchRecordsMax ?? 256, bytes: options.batchBytesMax ?? 1024 ** 2 },
	publish: { records: options.publishRecordsMax ?? 1024, bytes: options.publishBytesMax ?? 4 * 1024 ** 2 },
	lookback: { records: options.lookbackRecordsMax ?? 32_768, us: (options.lookbackMs ?? 3_600_000) * 1000 },
});

/** Stands for kill -9 in tests: the runner lets it pass as it is, and whoever catches it starts anew from log and store. */
export class CrashError extends Error {
	readonly point: string;

	constructor(point: string) {
		super(`simulated crash: ${point}`);
		this.name = 'CrashError';
		this.point = point;
	}
}
