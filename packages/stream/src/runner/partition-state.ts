// What a runner knows of its partition between two pumps, and how it comes to know it.
import { StreamError } from '../errors.ts';
import type { Scope, StoredState } from '../ports.ts';
import { refusalOf } from '../seal/refusal.ts';
import type { Stage, StageWorker } from '../stage.ts';
import type { CrashPoint, RunnerLimits, RunnerOptions, RunnerPorts, StepObservation } from './options.ts';
import { runnerLimits } from './options.ts';
import { decodeOutputMarks, type OutputMarks, readRange, recoverOutputMarks } from './output-marks.ts';
import { type PendingOutbox, pendingOf } from './publish.ts';
import { stageCells, suppressCell } from './reserved-cells.ts';
import { admit, emptyDraft, loadSeen, type Seen, type SeenDraft } from './seen.ts';

export interface PartitionState {
	readonly stage: Stage;
	readonly scope: Scope;
	readonly ports: RunnerPorts;
	readonly limits: RunnerLimits;
	readonly crashPoint: (point: CrashPoint) => void;
	readonly observe: (observation: StepObservation) => void;
	worker: StageWorker;
	seen: Seen;
	/** Learnt since the last commit outside a step. */
	draft: SeenDraft;
	/** The scope's version that the next commit expects. */
	version: string;
	/** Input below it is replayed, input from it on is processed. */
	liveFrom: number;
	/** Next input offset to read. */
	position: number;
	/** As of the last commit (or the start): where a restart with the store intact reads from. */
	lowWater: number;
	/** The same for a restart without. */
	rebuild: number;
	/** What the log was told last. */
	saved: { rebuild: number; lowWater: number };
	lastOutboxId: number;
	pending: PendingOutbox;
	/** While a lost store is being rebuilt: outputs up to these marks are in the log already. */
	suppress: OutputMarks | null;
	/** Input below it is stepped record by record, because a step threw. */
	isolateUntil: number;
	/** A replay threw: the rest of it is read record by record. */
	isolateReplay: boolean;
	/** Replays that threw. */
	replayFailures: number;
	/** False from a step's call to its commit's answer: after an error in between only a reopening tells what is durable. */
	intact: boolean;
	/** Set when another worker has taken the partition. */
	fencedAt: number | null;
}

export async function openState(
	stage: Stage,
	partition: number,
	ports: RunnerPorts,
	options: RunnerOptions,
): Promise<PartitionState> {
	const { log, store } = ports;
	const scope: Scope = { stage: stage.name, partition };
	const stored = await store.load(scope);
	// After load: had another worker committed in between, this one's next commit is refused anyway.
	const lastOutboxId = await store.lastOutboxId(scope);
	const { start, end } = await log.bounds(stage.input, partition);
	if (stored.offset > end)
		throw new StreamError(
			'log-corrupt',
			`${stage.name} has read ${stage.input}/${partition} to offset ${stored.offset}, the log ends at ${end}: the log was lost or is another one`,
		);
	const rebuild = Math.max(start, await log.lowWater(stage.name, stage.input, partition));
	const begin = stored.fresh ? rebuild : stored.lowWaterOffset;
	const state: PartitionState = {
		stage,
		scope,
		ports,
		limits: runnerLimits(options),
		crashPoint: options.crashPoint ?? (() => {}),
		observe: options.observe ?? (() => {}),
		worker: await stage.open(partition, stageCells(stored.cells)),
		seen: loadSeen(stored.cells),
		draft: emptyDraft(),
		version: stored.version,
		liveFrom: stored.fresh ? rebuild : stored.offset,
		position: begin,
		lowWater: begin,
		rebuild,
		saved: { rebuild, lowWater: begin },
		lastOutboxId,
		pending: pendingOf(stored.outbox),
		suppress: null,
		isolateUntil: 0,
		isolateReplay: false,
		replayFailures: 0,
		intact: true,
		fencedAt: null,
	};
	if (stored.fresh) await recoverFromLog(state, start);
	else state.suppress = storedSuppress(stored);
	// Also tells the log that this stage reads the topic: from here on nothing is trimmed that it needs.
	await log.saveLowWater(stage.name, stage.input, partition, rebuild, begin);
	return state;
}

/** No store: what can be known is in the log alone. */
async function recoverFromLog(state: PartitionState, start: number): Promise<void> {
	const { stage, scope, ports, position } = state;
	const [first] = await ports.log.read(stage.input, scope.partition, position, { records: 1, bytes: 1 });
	// Input before the position is not processed again, so its outputs need not be told apart.
	const marks: OutputMarks = first
		? await recoverOutputMarks(ports, scope, [...stage.outputs, 'deadletter'], first.timestampUs)
		: new Map();
	for (const [id, mark] of marks) if (mark.offset < position) marks.delete(id);
	state.suppress = marks.size > 0 ? marks : null;
	await learnDuplicates(state, start, first?.timestampUs ?? -1);
	if (state.suppress || position > start)
		ports.emit({
			name: 'store_rebuilt',
			stage: stage.name,
			reason: 'store-lost',
			intentional: false,
			message: 'the store knows nothing of this partition, the log does: state is rebuilt from the log',
			detail: { topic: stage.input, partition: scope.partition, offset: position },
		});
}

/**
 * What lies before the low water is not processed again, but it may be what a later record is a copy of. A copy is the next
 * that its writer publishes, so it follows the original within that writer's outage: looking back that far is enough, on a
 * log that holds days. A copy that comes later still is the stage's to tell, by the chain of what it reads.
 */
async function learnDuplicates(state: PartitionState, start: number, firstUs: number): Promise<void> {
	const { stage, scope, ports, position, limits, worker } = state;
	const byStage = stage.duplicates === 'stage';
	if (byStage && worker.learn === undefined) return;
	let from = Math.max(start, position - limits.lookback.records);
	if (firstUs >= 0)
		from = Math.max(from, await ports.log.offsetAt(stage.input, scope.partition, firstUs - limits.lookback.us));
	for await (const records of readRange(ports.log, stage.input, scope.partition, from, position)) {
		const genuine = records.filter((record) => refusalOf(ports.log, ports.seals, record) === null);
		if (byStage) await worker.learn?.(genuine);
		else admit(state.seen, state.draft, genuine);
	}
	state.draft.skipped = [];
}

/** Builds the worker anew from the last commit, after a step threw; the replay follows. */
export async function reopenWorker(state: PartitionState): Promise<void> {
	const { stage, scope, ports } = state;
	state.intact = false;
	const stored = await ports.store.load(scope);
	if (stored.version !== state.version) {
		state.fencedAt = stored.offset;
		return;
	}
	state.worker = await stage.open(scope.partition, stageCells(stored.cells));
	state.position = state.lowWater;
	state.intact = true;
}

function storedSuppress(stored: StoredState): OutputMarks | null {
	const cell = stored.cells.get(suppressCell);
	return cell ? decodeOutputMarks(suppressCell, cell) : null;
}
