// Plays a plan's faults on a running fleet. Every fault ends with what it hit running again.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { FleetChild } from './child.ts';
import { type Fault, type FaultedService, type FaultPlan, faultedServices } from './plan.ts';
import { watchProgress } from './progress.ts';
import type { FaultServers, FleetWorld } from './world.ts';

export interface RunningFleet {
	agents: readonly FleetChild[];
	workers: Readonly<Record<FaultedService, FleetChild[]>>;
}

export interface FaultLog {
	/** Kinds of the faults that really hit something. */
	hit: string[];
	/** What went wrong in playing them. */
	failures: string[];
}

/** The group's session timeout, and the time that the others take to join again. */
const partitionMovedMs = 6_000 + 2_500;

export function startWorkers(world: FleetWorld, { workers }: FaultPlan): RunningFleet['workers'] {
	const started: Record<FaultedService, FleetChild[]> = { correlate: [], detect: [], sign: [], alert: [] };
	for (const service of faultedServices)
		for (let i = 0; i < workers[service]; i++) started[service].push(startWorker(world, service));
	return started;
}

function startWorker(world: FleetWorld, service: FaultedService): FleetChild {
	const worker = world.newWorker(service);
	worker.start();
	return worker;
}

/** Resolves when all faults are over. */
export async function playFaults(
	world: FleetWorld,
	plan: FaultPlan,
	fleet: RunningFleet,
	servers: FaultServers,
): Promise<FaultLog> {
	const log: FaultLog = { hit: [], failures: [] };
	const progress = watchProgress(world);
	// One trouble at a time for each server; processes die whenever.
	const turns = { redis: Promise.resolve(), kafka: Promise.resolve() };
	const inTurn = (server: keyof typeof turns, body: () => Promise<void>): Promise<void> => {
		const mine = turns[server].then(body);
		turns[server] = mine.catch(() => {});
		return mine;
	};
	const play = async (fault: Fault): Promise<boolean> => {
		switch (fault.kind) {
			case 'kill-agent':
				return bounce(fleet.agents[fault.host], 'kill9', fault.downMs);
			case 'kill-worker':
				return bounce(pick(fleet, fault), 'kill9', fault.downMs);
			case 'remove-worker':
				return bounce(pick(fleet, fault), 'terminate', fault.downMs);
			case 'add-worker':
				fleet.workers[fault.service].push(startWorker(world, fault.service));
				return true;
			case 'pause-worker':
				return pause(pick(fleet, fault), () => (fault.flush ? flush(servers) : Promise.resolve()));
			case 'kill-redis':
				await inTurn('redis', () => restart(servers.redis, fault.downMs));
				return true;
			case 'roll-back-redis':
				await inTurn('redis', () => rollBack(servers, fault));
				return true;
			case 'flush-redis':
				await inTurn('redis', async () => {
					for (let i = 0; i < fault.times; i++) {
						if (i > 0) await sleep(fault.gapMs);
						await flush(servers);
					}
				});
				return true;
			case 'kill-broker':
				await inTurn('kafka', () => restart(servers.kafka, fault.downMs));
				return true;
		}
	};
	await Promise.all(
		plan.faults.map(async ({ at, fault }) => {
			await progress.reached(at);
			try {
				if (await play(fault)) log.hit.push(fault.kind);
			} catch (error) {
				log.failures.push(`${fault.kind}: ${(error as Error).message}`);
			}
		}),
	);
	progress.stop();
	return log;
}

/** One that runs now. */
function pick(
	fleet: RunningFleet,
	{ service, worker }: { service: FaultedService; worker: number },
): FleetChild | undefined {
	const running = fleet.workers[service].filter((child) => child.isRunning());
	return running[worker % running.length];
}

async function bounce(child: FleetChild | undefined, how: 'kill9' | 'terminate', downMs: number): Promise<boolean> {
	if (!child?.isRunning()) return false;
	await child[how]();
	await sleep(downMs);
	child.start();
	return true;
}

async function pause(child: FleetChild | undefined, meanwhile: () => Promise<void>): Promise<boolean> {
	if (!child) return false;
	child.pause();
	await sleep(partitionMovedMs / 2);
	await meanwhile();
	await sleep(partitionMovedMs / 2);
	child.resume();
	return true;
}

interface Killable {
	kill9(): Promise<void>;
	start(): Promise<void>;
}

async function restart(server: Killable, downMs: number): Promise<void> {
	await server.kill9();
	await sleep(downMs);
	await server.start();
}

async function rollBack(
	{ redis }: FaultServers,
	{ lostMs, downMs }: { lostMs: number; downMs: number },
): Promise<void> {
	const copy = redis.copyData();
	await sleep(lostMs);
	await redis.kill9();
	redis.restoreData(copy);
	await sleep(downMs);
	await redis.start();
}

/** A server that is down has nothing to lose. */
async function flush({ redis }: FaultServers): Promise<void> {
	const client = new Redis(redis.url, { retryStrategy: () => null, maxRetriesPerRequest: 0, lazyConnect: true });
	client.on('error', () => {});
	try {
		await client.connect();
		await client.flushall('SYNC');
	} catch {
	} finally {
		client.disconnect();
	}
}
