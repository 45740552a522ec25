// The stages of one member of a fleet: joins each stage's group, works on the partitions it is given, gives back those taken
// away, and outlives outages of log and store. The group is a hint; the store's fence decides who may commit.
import type { Member, Membership } from '../ports.ts';
import type { Stage } from '../stage.ts';
import { createGate } from './gate.ts';
import type { RunnerOptions, RunnerPorts } from './options.ts';
import { createPartitionSlot, type PartitionHealth, type PartitionSlot, type SlotDeps } from './partition-slot.ts';
import { isTransient } from './transient.ts';
import { retryMs, sleep } from './wait.ts';

export interface GroupOptions extends RunnerOptions {
	/** Stops after the rounds under way. */
	signal: AbortSignal;
	/** [0, 1), for the jitter of retries. Default Math.random. */
	random?: () => number;
	/** Partitions opened at once: each reads its state from the store, and after a loss its past from the log. Default 4. */
	openingMax?: number;
	/** How long a runner that hangs in a call is waited for before its partition is opened anew, or left. Default 30 s. */
	stopMsMax?: number;
	/** Longest pause between two tries while log or store are away. Default 5 s. */
	retryMsMax?: number;
}

export interface GroupHealth {
	/** True when every group is joined and every partition given to this member is at work. */
	ready: boolean;
	partitions: PartitionHealth[];
}

export interface RunningGroup {
	health(): GroupHealth;
	/** Resolves when `signal` has stopped all; rejects with the first error that no retry mends, after all others have stopped. */
	readonly done: Promise<void>;
}

export function runStages(
	stages: readonly Stage[],
	ports: RunnerPorts,
	membership: Membership,
	options: GroupOptions,
): RunningGroup {
	// Ends all: the caller's signal, or the first error that no retry mends.
	const stop = new AbortController();
	const end = (): void => stop.abort();
	options.signal.addEventListener('abort', end);
	if (options.signal.aborted) end();
	const failures: unknown[] = [];
	const deps: SlotDeps = {
		ports,
		options,
		random: options.random ?? Math.random,
		retryMsMax: options.retryMsMax ?? 5_000,
		stopMsMax: options.stopMsMax ?? 30_000,
		opening: createGate(options.openingMax ?? 4),
		fail: (error) => {
			failures.push(error);
			end();
		},
	};
	const joined = stages.map((stage) => ({ stage, slots: new Map<number, PartitionSlot>(), isMember: false }));
	const work = Promise.all(joined.map((one) => runStage(one, membership, deps, stop.signal)));
	return {
		health: () => {
			const partitions = joined.flatMap(({ slots }) => [...slots.values()].flatMap((slot) => slot.health() ?? []));
			const working = partitions.every(({ state }) => state === 'live' || state === 'replaying');
			return { ready: working && joined.every(({ isMember }) => isMember) && !stop.signal.aborted, partitions };
		},
		done: work.then(() => {
			options.signal.removeEventListener('abort', end);
			if (failures.length > 0) throw failures[0];
		}),
	};
}

interface Joined {
	readonly stage: Stage;
	/** Every partition that this member ever had. */
	readonly slots: Map<number, PartitionSlot>;
	isMember: boolean;
}

/** Never rejects: what no retry mends goes to `deps.fail`. */
async function runStage(one: Joined, membership: Membership, deps: SlotDeps, signal: AbortSignal): Promise<void> {
	const { stage, slots } = one;
	const assign = (partitions: readonly number[]): void => {
		const mine = new Set(signal.aborted ? [] : partitions);
		for (const [partition, slot] of slots) if (!mine.has(partition)) slot.take();
		for (const partition of mine) {
			let slot = slots.get(partition);
			if (!slot) {
				slot = createPartitionSlot(stage, partition, deps);
				slots.set(partition, slot);
			}
			slot.give();
		}
	};
	const member = await join(one, membership, assign, deps, signal);
	await aborted(signal);
	await Promise.all([...slots.values()].map((slot) => slot.stop()));
	one.isMember = false;
	try {
		await member?.leave();
	} catch (error) {
		// The group notices by itself that a member is gone.
		if (!isTransient(error)) deps.fail(error);
	}
}

async function join(
	one: Joined,
	membership: Membership,
	assign: (partitions: readonly number[]) => void,
	deps: SlotDeps,
	signal: AbortSignal,
): Promise<Member | undefined> {
	const { stage } = one;
	for (let attempt = 0; !signal.aborted; attempt++) {
		try {
			const member = await membership.join(stage.name, stage.input, assign);
			one.isMember = true;
			return member;
		} catch (error) {
			if (!isTransient(error)) {
				deps.fail(error);
				return undefined;
			}
			emitRetry(deps, stage.name, error);
			await sleep(retryMs(attempt, deps.retryMsMax, deps.random), signal);
		}
	}
	return undefined;
}

function emitRetry({ ports }: SlotDeps, stage: string, err: unknown): void {
	ports.emit({
		name: 'stage_retried',
		stage,
		reason: 'join',
		intentional: false,
		message: "the stage's group does not answer",
		detail: { err },
	});
}

const aborted = (signal: AbortSignal): Promise<void> =>
	new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener('abort', () => resolve(), { once: true });
	});
