// One stage at work on one input partition: read, step, commit, publish. `pump` does one round and never waits for input
// or room; what a step throws on is isolated here.
import { StreamError } from '../errors.ts';
import type { LogRecord } from '../ports.ts';
import type { Stage, StepResult } from '../stage.ts';
import { type BatchOutcome, type CommitOutcome, commit, publish, type StepOutcome } from './commit.ts';
import { poisonLetter, refusedLetter } from './dead-letters.ts';
import { CrashError, type RunnerOptions, type RunnerPorts } from './options.ts';
import { outboxOf } from './outbox.ts';
import { endOfMarks } from './output-marks.ts';
import { openState, type PartitionState, reopenWorker } from './partition-state.ts';
import { isReserved } from './reserved-cells.ts';
import { copyDraft, skip } from './seen.ts';
import { type Sifted, sift, siftAgain } from './sift.ts';
import { endSpan, startSpan } from './span.ts';
import { isOutsideRecord, streamCodeOf } from './transient.ts';

export type PumpResult =
	/** Input was consumed (perhaps only duplicates, or a replay), or a step threw and is being isolated. */
	| { kind: 'progress'; records: number }
	/** All input is consumed, all output published. */
	| { kind: 'idle' }
	/** The log is full: what is committed waits to be published. */
	| { kind: 'blocked' }
	/** Another worker has taken the partition; this one does nothing any more. */
	| { kind: 'fenced'; storedOffset: number };

export interface PartitionRunner {
	readonly stage: string;
	readonly partition: number;
	/** Next input offset to read. */
	readonly position: () => number;
	/** True while it reads again what is not in the cells. */
	readonly replaying: () => boolean;
	/** After `pump` rejected: true when it may be called again, false when only a new runner knows what is durable. */
	readonly intact: () => boolean;
	/** One round. Not to be called while another is under way. */
	pump(): Promise<PumpResult>;
}

/** Replays may meet records that were processed by an older version of a stage; past this many the stage is broken. */
const replayFailuresMax = 64;

/** Loads the partition's state and builds its worker. The outbox that a crash left is published by the first pump. */
export async function openPartition(
	stage: Stage,
	partition: number,
	ports: RunnerPorts,
	options: RunnerOptions = {},
): Promise<PartitionRunner> {
	const state = await openState(stage, partition, ports, options);
	return {
		stage: stage.name,
		partition,
		position: () => state.position,
		replaying: () => state.position < state.liveFrom,
		intact: () => state.intact,
		pump: () => pump(state),
	};
}

async function pump(state: PartitionState): Promise<PumpResult> {
	if (state.fencedAt === null && state.pending.entries.length > 0 && !(await publish(state)))
		return { kind: 'blocked' };
	if (state.fencedAt === null) {
		const replayed = state.position < state.liveFrom;
		const started = performance.now();
		const records = await readBatch(state, replayed);
		if (records.length === 0 && !replayed) return { kind: 'idle' };
		const outcome = replayed ? await replay(state, records) : await processBatch(state, records);
		if (outcome !== 'fenced') {
			const outputs = outcome === 'blocked' ? state.pending.entries.length : outcome;
			observe(state, records, replayed, outputs, performance.now() - started);
			return outcome === 'blocked' ? { kind: 'blocked' } : { kind: 'progress', records: records.length };
		}
	}
	return { kind: 'fenced', storedOffset: state.fencedAt ?? 0 };
}

async function readBatch(state: PartitionState, replayed: boolean): Promise<LogRecord[]> {
	const { stage, scope, ports, position, limits } = state;
	const isolated = replayed ? state.isolateReplay : position < state.isolateUntil;
	const room = replayed ? state.liveFrom - position : limits.batch.records;
	const records = await ports.log.read(stage.input, scope.partition, position, {
		records: isolated ? 1 : Math.min(room, limits.batch.records),
		bytes: limits.batch.bytes,
	});
	const first = records[0];
	if (first && first.offset > position) {
		const { start } = await ports.log.bounds(stage.input, scope.partition);
		if (start > position)
			ports.emit({
				name: 'input_records_lost',
				stage: stage.name,
				reason: 'trimmed',
				intentional: false,
				count: Math.min(start, first.offset) - position,
				message: 'the log was trimmed past what this stage had read',
				detail: { topic: stage.input, partition: scope.partition, position, start },
			});
	}
	return replayed ? records.filter((record) => record.offset < state.liveFrom) : records;
}

/** Refills what is not in the cells; nothing of it is committed or published. */
async function replay(state: PartitionState, records: readonly LogRecord[]): Promise<number | 'fenced'> {
	const last = records.at(-1);
	if (!last) {
		state.position = state.liveFrom;
		return 0;
	}
	const admitted = siftAgain(state, records);
	try {
		state.intact = false;
		if (admitted.length > 0) await state.worker.step(admitted, true);
		state.intact = true;
		state.position = last.offset + 1;
		return 0;
	} catch (error) {
		if (error instanceof CrashError || isOutsideRecord(error)) throw error;
		return await isolateReplay(state, admitted, error);
	}
}

async function isolateReplay(
	state: PartitionState,
	admitted: readonly LogRecord[],
	error: unknown,
): Promise<number | 'fenced'> {
	const [only, ...others] = admitted;
	state.replayFailures += 1;
	if (state.replayFailures > replayFailuresMax)
		throw new StreamError('poison-record', `${state.stage.name}: ${replayFailuresMax} replays threw`, error);
	if (only && others.length === 0 && state.isolateReplay) {
		skip(state.draft.skipped, only.offset);
		emitThrown(state, only, 'replay', error);
	}
	state.isolateReplay = true;
	await reopenWorker(state);
	return state.fencedAt === null ? 0 : 'fenced';
}

/** Steps what is new of the records and commits; the number of outputs. */
async function processBatch(state: PartitionState, records: readonly LogRecord[]): Promise<BatchOutcome> {
	const draft = copyDraft(state.draft);
	const sifted = sift(state, draft, records);
	const { admitted } = sifted;
	const span = startSpan(state, records, admitted);
	let outcome: BatchOutcome | undefined;
	try {
		let step: StepOutcome;
		try {
			step = await stepBatch(state, sifted);
		} catch (error) {
			if (error instanceof CrashError || isOutsideRecord(error)) throw error;
			return await isolate(state, records, admitted, error);
		}
		let committed: CommitOutcome;
		try {
			committed = await commit(state, records, admitted, draft, step, span?.traceparent);
		} catch (error) {
			// Fewer records give a smaller commit; one that alone gives too much is poison, and must not hold its partition for ever.
			if (streamCodeOf(error) !== 'commit-too-large') throw error;
			return await isolate(state, records, admitted, error);
		}
		if (committed !== 'fenced') emitLeftOut(state, sifted);
		outcome = committed === 'fenced' || (await publish(state)) ? committed : 'blocked';
		return outcome;
	} finally {
		endSpan(span, outcome);
	}
}

const emptyLetters = (): StepResult => ({
	outputs: [],
	cells: new Map(),
	appends: [],
	deadLetters: [],
	lowWaterOffset: 0,
	rebuildOffset: 0,
});

async function stepBatch(state: PartitionState, { admitted, refused }: Sifted): Promise<StepOutcome> {
	const { stage, scope } = state;
	let result: StepResult | null = null;
	if (admitted.length > 0) {
		state.intact = false;
		const rebuiltTo = state.suppress ? endOfMarks(state.suppress) : 0;
		result = await state.worker.step(admitted, false, rebuiltTo);
		checkCells(result);
	}
	if (refused.length === 0) return { result, outbox: result ? outboxOf(result, admitted, scope, stage.outputs) : [] };
	// One order for all letters of the run: readers and a rebuild tell them by it.
	const run = [...admitted, ...refused.map(({ record }) => record)].sort((a, b) => a.offset - b.offset);
	const own = result ?? emptyLetters();
	const letters = {
		...own,
		deadLetters: [...own.deadLetters, ...refused.map((one) => refusedLetter(stage.name, one))],
	};
	return { result, outbox: outboxOf(letters, run, scope, stage.outputs) };
}

function emitLeftOut(state: PartitionState, { copies, refused }: Sifted): void {
	if (copies > 0)
		state.ports.emit({
			name: 'input_records_dropped',
			stage: state.stage.name,
			reason: 'duplicate',
			intentional: true,
			count: copies,
			message: 'input was published more than once; the copies are left out',
			detail: { topic: state.stage.input, partition: state.scope.partition },
		});
	for (const { record, refusal } of refused)
		state.ports.emit({
			name: 'forged_records',
			stage: state.stage.name,
			reason: refusal.code,
			intentional: false,
			message: `the record is not its origin's: ${refusal.message}`,
			detail: { topic: record.topic, partition: record.partition, offset: record.offset },
		});
}

/** The first throw in a run: start over, record by record. A throw in isolation: the record is poison. */
async function isolate(
	state: PartitionState,
	records: readonly LogRecord[],
	admitted: readonly LogRecord[],
	error: unknown,
): Promise<BatchOutcome> {
	const last = records.at(-1);
	const [poison] = admitted;
	if (!last || !poison) throw error;
	let outcome: BatchOutcome = 0;
	if (state.position < state.isolateUntil) {
		emitThrown(state, poison, 'step', error);
		outcome = await dropPoison(state, poison, error);
	} else state.isolateUntil = last.offset + 1;
	if (state.fencedAt === null) await reopenWorker(state);
	return state.fencedAt === null ? outcome : 'fenced';
}

async function dropPoison(state: PartitionState, poison: LogRecord, error: unknown): Promise<BatchOutcome> {
	const draft = copyDraft(state.draft);
	sift(state, draft, [poison]);
	skip(draft.skipped, poison.offset);
	const letters = { ...emptyLetters(), deadLetters: [poisonLetter(state.stage.name, poison, error)] };
	const outbox = outboxOf(letters, [poison], state.scope, state.stage.outputs);
	const outcome = await commit(state, [poison], [], draft, { result: null, outbox });
	return outcome === 'fenced' || (await publish(state)) ? outcome : 'blocked';
}

function checkCells(result: StepResult): void {
	for (const name of result.cells.keys())
		if (isReserved(name)) throw new Error(`cell ${name}: expected a name outside the runner's own`);
}

function emitThrown(state: PartitionState, record: LogRecord, reason: 'step' | 'replay', error: unknown): void {
	state.ports.emit({
		name: 'poison_records',
		stage: state.stage.name,
		reason,
		intentional: false,
		message: 'the stage threw on this record, twice; it is left out',
		detail: { topic: record.topic, partition: record.partition, offset: record.offset, err: error },
	});
}

function observe(
	state: PartitionState,
	records: readonly LogRecord[],
	replayed: boolean,
	outputs: number,
	durationMs: number,
): void {
	let bytes = 0;
	for (const record of records) bytes += record.value.byteLength;
	state.observe({
		stage: state.stage.name,
		partition: state.scope.partition,
		records: records.length,
		bytes,
		replayed,
		outputs,
		durationMs,
	});
}
