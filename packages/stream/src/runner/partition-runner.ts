// One stage at work on one input partition: read, step, commit, publish (design 4.1). The commit protocol is here and
// nowhere else; `pump` does one round of it and never waits for input or room.
import { StreamError } from '../errors.ts';
import type { LogRecord } from '../ports.ts';
import type { Stage, StepResult } from '../stage.ts';
import { poisonLetter } from './dead-letters.ts';
import { CrashError, type RunnerOptions, type RunnerPorts } from './options.ts';
import { outboxOf } from './outbox.ts';
import { encodeOutputMarks, isPassed, notYetPublished } from './output-marks.ts';
import { openState, type PartitionState, reopenWorker } from './partition-state.ts';
import { appendPending, isPublished, pendingOf } from './publish.ts';
import { isReserved, suppressCell } from './reserved-cells.ts';
import { admit, copyDraft, emptyDraft, type SeenDraft, seenChange, skip, withoutSkipped } from './seen.ts';

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
	return { stage: stage.name, partition, position: () => state.position, pump: () => pump(state) };
}

async function pump(state: PartitionState): Promise<PumpResult> {
	if (state.fencedAt === null && !isPublished(state.pending) && !(await publish(state))) return { kind: 'blocked' };
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
	const admitted = withoutSkipped(state.seen, state.draft, records);
	try {
		if (admitted.length > 0) await state.worker.step(admitted, true);
		state.position = last.offset + 1;
		return 0;
	} catch (error) {
		if (error instanceof CrashError) throw error;
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
async function processBatch(
	state: PartitionState,
	records: readonly LogRecord[],
): Promise<number | 'blocked' | 'fenced'> {
	const draft = copyDraft(state.draft);
	const admitted = admit(state.seen, draft, records);
	const dropped = records.length - admitted.length;
	let step: StepOutcome = { result: null, outbox: [] };
	if (admitted.length > 0) {
		try {
			const result = await state.worker.step(admitted, false);
			step = { result, outbox: outboxOf(result, admitted, state.scope, state.stage.outputs) };
			checkCells(result);
		} catch (error) {
			if (error instanceof CrashError) throw error;
			return await isolate(state, records, admitted, error);
		}
	}
	const outcome = await commit(state, records, admitted, draft, step);
	if (outcome !== 'fenced' && dropped > 0)
		state.ports.emit({
			name: 'input_records_dropped',
			stage: state.stage.name,
			reason: 'duplicate',
			intentional: true,
			count: dropped,
			message: 'input was published more than once; the copies are left out',
			detail: { topic: state.stage.input, partition: state.scope.partition },
		});
	return outcome;
}

interface StepOutcome {
	/** null when no record reached the stage. */
	result: StepResult | null;
	outbox: ReturnType<typeof outboxOf>;
}

/** The first throw in a run: start over, record by record. A throw in isolation: the record is poison. */
async function isolate(
	state: PartitionState,
	records: readonly LogRecord[],
	admitted: readonly LogRecord[],
	error: unknown,
): Promise<number | 'blocked' | 'fenced'> {
	const last = records.at(-1);
	const [poison] = admitted;
	if (!last || !poison) throw error;
	let outcome: number | 'blocked' | 'fenced' = 0;
	if (state.position < state.isolateUntil) {
		emitThrown(state, poison, 'step', error);
		outcome = await dropPoison(state, poison, error);
	} else state.isolateUntil = last.offset + 1;
	if (state.fencedAt === null) await reopenWorker(state);
	return state.fencedAt === null ? outcome : 'fenced';
}

async function dropPoison(
	state: PartitionState,
	poison: LogRecord,
	error: unknown,
): Promise<number | 'blocked' | 'fenced'> {
	const draft = copyDraft(state.draft);
	admit(state.seen, draft, [poison]);
	skip(draft.skipped, poison.offset);
	const letters: StepResult = {
		outputs: [],
		cells: new Map(),
		appends: [],
		deadLetters: [poisonLetter(state.stage.name, poison, error)],
		lowWaterOffset: 0,
		rebuildOffset: 0,
	};
	const outbox = outboxOf(letters, [poison], state.scope, state.stage.outputs);
	return await commit(state, [poison], [], draft, { result: null, outbox });
}

/** One atomic step forward, then its outputs. */
async function commit(
	state: PartitionState,
	records: readonly LogRecord[],
	admitted: readonly LogRecord[],
	draft: SeenDraft,
	{ result, outbox }: StepOutcome,
): Promise<number | 'blocked' | 'fenced'> {
	const { ports, scope } = state;
	const nextOffset = (records.at(-1)?.offset ?? state.position - 1) + 1;
	const stepped = (admitted.at(-1)?.offset ?? nextOffset - 1) + 1;
	// A stage with nothing pending knows only the records it was given; what was left out after them is done with too.
	const reach = (offset: number): number => (offset >= stepped ? nextOffset : offset);
	const lowWater = result ? reach(result.lowWaterOffset) : atLeast(state.lowWater, state.liveFrom, nextOffset);
	const rebuild = Math.min(
		lowWater,
		result ? reach(result.rebuildOffset) : atLeast(state.rebuild, state.liveFrom, nextOffset),
	);
	const seen = seenChange(state.seen, draft, lowWater);
	const cells = new Map([...(result?.cells ?? []), ...seen.cells]);
	const fresh = state.suppress ? notYetPublished(ports.log, state.suppress, outbox) : outbox;
	const suppress = state.suppress && !isPassed(state.suppress, nextOffset) ? state.suppress : null;
	if (state.suppress) cells.set(suppressCell, suppress ? encodeOutputMarks(suppress) : null);

	state.crashPoint('before-commit');
	const committed = await ports.store.commit(scope, {
		expectedOffset: state.fence,
		nextOffset,
		lowWaterOffset: lowWater,
		cells,
		appends: result?.appends ?? [],
		dropLists: result?.dropLists ?? [],
		outbox: fresh,
	});
	if (committed.kind === 'fenced') {
		state.fencedAt = committed.storedOffset;
		return 'fenced';
	}
	state.crashPoint('after-commit');
	seen.accept();
	state.draft = emptyDraft();
	state.suppress = suppress;
	state.fence = state.liveFrom = state.position = nextOffset;
	state.isolateReplay = false;
	state.lowWater = lowWater;
	state.rebuild = rebuild;
	state.lastOutboxId += fresh.length;
	state.pending = pendingOf(fresh);
	if (outbox.length > fresh.length || seen.forgottenOrigins > 0 || seen.forgottenRanges > 0)
		emitForgotten(state, outbox.length - fresh.length, seen.forgottenOrigins, seen.forgottenRanges);
	return (await publish(state)) ? fresh.length : 'blocked';
}

/** Without a step, an offset moves only when nothing was pending behind it. */
const atLeast = (offset: number, before: number, next: number): number => (offset >= before ? next : offset);

/** Publishes the outbox, forgets it, and tells the log what is no longer needed. False when the log is full. */
async function publish(state: PartitionState): Promise<boolean> {
	const { ports, scope, stage, pending } = state;
	if (pending.entries.length > 0) {
		state.crashPoint('before-publish');
		if (!(await appendPending(ports.log, pending, state.limits.publish))) {
			ports.emit({
				name: 'publish_delayed',
				stage: stage.name,
				reason: 'log-full',
				intentional: true,
				message: 'the log is full: outputs wait in the outbox',
				detail: { partition: scope.partition, waiting: pending.entries.length - pending.done },
			});
			return false;
		}
		state.crashPoint('after-publish');
		await ports.store.published(scope, state.lastOutboxId, state.fence);
		state.pending = pendingOf([]);
		state.crashPoint('after-published');
	}
	if (state.saved.rebuild !== state.rebuild || state.saved.lowWater !== state.lowWater) {
		await ports.log.saveLowWater(stage.name, stage.input, scope.partition, state.rebuild, state.lowWater);
		state.saved = { rebuild: state.rebuild, lowWater: state.lowWater };
		state.crashPoint('after-low-water');
	}
	return true;
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

function emitForgotten(state: PartitionState, suppressed: number, origins: number, ranges: number): void {
	const common = { stage: state.stage.name, detail: { partition: state.scope.partition } };
	if (suppressed > 0)
		state.ports.emit({
			...common,
			name: 'outputs_suppressed',
			reason: 'published-before-store-loss',
			intentional: true,
			count: suppressed,
			message: 'outputs that the log holds already are not published again',
		});
	if (origins + ranges > 0)
		state.ports.emit({
			...common,
			name: 'duplicate_memory_forgotten',
			reason: origins > 0 ? 'origins-bound' : 'ranges-bound',
			intentional: true,
			count: origins + ranges,
			message: 'the bound on what is remembered of seen records was reached',
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
