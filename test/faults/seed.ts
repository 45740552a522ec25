// One seed: the fleet through its faults to the end of all input, and what it left against what one process gives.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Expected } from '../fleet/expected.ts';
import type { SimulatedFleet, SimulatedHost } from '../fleet/hosts.ts';
import { outcomeDifferences, readFleetOutcome } from '../fleet/outcome.ts';
import { alertDifferences, hostFindingDifferences } from './alerts.ts';
import { writeBadRecords } from './bad-records.ts';
import { type FleetChild, lastWords } from './child.ts';
import { type FaultLog, playFaults, type RunningFleet, startWorkers } from './disturb.ts';
import { drained } from './drained.ts';
import { type FaultPlan, planFaults } from './plan.ts';
import { seenEvents } from './seen.ts';
import { type FaultServers, type FleetWorld, openFleetWorld } from './world.ts';

export interface SeedResult {
	seed: number;
	seconds: number;
	plan: FaultPlan;
	/** Kinds of the faults that hit something. */
	hit: string[];
	/** Number of internal events of all processes, by `name reason`. */
	seen: Map<string, number>;
	/** In words; empty when the outcome is that of one undisturbed process. */
	differences: string[];
	/** Configuration, logs and attestations; kept when there are differences. */
	folder: string;
}

export interface SeedInputs {
	simulated: SimulatedFleet;
	expected: Expected;
	servers: FaultServers;
	/** Folder of all seeds. */
	folder: string;
	/** Leaves the seed's folder in any case. */
	keep: boolean;
}

/** A machine under load takes minutes for what is seconds of work. */
const agentsMsMax = 240_000;

export async function playSeed(seed: number, inputs: SeedInputs): Promise<SeedResult> {
	const { simulated, expected, servers } = inputs;
	const startedMs = performance.now();
	const plan = planFaults(seed, simulated.hosts.length);
	const folder = join(inputs.folder, `seed-${seed}`);
	rmSync(folder, { recursive: true, force: true });
	const world = await openFleetWorld(folder, plan, simulated, servers);
	const agents = simulated.hosts.map((host) => world.newAgent(host));
	const fleet: RunningFleet = { agents, workers: startWorkers(world, plan) };
	const differences: string[] = [];
	let log: FaultLog = { hit: [], failures: [] };
	const postsBefore = servers.webhook.received.length;
	try {
		const bad = await writeBadRecords(
			world,
			servers.kafka.brokers,
			plan.partitions,
			expected,
			simulated.hosts[0] as SimulatedHost,
		);
		await allReady(fleet);
		const faults = playFaults(world, plan, fleet, servers);
		const sent = runAgents(agents, plan);
		log = await faults;
		const late = (): string[] =>
			agents
				.filter((agent) => agent.ownEnd() === null)
				.map((agent) => `${agent.name}: not done within ${agentsMsMax} ms`);
		differences.push(...log.failures, ...(await within(agentsMsMax, sent, late)));
		differences.push(...ownEnds(fleet, world));
		if (differences.length === 0) differences.push(...(await drained(world, fleet)));
		const outcome = await readFleetOutcome(world.log, world.outDir, world.seals);
		differences.push(...outcomeDifferences(outcome, expected, bad.letters));
		differences.push(...hostFindingDifferences(outcome, bad.subjects));
		const posted = servers.webhook.received.slice(postsBefore).map((post) => post.headers['webhook-id'] ?? '');
		differences.push(...alertDifferences(outcome, posted));
		differences.push(...ownEnds(fleet, world));
	} catch (error) {
		differences.push((error as Error).stack ?? String(error));
	} finally {
		await stopAll(fleet);
		await world.close().catch((error: unknown) => differences.push(`closing: ${(error as Error).message}`));
	}
	const seen = seenEvents(world.logs);
	if (differences.length === 0 && !inputs.keep) rmSync(folder, { recursive: true, force: true });
	const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
	return { seed, seconds, plan, hit: log.hit, seen, differences, folder };
}

const readyMsMax = 180_000;

/** Faults that come before anybody works hit nothing. */
async function allReady({ workers }: RunningFleet): Promise<void> {
	const untilMs = performance.now() + readyMsMax;
	for (const worker of Object.values(workers).flat())
		while (!worker.news().some((news) => news['event'] === 'ready')) {
			if (!worker.isRunning()) throw new Error(`${worker.name}: ended before it was ready`);
			if (performance.now() > untilMs) throw new Error(`${worker.name}: not ready within ${readyMsMax} ms`);
			await sleep(100);
		}
}

/** Each at its time, and again whenever a fault has started it anew, until it ends by itself. In words what failed. */
async function runAgents(agents: readonly FleetChild[], plan: FaultPlan): Promise<string[]> {
	const failures: string[] = [];
	await Promise.all(
		agents.map(async (agent, i) => {
			await sleep(plan.agentStartsMs[i] ?? 0);
			agent.start();
			while (agent.ownEnd() === null) {
				await agent.ended();
				await sleep(50);
			}
			if (agent.ownEnd() !== 0) failures.push(`${agent.name}: ended with ${agent.ownEnd()}`);
		}),
	);
	return failures;
}

async function within(ms: number, work: Promise<string[]>, tooLate: () => string[]): Promise<string[]> {
	const over = new AbortController();
	const late = sleep(ms, null, { signal: over.signal }).then(tooLate, () => []);
	try {
		return await Promise.race([work, late]);
	} finally {
		over.abort();
	}
}

/** A service ends by SIGTERM only. */
const ownEnds = ({ workers }: RunningFleet, { logs }: FleetWorld): string[] =>
	Object.values(workers)
		.flat()
		.filter((worker) => worker.ownEnd() !== null)
		.map((worker) => `${worker.name}: ended with ${worker.ownEnd()}: ${lastWords(join(logs, `${worker.name}.log`))}`);

async function stopAll({ agents, workers }: RunningFleet): Promise<void> {
	await Promise.all([...agents, ...Object.values(workers).flat()].map((child) => child.kill9()));
}
