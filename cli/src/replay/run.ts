// A replay: the past through correlate and detect as they are today, in a state of its own. Nothing is signed, published or posted.
import type { Matcher } from '@affidavit/correlate/core/matcher.ts';
import type { IndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import type { RuleSet } from '@affidavit/detect/rules/rule-set.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import { openTopology } from '@affidavit/stream/runner/topology.ts';
import type { Config } from '../config/schema.ts';
import { correlateStage, detectStage } from '../topology.ts';
import { observedStore } from './observed-store.ts';
import { createOverlayLog } from './overlay-log.ts';
import type { Past } from './past.ts';
import { cutSession, judgedSession, type ReplayedSession } from './report.ts';
import { openScratch, passingBlobs, type Scratch } from './scratch.ts';
import { type MetSession, trackSessions } from './sessions.ts';
import { createSnapshotComparer } from './snapshots.ts';
import { createTally, type Tally } from './tally.ts';
import { isCut, readThen, type Then } from './then.ts';
import { traceOffsets, verdictOffsets, type Window, type WindowOffsets } from './window.ts';

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

export async function runReplay(run: ReplayRun): Promise<ReplayEnd> {
	const { past, config, window, signal } = run;
	const tally = createTally();
	const offsets = await traceOffsets(past.log, window);
	const untilUs = window.readToUs + config.kafka.outageMsMax * 1000 + lateVerdictUs;
	const verdicts = await verdictOffsets(past.log, window.fromUs, untilUs);
	const then = await readThen(past, verdicts, signal, () => {});
	const partitions = { trace: offsets.read.length, session: Math.max(1, past.log.partitions('verdict')) };
	const scratch = await openScratch(config, partitions, tally.emit);
	let whole: boolean;
	try {
		whole = await replayInto(run, scratch, offsets, then, tally);
	} finally {
		await scratch.close();
	}
	return {
		whole,
		beginsLate: await beginsLate(past, window, offsets),
		thenDropped: then.dropped,
		thenUndecodable: then.undecodable,
		notes: tally.notes(),
	};
}

async function replayInto(
	run: ReplayRun,
	scratch: Scratch,
	offsets: WindowOffsets,
	then: Then,
	{ emit }: Tally,
): Promise<boolean> {
	const { past, rules, indicators, signal, tell, host, session: wanted } = run;
	// Its own copy: what a session's facts are kept for is over with this run.
	const config: Config = { ...run.config, factsRetentionMs };
	const comparer = createSnapshotComparer(rules, indicators, run.blobs);
	const done = new AbortController();
	const isWanted = (session: string): boolean => wanted === null || session.startsWith(wanted);
	const sessions = trackSessions({
		window: offsets.window,
		isWanted,
		onVerdict: async (met, verdict) => tell(await judged(met, verdict)),
		onClosed: async (met) => {
			const found = then.take(met.session);
			if (met.where === 'before' && met.reaches && isWanted(met.session))
				tell(cutSession({ ...met, before: found }, 'began-before', []));
		},
		onDone: () => done.abort(),
	});
	const judged = async (met: MetSession, verdict: Verdict): Promise<ReplayedSession> => {
		const found = then.take(met.session);
		const against = found === null ? null : await comparer.compare(found, verdict.manifest);
		// Of one whose beginning was missing then too, nothing is cut by the window.
		const cut = isCut(verdict) && found?.cut !== true ? 'began-before' : null;
		return judgedSession({ ...met, before: found }, verdict, against, cut);
	};
	const log = createOverlayLog({
		past: past.log,
		scratch: scratch.log,
		ranges: offsets.read,
		...(host === null ? {} : { acceptTrace: ({ key }) => key === host }),
		acceptSession: sessions.isWithin,
		onRead: progressOf(offsets, run.progress),
	});
	const store = observedStore(scratch.store, sessions.onCommit);
	const deps = { config, log, store, emit };
	const topology = await openTopology(
		[
			correlateStage({
				...deps,
				resolveKey: past.resolveKey,
				resolveTickKey: past.resolveTickKey,
				matchers: run.matchers,
			}),
			detectStage({ ...deps, rules, indicators, blobs: passingBlobs(null) }),
		],
		{ log, store, emit },
	);
	await topology.run({ until: Promise.resolve(), signal: AbortSignal.any([signal, done.signal]) });
	for (const met of sessions.open()) {
		const frame = { ...met, before: then.take(met.session) };
		if (met.where === 'within') tell(cutSession(frame, 'still-open', [...met.leads.values()]));
		else if (met.where === 'before' && met.reaches && isWanted(met.session))
			tell(cutSession(frame, 'began-before', []));
	}
	const whole = !signal.aborted;
	// Of a verdict alone nobody can tell the host.
	if (whole && host === null)
		for (const [session, found] of then.left())
			if (found.loggedUs < run.window.toUs && isWanted(session))
				tell(cutSession({ session, opened: null, before: found }, 'not-seen', []));
	return whole;
}

function progressOf(
	{ read }: WindowOffsets,
	progress: ReplayRun['progress'],
): (partition: number, offset: number) => void {
	let total = 0;
	for (const { from, to } of read) total += to - from;
	const at = read.map(({ from }) => from);
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
async function beginsLate({ log }: Past, window: Window, { read }: WindowOffsets): Promise<boolean> {
	for (const [partition, { from, to }] of read.entries()) {
		const { start } = await log.bounds('trace', partition);
		// A log that has lost nothing begins at 0.
		if (start === 0 || from > start || from === to) continue;
		const [first] = await log.read('trace', partition, start, { records: 1, bytes: 1 });
		if (first !== undefined && first.timestampUs > window.readFromUs) return true;
	}
	return false;
}
