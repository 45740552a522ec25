// 24 simulated hours of a fleet in some minutes: hosts play builds in event time, the real services work on real servers, and what
// each of them holds in memory is looked at all the while.
import { setTimeout as delay } from 'node:timers/promises';
import { deadLetterCodec, verdictCodec } from '@affidavit/model/codec.ts';
import type { Log, Topic } from '@affidavit/stream/ports.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import { createRandom } from '../../packages/stream/test/sim/random.ts';
import { loadBuilds } from './builds.ts';
import { type Counts, createDayHost, type DayHost, type Habits } from './day-host.ts';
import { growthOf, type Quarters, quartersOf, type Sample, type Tolerance } from './flatness.ts';
import { type DayWorld, openDayWorld, type ServiceName, serviceNames } from './world.ts';

export interface DaySettings {
	/** Of event time. */
	hours: number;
	/** Of wall clock, at least: time waits where the services are behind. */
	minutes: number;
	hosts: number;
	seed: number;
	factsRetentionMs: number;
	sessionMaxMs: number;
	/** Between two looks at a service's memory, milliseconds. */
	sampleMs: number;
	habits: Habits;
	tolerance: { heap: Tolerance; rss: Tolerance; redis: Tolerance; keys: Tolerance };
	/** What is kept that should not be, to see that the check finds it. */
	leak: 'none' | 'redis' | 'heap';
	told: (line: string) => void;
}

export interface Figure {
	name: string;
	unit: 'bytes' | 'keys';
	quarters: Quarters;
	samples: number;
	/** In words; null: flat. */
	growth: string | null;
}

export interface DayResult {
	hours: number;
	hosts: number;
	wallMinutes: number;
	counts: Counts;
	/** Records of topic `trace`. */
	batches: number;
	verdicts: Record<string, number>;
	sessions: number;
	deadLetters: Record<string, number>;
	figures: Figure[];
}

const minuteUs = 60_000_000;
const tickMs = 50;
const lookMs = 1_000;
const trimMs = 15_000;
/** Beyond it time stands still: a service that falls far behind holds what it would not, and reads what the store has let go. */
const lagRecordsMax = { correlate: 2_000, detect: 400, sign: 40, alert: 400 } as const;
/** Times as long as was asked for. */
const slownessMax = 6;
const drainMsMax = 300_000;

export async function playDay(folder: string, settings: DaySettings): Promise<DayResult> {
	const builds = loadBuilds(folder);
	const random = createRandom(settings.seed);
	const names = Array.from({ length: settings.hosts }, (_, i) => `host-${String(i + 1).padStart(2, '0')}`);
	await using world = await openDayWorld(folder, settings, builds, names);
	const startUs = Date.now() * 1000 - settings.hours * 60 * minuteUs;
	const key = { privateKey: world.hostKey.privateKey, keyId: world.hostKey.keyId };
	const hosts = names.map((name) => createDayHost(name, key, builds, settings.habits, random, startUs));
	const series = new Map<string, Sample[]>();
	const began = performance.now();
	const watching = watch(world, series, began, settings);
	const batches = await live(world, hosts, startUs, settings, watching.lag).finally(() => watching.stop());
	const wallMs = performance.now() - began;
	await watching.done;
	await drain(world);
	const deadLetters: Record<string, number> = {};
	for await (const { value } of recordsOf(world.log, 'deadletter'))
		count(deadLetters, deadLetterCodec.decode(value).code);
	const verdicts: Record<string, number> = {};
	for await (const { value } of recordsOf(world.log, 'verdict')) count(verdicts, verdictCodec.decode(value).verdict);
	return {
		hours: settings.hours,
		hosts: settings.hosts,
		wallMinutes: wallMs / 60_000,
		counts: hosts.map((host) => host.counts()).reduce(added),
		batches,
		verdicts,
		sessions: Object.values(verdicts).reduce((sum, one) => sum + one, 0),
		deadLetters,
		figures: figuresOf(series, wallMs, settings.tolerance),
	};
}

const added = (a: Counts, b: Counts): Counts => ({
	events: a.events + b.events,
	builds: a.builds + b.builds,
	absences: a.absences + b.absences,
	reboots: a.reboots + b.reboots,
});

const count = (counts: Record<string, number>, name: string): void => {
	counts[name] = (counts[name] ?? 0) + 1;
};

async function* recordsOf(log: Log, topic: Topic) {
	for (let partition = 0; partition < log.partitions(topic); partition++) yield* readTopic(log, topic, partition);
}

/** Lets the hosts' time pass, slower where the services are behind. Returns how many batches they have sent. */
async function live(
	world: DayWorld,
	hosts: readonly DayHost[],
	startUs: number,
	{ hours, minutes, told }: DaySettings,
	lag: () => Lag,
): Promise<number> {
	const endUs = startUs + hours * 60 * minuteUs;
	const speed = (hours * 60) / minutes;
	const wallMsMax = slownessMax * minutes * 60_000;
	const began = performance.now();
	let nowUs = startUs;
	let batches = 0;
	let toldHour = 0;
	let before = began;
	while (nowUs < endUs) {
		const wall = performance.now();
		if (wall - began > wallMsMax)
			throw new Error(`${minutes} minutes were asked for: after ${slownessMax} times as long the day is not over`);
		const passedMs = Math.min(wall - before, 2 * tickMs);
		before = wall;
		if (lag().isFine) {
			nowUs = Math.min(endUs, nowUs + Math.round(passedMs * 1000 * speed));
			const records = hosts.flatMap((host) => host.due(nowUs));
			if (records.length > 0) await world.log.append(records);
			batches += records.length;
		}
		const hour = Math.floor((nowUs - startUs) / (60 * minuteUs));
		if (hour > toldHour) {
			toldHour = hour;
			told(
				`hour ${hour} after ${Math.round((wall - began) / 1000)} s, ${batches} batches, ${lag().records} records behind`,
			);
		}
		await delay(Math.max(0, tickMs - (performance.now() - wall)));
	}
	return batches;
}

interface Lag {
	records: number;
	isFine: boolean;
}

const lagOf = (lags: ReadonlyMap<ServiceName, number>): Lag => ({
	records: [...lags.values()].reduce((sum, one) => sum + one, 0),
	isFine: [...lags].every(([name, lag]) => lag <= lagRecordsMax[name]),
});

interface Watching {
	lag: () => Lag;
	stop(): void;
	done: Promise<void>;
}

/** Looks at everything until it is stopped. A service that ends by itself ends the day. */
function watch(world: DayWorld, series: Map<string, Sample[]>, began: number, { sampleMs }: DaySettings): Watching {
	const stopping = new AbortController();
	let lag: Lag = { records: 0, isFine: true };
	let failure: Error | null = null;
	const note = (name: string, value: number): void => {
		if (Number.isNaN(value)) return;
		const samples = series.get(name) ?? [];
		series.set(name, samples);
		samples.push({ atMs: performance.now() - began, value });
	};
	const run = async (): Promise<void> => {
		let sampledMs = performance.now();
		let trimmedMs = sampledMs;
		while (!stopping.signal.aborted) {
			const end = world.ended();
			if (end !== null) {
				failure = new Error(end);
				return;
			}
			lag = lagOf(await world.lagRecords());
			for (const [name, { liveBytes, rssBytes }] of world.heaps()) {
				note(`${name} live heap`, liveBytes);
				note(`${name} RSS`, rssBytes);
			}
			const now = performance.now();
			if (now - sampledMs >= sampleMs) {
				sampledMs = now;
				const { memoryBytes, keys } = await world.redis();
				note('Redis memory', memoryBytes);
				note('Redis keys', keys);
			}
			if (now - trimmedMs >= trimMs) {
				trimmedMs = now;
				await world.trim();
			}
			await delay(lookMs, undefined, { signal: stopping.signal }).catch(() => {});
		}
	};
	const done = run();
	done.catch((error: Error) => {
		failure = error;
	});
	return {
		lag: () => {
			if (failure !== null) throw failure;
			return lag;
		},
		stop: () => stopping.abort(),
		done,
	};
}

/** Until everything sent is worked off. */
async function drain(world: DayWorld): Promise<void> {
	let quiet = 0;
	for (const until = Date.now() + drainMsMax; quiet < 4; ) {
		if (Date.now() > until) throw new Error('the services have not worked everything off');
		quiet = lagOf(await world.lagRecords()).records === 0 ? quiet + 1 : 0;
		await delay(500);
	}
}

function figuresOf(
	series: ReadonlyMap<string, Sample[]>,
	wallMs: number,
	tolerance: DaySettings['tolerance'],
): Figure[] {
	const figure = (name: string, unit: Figure['unit'], tolerated: Tolerance): Figure => {
		const samples = series.get(name) ?? [];
		const quarters = quartersOf(samples, wallMs);
		return { name, unit, quarters, samples: samples.length, growth: growthOf(quarters, tolerated) };
	};
	return [
		...serviceNames.flatMap((name) => [
			figure(`${name} live heap`, 'bytes', tolerance.heap),
			figure(`${name} RSS`, 'bytes', tolerance.rss),
		]),
		figure('Redis memory', 'bytes', tolerance.redis),
		figure('Redis keys', 'keys', tolerance.keys),
	];
}
