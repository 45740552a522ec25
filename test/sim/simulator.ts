// Seeded runs of the whole pipeline: sources and stages as processes that take turns, die at any call and start anew, over
// a store that may be lost at any moment.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoreSnapshot } from '@affidavit/stream/memory/store.ts';
import type { Log, OutRecord, Stamp, Store } from '@affidavit/stream/ports.ts';
import { openPartition } from '@affidavit/stream/runner/partition-runner.ts';
import { openSource } from '@affidavit/stream/runner/source.ts';
import { runTopology } from '@affidavit/stream/runner/topology.ts';
import { unitedSeals } from '../../packages/stream/test/sim/forger.ts';
import { createRandom } from '../../packages/stream/test/sim/random.ts';
import { createScheduler, gated, restarting, type Scheduler } from '../../packages/stream/test/sim/scheduler.ts';
import { openStage, type ProcessPorts, type StageName, stageNames, type World } from './world.ts';

export interface Disturbance {
	seed: number;
	/** Calls that are let through in all; what is left then runs undisturbed. */
	steps: number;
	/** Chance that a call is the process's last. */
	crash: number;
	/** Chance per step that a second process is started beside one. */
	zombie: number;
	/** Chance per step that the stages' store is lost. */
	lostStore: number;
	/** Chance per step that it is taken back to what it was some time ago. Default 0. */
	rolledBack?: number;
	/** Chance per step that a call is stopped, and that a stopped one goes on. Default 0. */
	paused?: number;
}

/** Writes straight to a topic, as whoever stole a service's credentials could; at a moment of its own. */
export interface Intruder {
	/** Records to write next, from what the log holds; null: not yet. Called until it has given them. */
	records: (world: World) => Promise<readonly (OutRecord & Partial<Stamp>)[] | null>;
}

export interface Disturbed {
	steps: number;
	crashes: number;
	fenced: number;
	lostStores: number;
}

/** Until everything is worked off. */
export async function runUndisturbed(world: World, batchRecordsMax?: number): Promise<void> {
	const { log, store, events } = world;
	const sources = Promise.all(
		[...world.inputs.keys()].map((host) => writeInput(host, world, { log, store: world.hostStore }, 256, () => {})),
	);
	const ports = { log, store, emit: events.emit, ...(world.seals && { seals: unitedSeals(world.seals) }) };
	const stages = stageNames.map((name) => openStage(name, world, { ...ports, gate: async () => {} }));
	await runTopology(stages, ports, { until: sources, ...(batchRecordsMax ? { batchRecordsMax } : {}) });
	await sources;
}

/** Disturbed for so many steps, then undisturbed to the end. */
export async function runDisturbed(world: World, disturbance: Disturbance, intruder?: Intruder): Promise<Disturbed> {
	const random = createRandom(disturbance.seed ^ 0x5eed);
	const scheduler = createScheduler(random, disturbance.crash);
	const batchMax = 1 + random.below(12);
	const commitMax = 1 + random.below(4);
	const failures: unknown[] = [];
	const partitions = Array.from({ length: world.log.partitions('trace') }, (_, i) => i);
	const processes = [
		...[...world.inputs.keys()].map((host) => () => sourceProcess(host, world, scheduler, commitMax)),
		...stageNames.flatMap((name) => partitions.map((p) => () => stageProcess(name, p, batchMax, world, scheduler))),
	];
	const start = (process: () => Promise<void>): void => {
		process().catch((error: unknown) => failures.push(error));
	};
	for (const process of processes) start(process);
	if (intruder) start(() => restarting(scheduler, () => intrude(intruder, world, scheduler)));
	let lostStores = 0;
	const snapshots: StoreSnapshot[] = [];
	let steps = 0;
	for (; steps < disturbance.steps && failures.length === 0; steps++) {
		if (random.chance(disturbance.zombie)) start(processes[random.below(processes.length)] as () => Promise<void>);
		if (random.chance(disturbance.lostStore)) {
			world.store.clear();
			lostStores += 1;
		}
		if (disturbance.rolledBack !== undefined) {
			if (random.chance(0.01)) snapshots.splice(random.below(4), 1, world.store.snapshot());
			const snapshot = snapshots[random.below(snapshots.length)];
			if (snapshot && random.chance(disturbance.rolledBack)) {
				world.store.restore(snapshot);
				lostStores += 1;
			}
		}
		if (random.chance(disturbance.paused ?? 0)) scheduler.freezeOne();
		if (random.chance(disturbance.paused ?? 0)) scheduler.thawOne();
		await nextTurn();
		if (!scheduler.letOneThrough()) break;
	}
	await nextTurn();
	if (failures.length > 0) throw failures[0];
	// Whoever still waits hangs for ever: dead, as far as the world can tell.
	await runUndisturbed(world, batchMax);
	return { steps, crashes: scheduler.crashes(), fenced: scheduler.fenced(), lostStores };
}

/**
 * One life of a process. A call in which it dies never comes back: code between that call and the runner must not get to
 * catch what no code can.
 */
async function live<T>(scheduler: Scheduler, body: (own: Scheduler) => Promise<T>): Promise<T> {
	const death = Promise.withResolvers<never>();
	const own: Scheduler = {
		...scheduler,
		gate: (point) =>
			scheduler.gate(point).catch((error: unknown) => {
				death.reject(error);
				return new Promise<never>(() => {});
			}),
	};
	return await Promise.race([body(own), death.promise]);
}

const stageProcess = (
	name: StageName,
	partition: number,
	batchRecordsMax: number,
	world: World,
	scheduler: Scheduler,
): Promise<void> =>
	restarting(scheduler, () =>
		live(scheduler, async (own): Promise<'fenced'> => {
			const seals = world.seals?.get(name);
			const ports: ProcessPorts = { ...gated(world.log, world.store, own), gate: own.gate, ...(seals && { seals }) };
			const runner = await openPartition(
				openStage(name, world, ports),
				partition,
				{ ...ports, emit: world.events.emit },
				{ crashPoint: own.crashPoint, batchRecordsMax, publishRecordsMax: 3 },
			);
			for (;;) {
				const result = await runner.pump();
				if (result.kind === 'fenced') return 'fenced';
				if (result.kind !== 'progress') await own.gate('idle');
			}
		}),
	);

const sourceProcess = (host: string, world: World, scheduler: Scheduler, commitMax: number): Promise<void> =>
	restarting(scheduler, () =>
		live(scheduler, async (own) => {
			await writeInput(host, world, gated(world.log, world.hostStore, own), commitMax, own.crashPoint);
			return 'done' as const;
		}),
	);

async function intrude(intruder: Intruder, world: World, scheduler: Scheduler): Promise<'done'> {
	let records = await intruder.records(world);
	while (records === null) {
		await scheduler.gate('idle');
		records = await intruder.records(world);
	}
	for (const [offset, record] of records.entries())
		await world.log.append([{ origin: { stage: 'ingest:intruder', partition: 0, offset, index: 0 }, ...record }]);
	return 'done';
}

const checkpoint = 'next';

/** As an agent does: commits records with the checkpoint behind them, and resumes from it. */
async function writeInput(
	host: string,
	world: World,
	{ log, store }: { log: Log; store: Store },
	commitMax: number,
	crashPoint: (point: string) => void,
): Promise<void> {
	const records = world.inputs.get(host) ?? [];
	const scope = { stage: `ingest:${host}`, partition: 0 };
	const source = await openSource(scope, { log, store, emit: world.events.emit }, { crashPoint });
	for (;;) {
		const next = Number(Buffer.from(source.cells.get(checkpoint) ?? []).toString() || '0');
		const commit = records.slice(next, next + commitMax);
		if (commit.length === 0) return;
		const cells = new Map([[checkpoint, Buffer.from(String(next + commit.length))]]);
		await source.commit({ cells, records: commit });
	}
}
