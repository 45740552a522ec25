// A seeded simulator of the commit protocol: sources and stages as processes that die at any call or crash point, are
// started anew, or go on as zombies beside their successor, over a log and a store of which the store may be lost.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { deadLetterCodec } from '@affidavit/model/codec.ts';
import { collectingEmit } from '../../src/internal-event.ts';
import { createMemoryLog, type MemoryLog } from '../../src/memory/log.ts';
import { createMemoryStore, type MemoryStore, type StoreSnapshot } from '../../src/memory/store.ts';
import type { Log, LogRecord, Store, Topic } from '../../src/ports.ts';
import { openPartition } from '../../src/runner/partition-runner.ts';
import { readTopic } from '../../src/runner/read-topic.ts';
import { openSource } from '../../src/runner/source.ts';
import { runTopology } from '../../src/runner/topology.ts';
import type { SealErrorCode, Seals } from '../../src/seal/seal.ts';
import { forge, sealsOf, someGenuine, unitedSeals } from './forger.ts';
import { createRandom, type Random } from './random.ts';
import { createScheduler, gated, restarting, type Scheduler } from './scheduler.ts';
import { encodeToy, holdStage, judgeStage, type ToyRecord } from './toy-stages.ts';

const stages = [holdStage, judgeStage];
const hosts = ['alpha', 'beta', 'gamma'];
const sealCodes: ReadonlySet<string> = new Set<SealErrorCode>([
	'unsealed',
	'unknown-sealer',
	'wrong-sealer',
	'bad-seal',
	'misplaced',
]);
const outputs: readonly Topic[] = ['session', 'finding', 'verdict', 'deadletter'];

export interface SimulationOptions {
	seed: number;
	/** Calls to log, store or crash points that are let through in all. */
	steps: number;
	/** Chance that a call is the process's last. */
	crash: number;
	/** Chance per step that a second process is started for a partition. */
	zombie: number;
	/** Chance per step that the store of all stages is lost. */
	lostStore: number;
	/** Chance per step that the store of all stages is taken back to what it was some time ago. Default 0. */
	rolledBack?: number;
	/** Chance per step that a call is stopped, and that a stopped one goes on. Default 0. */
	paused?: number;
	/** Chance per step that somebody else writes to a topic. Default 0; above it, stages seal what they write. */
	forged?: number;
	/** Bound of the log: sources wait, and consumed input is trimmed. */
	logBytesMax?: number;
}

/** By topic and key, what a reader sees that drops the copies; `deadletter` by digest alone, since offsets differ between runs. */
export type Seen = Map<string, string[]>;

interface World {
	log: MemoryLog;
	/** Of the stages. */
	store: MemoryStore;
	/** Of the sources: each host's own disk, not lost with the stages' store. */
	hostStore: MemoryStore;
	inputs: Map<string, ToyRecord[][]>;
	seals: ReadonlyMap<string, Seals> | null;
}

export interface SimulationResult {
	seen: Seen;
	crashes: number;
	fenced: number;
	lostStores: number;
	rolledBack: number;
	/** By topic: records that somebody else wrote; of `session`, how many of them have their dead letter. */
	forged: Map<Topic, number>;
	refused: number;
	copies: number;
	/** Input records that the bounded log let go. */
	trimmed: number;
}

/** The undisturbed run of the same inputs. */
export async function runUndisturbed(seed: number): Promise<SimulationResult> {
	const world = createWorld(seed);
	await finish(world, 256);
	const none = { crashes: 0, fenced: 0, lostStores: 0, rolledBack: 0, forged: new Map<Topic, number>(), trimmed: 0 };
	return { ...(await read(world)), ...none };
}

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
	const world = createWorld(options.seed, options);
	// Whoever checks the outputs at the end is a reader too: they must not be trimmed before.
	for (const topic of outputs)
		for (let partition = 0; partition < world.log.partitions(topic); partition++)
			await world.log.saveLowWater('checker', topic, partition, 0);
	const random = createRandom(options.seed ^ 0x5eed);
	const scheduler = createScheduler(random, options.crash);
	const batchMax = 1 + random.below(12);
	const start = [
		...hosts.map((host) => () => sourceProcess(host, world, scheduler)),
		...stages.flatMap((_, i) =>
			[0, 1].map((partition) => () => stageProcess(i, partition, batchMax, world, scheduler)),
		),
	];
	for (const process of start) void process();
	let lostStores = 0;
	let rolledBack = 0;
	const snapshots: StoreSnapshot[] = [];
	const forged = new Map<Topic, number>();
	for (let step = 0; step < options.steps; step++) {
		if (random.chance(options.zombie)) void (start[random.below(start.length)] as () => Promise<void>)();
		if (random.chance(options.lostStore)) {
			world.store.clear();
			lostStores += 1;
		}
		if (options.rolledBack) {
			if (random.chance(0.02)) snapshots.splice(random.below(4), 1, world.store.snapshot());
			const snapshot = snapshots[random.below(snapshots.length)];
			if (snapshot && random.chance(options.rolledBack)) {
				world.store.restore(snapshot);
				rolledBack += 1;
			}
		}
		if (random.chance(options.paused ?? 0)) scheduler.freezeOne();
		if (random.chance(options.paused ?? 0)) scheduler.thawOne();
		if (random.chance(options.forged ?? 0)) await intrude(world, random, forged);
		await nextTurn();
		if (!scheduler.letOneThrough()) break;
	}
	await nextTurn();
	// Whoever still waits hangs for ever: dead, as far as the world can tell.
	await finish(world, batchMax);
	const { crashes, fenced } = scheduler;
	let trimmed = 0;
	for (const partition of [0, 1]) trimmed += (await world.log.bounds('trace', partition)).start;
	const counts = { crashes: crashes(), fenced: fenced(), lostStores, rolledBack, forged, trimmed };
	return { ...(await read(world)), ...counts };
}

function createWorld(seed: number, { logBytesMax, forged }: Partial<SimulationOptions> = {}): World {
	const random = createRandom(seed);
	const log = createMemoryLog({
		partitions: { trace: 2, session: 2, verdict: 2 },
		...(logBytesMax === undefined ? {} : { maxBytes: logBytesMax }),
	});
	const inputs = new Map(hosts.map((host) => [host, hostInput(host, random)]));
	const seals = forged ? sealsOf(stages.map(({ name }) => name)) : null;
	return { log, store: createMemoryStore(), hostStore: createMemoryStore(), inputs, seals };
}

/** What a host's source commits, commit by commit: sessions that overlap, with bad and poisonous records in between. */
function hostInput(host: string, random: Random): ToyRecord[][] {
	const records: ToyRecord[] = [];
	const open: string[] = [];
	for (let i = 0; i < 40; i++) {
		const text = `${host} ${i}`;
		const one = open[random.below(open.length)];
		if (random.chance(0.04)) records.push({ session: host, kind: 'poison', text });
		else if (random.chance(0.06)) records.push({ session: host, kind: 'bad', text });
		else if (one === undefined || (random.chance(0.2) && open.length < 4)) {
			open.push(`${host}-${i}`);
			records.push({ session: `${host}-${i}`, kind: 'open', text });
		} else if (random.chance(0.25)) {
			open.splice(open.indexOf(one), 1);
			records.push({ session: one, kind: 'close', text });
		} else records.push({ session: one, kind: 'add', text });
	}
	records.push({ session: host, kind: 'end', text: '' });
	const commits: ToyRecord[][] = [];
	while (records.length > 0) commits.push(records.splice(0, 1 + random.below(4)));
	return commits;
}

async function stageProcess(
	index: number,
	partition: number,
	batchMax: number,
	world: World,
	scheduler: Scheduler,
): Promise<void> {
	const { emit } = collectingEmit();
	await restarting(scheduler, async () => {
		const stage = stages[index] as (typeof stages)[0];
		const seals = world.seals?.get(stage.name);
		const ports = { ...gated(world.log, world.store, scheduler), emit, ...(seals && { seals }) };
		const runner = await openPartition(stage, partition, ports, {
			crashPoint: scheduler.crashPoint,
			batchRecordsMax: batchMax,
			publishRecordsMax: 2,
		});
		for (;;) {
			const result = await runner.pump();
			if (result.kind === 'fenced') return 'fenced';
			if (result.kind !== 'progress') await scheduler.gate('idle');
		}
	});
}

const checkpoint = 'next';

async function sourceProcess(host: string, world: World, scheduler: Scheduler): Promise<void> {
	await restarting(scheduler, async () => {
		const ports = gated(world.log, world.hostStore, scheduler);
		await writeInput(host, world, ports.log, ports.store, scheduler.crashPoint);
		return 'done';
	});
}

async function writeInput(
	host: string,
	world: World,
	log: Log,
	store: Store,
	crashPoint: (point: string) => void,
): Promise<void> {
	const { emit } = collectingEmit();
	const source = await openSource({ stage: `ingest:${host}`, partition: 0 }, { log, store, emit }, { crashPoint });
	const commits = world.inputs.get(host) ?? [];
	for (;;) {
		const next = Number(Buffer.from(source.cells.get(checkpoint) ?? []).toString() || '0');
		const commit = commits[next];
		if (!commit) return;
		await source.commit({
			cells: new Map([[checkpoint, Buffer.from(String(next + 1))]]),
			records: commit.map((record) => ({ topic: 'trace', key: host, value: encodeToy(record) })),
		});
	}
}

/** Undisturbed from here on, until everything is worked off. */
async function finish(world: World, batchRecordsMax: number): Promise<void> {
	const { emit } = collectingEmit();
	const sources = Promise.all(hosts.map((host) => writeInput(host, world, world.log, world.hostStore, () => {})));
	const ports = { log: world.log, store: world.store, emit, ...(world.seals && { seals: unitedSeals(world.seals) }) };
	await runTopology(stages, ports, { until: sources, batchRecordsMax });
	await sources;
}

/** Writes what a forger would to one of the topics that stages write. */
async function intrude(world: World, random: Random, forged: Map<Topic, number>): Promise<void> {
	const topic = outputs[random.below(outputs.length)] as Topic;
	const { log } = world;
	const seals = world.seals as ReadonlyMap<string, Seals>;
	const genuine = await someGenuine(log, topic, [...seals.values()][0] as Seals, random);
	const forgery = genuine && forge(genuine, seals, random, lie);
	if (!forgery) return;
	await log.append([forgery.record]);
	if (forgery.forged) forged.set(topic, (forged.get(topic) ?? 0) + 1);
}

/** Closes a session early, or says that another letter was dead. */
function lie({ topic, key, value }: LogRecord): Uint8Array {
	if (topic !== 'deadletter') return encodeToy({ session: key, kind: 'close', text: 'forged' });
	return deadLetterCodec.encode({ ...deadLetterCodec.decode(value), code: 'forged' });
}

async function read({ log, seals }: World): Promise<{ seen: Seen; copies: number; refused: number }> {
	const seen: Seen = new Map();
	let copies = 0;
	let refused = 0;
	const checker = seals?.values().next().value;
	for (const topic of outputs)
		for (let partition = 0; partition < log.partitions(topic); partition++) {
			const { start, end } = await log.bounds(topic, partition);
			copies += end - start;
			for await (const { key, value } of readTopic(log, topic, partition, checker)) {
				copies -= 1;
				if (topic === 'deadletter') {
					const { code, digest } = deadLetterCodec.decode(value);
					if (sealCodes.has(code)) refused += 1;
					else push(seen, topic, `${code} ${digest}`);
				} else push(seen, `${topic} ${key}`, Buffer.from(value).toString());
			}
		}
	seen.get('deadletter')?.sort();
	return { seen, copies, refused };
}

function push(seen: Seen, key: string, value: string): void {
	const values = seen.get(key);
	if (values) values.push(value);
	else seen.set(key, [value]);
}
