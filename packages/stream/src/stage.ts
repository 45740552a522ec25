// The one shape in which every stage is declared (design 1). The runner gives it commits, outbox, dead letters and metrics.
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { LogRecord, OutRecord, Topic } from './ports.ts';

/** What a stage says it did with a run of input records. Everything in it becomes durable in one commit, or nothing does. */
export interface StepResult {
	/** Per input record, in order: what it caused. The index in `outputs` is the origin's index. */
	outputs: { offset: number; records: OutRecord[] }[];
	cells: Map<string, Uint8Array | null>;
	appends: { list: string; value: Uint8Array }[];
	expireLists?: { list: string; afterMs: number }[];
	deadLetters: DeadLetter[];
	/** Oldest input offset that a restart with its cells intact must read again (`replayed`); the next offset when nothing is pending. */
	lowWaterOffset: number;
	/** Oldest input offset from which everything still open can be rebuilt with no cells at all (the store was lost). */
	rebuildOffset: number;
}

/** A stage at work on one input partition. */
export interface StageWorker {
	/**
	 * Takes records in offset order. `replayed` records (offset below the committed one) only refill what
	 * is not in the cells: they cause no outputs. May be async at the edges (a manifest, a signature);
	 * the core it calls is pure. Throws only on bugs: the runner then isolates the record and dead-letters it.
	 * `rebuiltTo`: the store was lost, and what the input below this offset caused may be published already; 0 otherwise.
	 * What was open when the low water was saved is seen again from its beginning; what was not, perhaps from its middle.
	 */
	step(records: readonly LogRecord[], replayed: boolean, rebuiltTo?: number): Promise<StepResult>;
	/**
	 * For `duplicates: 'stage'`, after the store was lost and before the first step: records below the low water, in offset order,
	 * as far back as a copy of them may still come. They are done with; the stage takes from them no more than it needs to know
	 * such a copy.
	 */
	learn?(records: readonly LogRecord[]): Promise<void>;
}

export interface Stage {
	/** A verb: ingest, correlate, detect, sign. Also the commit scope's name. */
	name: string;
	input: Topic;
	/**
	 * How copies of an input record are told: by its origin (the runner drops them), or by the stage itself, where the origin is
	 * no authority (topic `trace`: a host's signed chain is). Default `origin`.
	 */
	duplicates?: 'origin' | 'stage';
	outputs: readonly Topic[];
	/** Builds a worker from committed cells (empty for a new partition). */
	open(partition: number, cells: Map<string, Uint8Array>): Promise<StageWorker>;
}
