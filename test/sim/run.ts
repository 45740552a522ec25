// One seed: which hosts, delivered how, disturbed how; and the outcome that every delivery of the same events must have.
import { createRandom, type Random } from '../../packages/stream/test/sim/random.ts';
import { type DeliveryKind, type DeliveryPlan, deliver, newHostKey, plainPlan, randomPlan } from './delivery.ts';
import { type Outcome, readOutcome } from './outcome.ts';
import type { Recording, Recordings } from './recordings.ts';
import { type Disturbance, type Disturbed, type Intruder, runDisturbed, runUndisturbed } from './simulator.ts';
import { closeWorld, type HostKeys, openWorld, type World, type WorldOptions } from './world.ts';

/** Of configuration, and as small that a synthetic stream of a second is longer. */
const skewsUs = [10_000_000, 40_000];

export interface HostRun {
	recording: Recording;
	kind: DeliveryKind;
	lossCounters: 'known' | 'unknown';
}

export interface Run {
	seed: number;
	hosts: HostRun[];
	plans: DeliveryPlan[];
	partitions: number;
	skewUs: number;
}

/** What a seed stands for. `recorded`: the recorded stream alone, else one to `hostsMax` synthetic ones. */
export function planRun(seed: number, recordings: Recordings, recorded = false, hostsMax = 3): Run {
	const random = createRandom(seed);
	const skewUs = recorded ? (skewsUs[0] as number) : (skewsUs[random.below(skewsUs.length)] as number);
	const chosen = recorded ? [recordings.recorded] : choose(recordings.synthetic, 1 + random.below(hostsMax), random);
	const hosts = chosen.map(
		(recording): HostRun => ({
			recording,
			kind: random.chance(0.5) ? 'file' : 'export',
			lossCounters: random.chance(0.8) ? 'known' : 'unknown',
		}),
	);
	const plans = hosts.map(({ kind, lossCounters }) => randomPlan(random, kind, lossCounters, skewUs));
	return { seed, hosts, plans, partitions: 1 + random.below(2), skewUs };
}

function choose<T>(from: readonly T[], count: number, random: Random): T[] {
	const left = [...from];
	return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0] as T);
}

const keys = new Map<string, ReturnType<typeof newHostKey>>();

/** The same key for a host in every run. */
export function hostKey(host: string): ReturnType<typeof newHostKey> {
	let key = keys.get(host);
	if (!key) {
		key = newHostKey();
		keys.set(host, key);
	}
	return key;
}

/** The deliveries of a run, as signed records by host. */
export function inputsOf({ seed, hosts, plans }: Run): Map<string, ReturnType<typeof deliver>> {
	const random = createRandom(seed ^ 0xde11);
	return new Map(
		hosts.map(({ recording }, i) => [
			recording.host,
			deliver(recording, plans[i] as DeliveryPlan, random, hostKey(recording.host)),
		]),
	);
}

const keysOf = (hosts: readonly HostRun[]): HostKeys =>
	new Map(hosts.map(({ recording }) => [recording.host, hostKey(recording.host)]));

export async function inWorld<T>(options: WorldOptions, body: (world: World) => Promise<T>): Promise<T> {
	const world = openWorld(options);
	try {
		return await body(world);
	} finally {
		closeWorld(world);
	}
}

export const worldOf = (run: Run, recordings: Recordings, inputs: WorldOptions['inputs']): WorldOptions => ({
	inputs,
	manifests: recordings.manifests,
	keys: keysOf(run.hosts),
	partitions: run.partitions,
	skewUs: run.skewUs,
});

const expected = new Map<string, Promise<Outcome>>();

/** Of the host's events alone, in order, in large batches, with nothing in the way. */
export function expectedOf(host: HostRun, recordings: Recordings): Promise<Outcome> {
	const { recording, kind, lossCounters } = host;
	const id = `${recording.name} ${kind} ${lossCounters}`;
	const known = expected.get(id);
	if (known) return known;
	const run: Run = {
		seed: 0,
		hosts: [host],
		plans: [plainPlan(kind, lossCounters)],
		partitions: 1,
		skewUs: skewsUs[0] as number,
	};
	const outcome = inWorld(worldOf(run, recordings, inputsOf(run)), async (world) => {
		await runUndisturbed(world);
		return readOutcome(world.log, world.outDir);
	});
	expected.set(id, outcome);
	return outcome;
}

/** Of all hosts of the run together. */
export async function expectedOutcome({ hosts }: Run, recordings: Recordings): Promise<Outcome> {
	const all: Outcome = { sessions: new Map(), hosts: new Map(), deadLetters: [] };
	for (const host of hosts) {
		const one = await expectedOf(host, recordings);
		for (const [id, session] of one.sessions) all.sessions.set(id, session);
		for (const [id, name] of one.hosts) all.hosts.set(id, name);
		all.deadLetters.push(...one.deadLetters);
	}
	return all;
}

/** Plays the inputs; without a disturbance straight through. */
export const play = (
	options: WorldOptions,
	disturbance: Disturbance | null,
	intruder?: Intruder,
): Promise<Disturbed & { outcome: Outcome }> =>
	inWorld(options, async (world) => {
		const none: Disturbed = { steps: 0, crashes: 0, fenced: 0, lostStores: 0 };
		const disturbed = disturbance ? await runDisturbed(world, disturbance, intruder) : none;
		if (!disturbance) await runUndisturbed(world, 1 + options.partitions * 7);
		const seals = world.seals?.get('sign');
		return { ...disturbed, outcome: await readOutcome(world.log, world.outDir, seals) };
	});
