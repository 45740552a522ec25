// One host of the day: beats, builds, falls silent and comes back, reboots. Time is event time and comes in as an argument.
import { type Batcher, createBatcher, type DecodedEvent, liveBatchLimits } from '@affidavit/ingest/batch/batcher.ts';
import { chainStart, type HostKey } from '@affidavit/model/batch-signature.ts';
import type { StampedRecord } from '@affidavit/stream/ports.ts';
import type { Random } from '../../packages/stream/test/sim/random.ts';
import { type Builds, type PlayedBuild, playBuild } from './builds.ts';

export interface DayHost {
	readonly name: string;
	/** Records for topic `trace`: what its agent has sent up to this time. */
	due(nowUs: number): StampedRecord[];
	counts(): Counts;
}

export interface Counts {
	events: number;
	builds: number;
	absences: number;
	reboots: number;
}

export interface Habits {
	/** Between two builds, microseconds, on average. */
	buildEveryUs: number;
	/** One build in so many is a large one. */
	largeOneIn: number;
	/** From one absence to the next, microseconds, on average. */
	absentEveryUs: number;
	/** Length of an absence, microseconds, at most; at least a third of it. */
	absentUsMax: number;
}

/** As the agent's, at a coarser clock: a batch waits for longer, a heartbeat comes every 20 s. */
const limits = { ...liveBatchLimits, ageUs: 2_000_000 };
const heartbeatUs = 20_000_000;
/** What an agent sends after an absence is cut as if it had been sent then. */
const sliceUs = 4_000_000;

interface State {
	name: string;
	boot: number;
	bootUs: number;
	batcher: Batcher;
	playing: PlayedBuild[];
	/** Sent up to here. */
	sentUs: number;
	beatUs: number;
	nextBuildUs: number;
	nextAbsenceUs: number;
	/** Silent until then; -1 while it is there. */
	backUs: number;
	/** What it does when it comes back: sends what it has spooled, or starts anew. */
	reboots: boolean;
	offset: number;
	counts: Counts;
}

export function createDayHost(
	name: string,
	key: HostKey,
	builds: Builds,
	habits: Habits,
	random: Random,
	startUs: number,
): DayHost {
	const batcherOf = (boot: number): Batcher =>
		createBatcher({
			host: name,
			boot: `boot-${boot}`,
			source: 'export',
			key,
			limits,
			chain: chainStart(),
			hooks: [],
		});
	const about = (us: number): number => Math.round(us * (0.5 + random.next()));
	const state: State = {
		name,
		boot: 1,
		bootUs: startUs,
		batcher: batcherOf(1),
		playing: [],
		sentUs: startUs,
		beatUs: startUs,
		nextBuildUs: startUs + random.below(habits.buildEveryUs),
		nextAbsenceUs: startUs + random.below(2 * habits.absentEveryUs),
		backUs: -1,
		reboots: false,
		offset: 0,
		counts: { events: 0, builds: 0, absences: 0, reboots: 0 },
	};

	const comesBack = (nowUs: number): void => {
		state.backUs = -1;
		state.nextAbsenceUs = nowUs + about(habits.absentEveryUs);
		if (!state.reboots) return;
		state.counts.reboots += 1;
		state.boot += 1;
		state.bootUs = nowUs;
		state.batcher = batcherOf(state.boot);
		state.playing = [];
		state.sentUs = nowUs;
		state.beatUs = nowUs;
		state.nextBuildUs = Math.max(state.nextBuildUs, nowUs);
	};
	const begin = (): void => {
		const from = random.below(habits.largeOneIn) === 0 ? builds.large : builds.small;
		const build = from[random.below(from.length)];
		if (build === undefined) throw new Error('no builds');
		const { boot, bootUs, counts, nextBuildUs } = state;
		counts.builds += 1;
		state.playing.push(playBuild(build, { host: name, boot, bootUs, run: counts.builds, startUs: nextBuildUs }));
		state.nextBuildUs += about(habits.buildEveryUs);
	};
	const slice = (nowUs: number, records: StampedRecord[]): void => {
		while (state.nextBuildUs <= nowUs) begin();
		for (const entry of takeUntil(state, nowUs)) {
			if (state.batcher.offer(entry, nowUs) === 'close-first') {
				close(state, nowUs, records);
				state.batcher.offer(entry, nowUs);
			}
			state.counts.events += 1;
		}
		const { batcher } = state;
		if (batcher.due(nowUs) || (batcher.pending() === 0 && nowUs - state.beatUs >= heartbeatUs))
			close(state, nowUs, records);
		state.sentUs = nowUs;
	};

	return {
		name,
		counts: () => state.counts,
		due(nowUs) {
			const records: StampedRecord[] = [];
			if (state.backUs !== -1 && nowUs < state.backUs) return records;
			if (state.backUs !== -1) comesBack(nowUs);
			else if (nowUs >= state.nextAbsenceUs) {
				state.backUs = nowUs + Math.round((habits.absentUsMax * (1 + 2 * random.next())) / 3);
				state.reboots = random.chance(0.5);
				state.counts.absences += 1;
				return records;
			}
			while (state.sentUs < nowUs) slice(Math.min(nowUs, state.sentUs + sliceUs), records);
			return records;
		},
	};
}

/** The events of all builds under way, in order of time. */
function takeUntil(state: State, nowUs: number): DecodedEvent[] {
	const taken: DecodedEvent[] = [];
	for (const build of state.playing) while (build.nextUs() <= nowUs) taken.push(build.take());
	state.playing = state.playing.filter((build) => build.nextUs() !== Number.POSITIVE_INFINITY);
	return taken.sort((a, b) => a.event.timeUs - b.event.timeUs);
}

function close(state: State, nowUs: number, records: StampedRecord[]): void {
	const closing = { observedUs: nowUs, losses: [], lossCounters: 'known' as const, endOfInput: false };
	const { record } = state.batcher.close(closing);
	const origin = { stage: `ingest:${state.name}`, partition: 0, offset: state.offset++, index: 0 };
	records.push({ ...record, origin });
	state.beatUs = nowUs;
}
