// One partition of one stage on one member of a fleet, given and taken away any number of times: at most one runner works on it
// here, and one that hangs in a call when its partition comes back is left to the store's fence.
import type { Stage } from '../stage.ts';
import type { Gate } from './gate.ts';
import { runLive } from './live.ts';
import type { RunnerOptions, RunnerPorts } from './options.ts';
import { openPartition, type PartitionRunner, type PumpResult } from './partition-runner.ts';
import { isTransient, streamCodeOf } from './transient.ts';
import { retryMs, sleep } from './wait.ts';

export interface SlotDeps {
	readonly ports: RunnerPorts;
	readonly options: RunnerOptions;
	readonly random: () => number;
	readonly retryMsMax: number;
	readonly stopMsMax: number;
	readonly opening: Gate;
	/** Takes an error that no retry mends. */
	readonly fail: (error: unknown) => void;
}

export interface PartitionHealth {
	stage: string;
	partition: number;
	/** Next input offset to read; -1 before the first opening. */
	position: number;
	/** `retrying`: log or store are away; `blocked`: the log is full. */
	state: 'opening' | 'live' | 'replaying' | 'retrying' | 'blocked';
	/** Since the last round that went through; null when there is none. */
	lastError: string | null;
}

export interface PartitionSlot {
	/** The partition is this member's: its runner is started, once the one before has stopped. */
	give(): void;
	/** It is not: the runner stops after the round under way. */
	take(): void;
	/** `take`, and resolves when the runner has stopped, or was waited for long enough. */
	stop(): Promise<void>;
	/** null while nothing works here. */
	health(): PartitionHealth | null;
}

const messageCharsMax = 300;

export function createPartitionSlot(stage: Stage, partition: number, deps: SlotDeps): PartitionSlot {
	let current: Life | null = null;
	const start = (after: Life | null): void => {
		const life = createLife(stage, partition);
		current = life;
		const begun = after === null ? Promise.resolve() : settled(after, deps);
		life.ended = begun
			.then(() => live(life, stage, deps))
			.catch(deps.fail)
			.finally(() => {
				life.hasEnded = true;
			});
	};
	const take = (): void => current?.stop.abort();
	return {
		give: () => {
			if (current === null || current.hasEnded) start(null);
			else if (current.stop.signal.aborted) start(current);
		},
		take,
		stop: async () => {
			take();
			if (current !== null) await settled(current, deps);
		},
		health: () => (current === null || current.stop.signal.aborted ? null : { ...current.health }),
	};
}

/** From one giving to the next taking. */
interface Life {
	readonly stop: AbortController;
	readonly health: PartitionHealth;
	ended: Promise<void>;
	hasEnded: boolean;
}

const createLife = (stage: Stage, partition: number): Life => ({
	stop: new AbortController(),
	health: { stage: stage.name, partition, position: -1, state: 'opening', lastError: null },
	ended: Promise.resolve(),
	hasEnded: false,
});

/** Resolves when the life has ended; when it hangs, after `stopMsMax`: what it still does is refused by the fence. */
async function settled(life: Life, { ports, stopMsMax }: SlotDeps): Promise<void> {
	if (life.hasEnded) return;
	const waiting = new AbortController();
	const inTime = life.ended.then(() => waiting.abort());
	await Promise.race([inTime, sleep(stopMsMax, waiting.signal)]);
	if (life.hasEnded || waiting.signal.aborted) return;
	waiting.abort();
	const { stage, partition } = life.health;
	ports.emit({
		name: 'runner_abandoned',
		stage,
		reason: 'hangs',
		intentional: false,
		message: 'a runner did not stop in time; the fence keeps it from committing',
		detail: { partition, stopMsMax },
	});
}

/** Opens and runs, again and again, until the partition is taken away. Rejects with what no retry mends. */
async function live(life: Life, stage: Stage, deps: SlotDeps): Promise<void> {
	const { signal } = life.stop;
	const { health } = life;
	let attempt = 0;
	let runner: PartitionRunner | null = null;
	const onRound = (result: PumpResult): void => {
		if (result.kind === 'fenced') return;
		attempt = 0;
		health.lastError = null;
		if (runner) health.position = runner.position();
		health.state = result.kind === 'blocked' ? 'blocked' : runner?.replaying() ? 'replaying' : 'live';
	};
	while (!signal.aborted) {
		try {
			runner ??= await open(life, stage, deps);
			if (runner === null) return;
			const end = await runLive(runner, stage.input, deps.ports.log, signal, onRound);
			if (end.kind === 'stopped') return;
			// Another worker has committed, or the store was lost or rolled back. If the partition is still ours: from what is stored now.
			runner = null;
			note(life, deps, attempt, 'fenced', new Error(`another worker has committed up to ${end.storedOffset}`));
		} catch (error) {
			if (signal.aborted && streamCodeOf(error) !== null) return;
			if (!isTransient(error)) throw error;
			if (runner !== null && !runner.intact()) runner = null;
			note(life, deps, attempt, streamCodeOf(error) === 'fenced' ? 'fenced' : 'unavailable', error);
		}
		await sleep(retryMs(attempt, deps.retryMsMax, deps.random), signal);
		attempt += 1;
	}
}

/** null when the partition was taken away while others were opened. */
async function open(life: Life, stage: Stage, { ports, options, opening }: SlotDeps): Promise<PartitionRunner | null> {
	const { health } = life;
	if (health.state !== 'retrying') health.state = 'opening';
	const leave = await opening(life.stop.signal);
	if (leave === null) return null;
	try {
		const runner = await openPartition(stage, health.partition, ports, options);
		health.position = runner.position();
		health.state = runner.replaying() ? 'replaying' : 'live';
		return runner;
	} finally {
		leave();
	}
}

function note(life: Life, { ports }: SlotDeps, attempt: number, reason: 'fenced' | 'unavailable', err: unknown): void {
	const { health } = life;
	health.state = 'retrying';
	health.lastError = (err instanceof Error ? err.message : String(err)).slice(0, messageCharsMax);
	ports.emit({
		name: 'partition_retried',
		stage: health.stage,
		reason,
		intentional: reason === 'fenced',
		message:
			reason === 'fenced' ? 'the partition is opened anew from what is stored' : 'log or store do not answer: retried',
		detail: { partition: health.partition, position: health.position, attempt, err },
	});
}
