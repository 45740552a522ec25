// A replay: the past through correlate and detect as they are today, in a state of its own. Nothing is signed, published or posted.
import type { Matcher } from '@affidavit/correlate/core/matcher.ts';
import type { IndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import type { RuleSet } from '@affidavit/detect/rules/rule-set.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import { openPartition } from '@affidavit/stream/runner/partition-runner.ts';
import type { Config } from '../config/schema.ts';
import { correlateStage, detectStage } from '../topology.ts';
import { drain } from './drain.ts';
import { observedStore } from './observed-store.ts';
import { createOverlayLog } from './overlay-log.ts';
import type { Past } from './past.ts';
import { cutSession, judgedSession, type ReplayedSession } from './report.ts';
import { openScratch, passingBlobs, type Scratch } from './scratch.ts';
import { type MetSession, type Sessions, trackSessions } from './sessions.ts';
import { createSnapshotComparer } from './snapshots.ts';
import { createTally, type Tally } from './tally.ts';
import { isCut, readThen, type Then } from './then.ts';
import { type PartitionOffsets, traceOffsets, verdictOffsets, type Window } from './window.ts';

export interface ReplayRun {
	past: Past;
	config: Config;
	/** Today's. */
	rules: RuleSet;
	indicators: IndicatorSet;
	matchers: readonly Matcher[] | undefined;
	/** Snapshots of then; read only. */
	blobs: Pick<Blobs, 'get' | 'has'>;
	window: Window;
	/** null: all. */
	host: string | null;
	/** Beginning of a session's id; null: all. */
	session: string | null;
	signal: AbortSignal;
	/** In the order in which sessions close. */
	tell: (session: ReplayedSession) => void;
	/** Records of topic `trace`: read so far, and in all. */
	progress: (done: number, total: number) => void;
}

export interface ReplayEnd {
	/** False when the signal ended it. */
	whole: boolean;
	/** The log's oldest record is newer than what should have been read: histories of hosts may be missing. */
	beginsLate: boolean;
	/** Verdicts of then that are not compared: beyond the bound, or undecodable. */
	thenDropped: number;
	thenUndecodable: number;
	/** What went wrong in today's stages. */
	notes: ReturnType<Tally['notes']>;
}

/** How much later than its session's trace a verdict of then may have been written, besides the fleet's longest outage. */
const lateVerdictUs = 3_600_000_000;
/** How long the replay's own store keeps the facts of a closed session; the detector is at most some batches behind. */
const factsRetentionMs = 60_000;
/** Input records of one commit: an interruption waits for it. */
const batchRecordsMax = 64;

export async function runReplay(run: ReplayRun): Promise<ReplayEnd> {
	const { past, config, window, signal } = run;
	const tally = createTally();
	const offsets = await traceOffsets(past.log, window);
	const untilUs = window.readToUs + config.kafka.outageMsMax * 1000 + lateVerdictUs;
	const then = await readThen(past, await verdictOffsets(past.log, window.fromUs, untilUs), signal);
	const progress = progressOf(offsets, run.progress);
	// One partition after the other: the hosts of one are all that is in memory, as in a correlator.
	for (let partition = 0; partition < offsets.length && !signal.aborted; partition++) {
		const scratch = await openScratch(config, offsets.length, tally.emit);
		try {
			await replayPartition(run, {
				partition,
				offsets: offsets[partition] as PartitionOffsets,
				scratch,
				then,
				tally,
				progress,
			});
		} finally {
			await scratch.close();
		}
	}
	if (!signal.aborted) tellUnseen(run, then);
	return {
		whole: !signal.aborted,
		beginsLate: await beginsLate(past, window, offsets),
		thenDropped: then.dropped,
		thenUndecodable: then.undecodable,
		notes: tally.notes(),
	};
}

interface PartitionRun {
	partition: number;
	offsets: PartitionOffsets;
	scratch: Scratch;
	then: Then;
	tally: Tally;
	progress: (partition: number, offset: number) => void;
}

async function replayPartition(
	run: ReplayRun,
	{ partition, offsets, scratch, then, tally, progress }: PartitionRun,
): Promise<void> {
	const { past, rules, indicators, signal, host } = run;
	const { emit } = tally;
	// What a session's facts are kept for is over with this run.
	const config: Config = { ...run.config, factsRetentionMs };
	const done = new AbortController();
	const sessions = createSessions(run, offsets, then, () => done.abort());
	const log = createOverlayLog({
		past: past.log,
		scratch: scratch.log,
		partition,
		range: offsets.read,
		...(host === null ? {} : { acceptTrace: ({ key }) => key === host }),
		acceptSession: sessions.isWithin,
		onRead: (offset) => progress(partition, offset),
	});
	const store = observedStore(scratch.store, sessions);
	const deps = { config, log, store, emit };
	const { resolveKey, resolveTickKey } = past;
	const correlate = correlateStage({ ...deps, resolveKey, resolveTickKey, matchers: run.matchers });
	const detect = detectStage({ ...deps, rules, indicators, blobs: passingBlobs(null) });
	const ports = { log, store, emit };
	const limits = { batchRecordsMax };
	const runners = [
		await openPartition(correlate, partition, ports, limits),
		await openPartition(detect, 0, ports, limits),
	];
	await drain(runners, AbortSignal.any([signal, done.signal]));
	for (const met of sessions.open()) {
		const frame = { ...met, before: then.take(met.session) };
		if (met.where === 'within') run.tell(cutSession(frame, 'still-open', [...met.leads.values()]));
		else if (isCutBefore(run, met)) run.tell(cutSession(frame, 'began-before', []));
	}
}

function createSessions(run: ReplayRun, offsets: PartitionOffsets, then: Then, onDone: () => void): Sessions {
	const comparer = createSnapshotComparer(run.rules, run.indicators, run.blobs);
	return trackSessions({
		window: offsets.window,
		isWanted: (session) => isWanted(run, session),
		onVerdict: async (met, verdict) => {
			const before = then.take(met.session);
			const against = before === null ? null : await comparer.compare(before, verdict.manifest);
			// Of one whose beginning was missing then too, nothing is cut by the window.
			const cut = isCut(verdict) && before?.cut !== true ? 'began-before' : null;
			run.tell(judgedSession({ ...met, before }, verdict, against, cut));
		},
		onClosed: async (met) => {
			const before = then.take(met.session);
			if (isCutBefore(run, met)) run.tell(cutSession({ ...met, before }, 'began-before', []));
		},
		onDone,
	});
}

const isWanted = ({ session }: ReplayRun, id: string): boolean => session === null || id.startsWith(session);

const isCutBefore = (run: ReplayRun, { where, reaches, session }: MetSession): boolean =>
	where === 'before' && reaches && isWanted(run, session);

/** Verdicts of then of which nothing came today. Of a verdict alone nobody can tell the host. */
function tellUnseen(run: ReplayRun, then: Then): void {
	if (run.host !== null) return;
	for (const [session, before] of then.left())
		if (before.loggedUs < run.window.toUs && isWanted(run, session))
			run.tell(cutSession({ session, opened: null, before }, 'not-seen', []));
}

function progressOf(
	offsets: readonly PartitionOffsets[],
	progress: ReplayRun['progress'],
): (partition: number, offset: number) => void {
	let total = 0;
	for (const { read } of offsets) total += read.to - read.from;
	const at = offsets.map(({ read }) => read.from);
	let done = 0;
	return (partition, offset) => {
		const before = at[partition] ?? 0;
		if (offset <= before) return;
		at[partition] = offset;
		done += offset - before;
		progress(done, total);
	};
}

/** True when retention has taken records of the time that should have been read. */
async function beginsLate({ log }: Past, window: Window, offsets: readonly PartitionOffsets[]): Promise<boolean> {
	for (const [partition, { read }] of offsets.entries()) {
		const { from, to } = read;
		const { start } = await log.bounds('trace', partition);
		// A log that has lost nothing begins at 0.
		if (start === 0 || from > start || from === to) continue;
		const [first] = await log.read('trace', partition, start, { records: 1, bytes: 1 });
		if (first !== undefined && first.timestampUs > window.readFromUs) return true;
	}
	return false;
}
