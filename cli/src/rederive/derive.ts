// One session's statements from topic `trace`: the host's records from an offset on through correlate and detect, judged against
// the pinned snapshots, and derived as the signer derives them.
import type { Matcher } from '@affidavit/correlate/core/matcher.ts';
import { factsList } from '@affidavit/correlate/names.ts';
import { deadLetterCodec, signedBatchCodec, traceBatchCodec, verdictCodec } from '@affidavit/model/codec.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { defaultLimits as signLimits } from '@affidavit/sign/core/limits.ts';
import { type DerivedStatement, deriveStatements } from '@affidavit/sign/derive.ts';
import type { Blobs, LogRecord } from '@affidavit/stream/ports.ts';
import { openPartition } from '@affidavit/stream/runner/partition-runner.ts';
import type { Config } from '../config/schema.ts';
import { readFacts } from '../read-facts.ts';
import { drain } from '../replay/drain.ts';
import { observedStore } from '../replay/observed-store.ts';
import { createOverlayLog, type OffsetRange } from '../replay/overlay-log.ts';
import type { Past } from '../replay/past.ts';
import { openScratch, passingBlobs, type Scratch } from '../replay/scratch.ts';
import type { Tally } from '../replay/tally.ts';
import { correlateStage, detectStage } from '../topology.ts';
import type { Pins, Snapshots } from './pins.ts';

export interface DeriveRun {
	past: Past;
	config: Config;
	matchers: readonly Matcher[] | undefined;
	pins: Pins;
	snapshots: Snapshots;
	blobs: Pick<Blobs, 'get' | 'has'>;
	/** Of the host's partition of topic `trace`. */
	partition: number;
	range: OffsetRange;
	tally: Tally;
	signal: AbortSignal;
	progress: (offset: number) => void;
	/** One statement after the other. */
	each: (statement: DerivedStatement) => Promise<void>;
}

/** A record of the host's that was not taken. */
export interface RefusedRecord {
	/** `trace/PARTITION/OFFSET`. */
	origin: string;
	code: string;
	message: string;
}

export interface Derived {
	/** `derived`; else no session of that id was made, or its facts are not there to be signed. */
	kind: 'derived' | 'no-session' | 'not-derivable' | 'interrupted';
	reason: string;
	verdict: Verdict | null;
	/** Gaps of the session's completeness. */
	refused: RefusedRecord[];
	/** Records of the host that were read, and the chain's number of the first; -1 when it cannot be told. */
	records: number;
	firstSequence: number;
	firstUs: number;
}

const refusedMax = 20;

/** What a reading has found out so far. */
interface Reading {
	verdict: Verdict | null;
	refused: RefusedRecord[];
	records: number;
	lastOffset: number;
	first: LogRecord | null;
}

export async function deriveOnce(run: DeriveRun): Promise<Derived> {
	const { past, config, tally } = run;
	const scratch = await openScratch(config, past.log.partitions('trace'), tally.emit);
	try {
		return await derive(run, scratch);
	} finally {
		await scratch.close();
	}
}

async function derive(run: DeriveRun, scratch: Scratch): Promise<Derived> {
	const { past, pins, snapshots, partition, range, signal } = run;
	const reading: Reading = { verdict: null, refused: [], records: 0, lastOffset: -1, first: null };
	const done = new AbortController();
	const log = createOverlayLog({
		past: past.log,
		scratch: scratch.log,
		partition,
		range,
		acceptTrace: (record) => accept(reading, record, pins.host),
		acceptSession: (session) => session === pins.session,
		onRead: run.progress,
	});
	const store = observedStore(scratch.store, {
		keepsList: (list) => list === factsList(pins.session),
		after: async (_scope, { outbox }) => {
			for (const { topic, key, value } of outbox) {
				if (topic === 'deadletter' && reading.refused.length < refusedMax) noteRefused(reading, value);
				if (topic !== 'verdict' || key !== pins.session) continue;
				reading.verdict = verdictCodec.decode(value);
				done.abort();
			}
		},
	});
	// A statement names its step: the configuration's may have changed since.
	const config: Config = { ...run.config, step: pins.step };
	const { emit } = run.tally;
	const deps = { config, log, store, blobs: passingBlobs(null), emit };
	const { rules, indicators, manifest } = snapshots;
	const { resolveKey, resolveTickKey } = past;
	const correlate = correlateStage({ ...deps, resolveKey, resolveTickKey, matchers: run.matchers });
	const detect = detectStage({ ...deps, rules, indicators, manifest: () => async () => manifest });
	const ports = { log, store, emit };
	const runners = [await openPartition(correlate, partition, ports), await openPartition(detect, 0, ports)];
	await drain(runners, AbortSignal.any([signal, done.signal]));
	const said = { ...reading, ...firstOf(reading) };
	if (reading.verdict === null)
		return signal.aborted
			? { ...said, kind: 'interrupted', reason: 'interrupted' }
			: { ...said, kind: 'no-session', reason: 'no session of that id comes of the trace' };
	const verdict: Verdict = { ...reading.verdict, revision: pins.revision };
	const { session, factsList: list, factBatches: batches, factsHead: head } = verdict;
	const derived = await deriveStatements(
		verdict,
		{
			batches: readFacts({ log, store }, session, list === '' ? factsList(session) : list, { batches, head }),
			blobs: passingBlobs(run.blobs),
			limits: signLimits,
			folder: scratch.folder,
		},
		run.each,
	);
	return derived.kind === 'refused'
		? { ...said, kind: 'not-derivable', reason: derived.reason }
		: { ...said, kind: 'derived', reason: '' };
}

/** Records of the host; each is counted once, however often it is read. */
function accept(reading: Reading, record: LogRecord, host: string): boolean {
	if (record.key !== host) return false;
	if (record.offset > reading.lastOffset) {
		reading.lastOffset = record.offset;
		reading.records += 1;
		reading.first ??= record;
	}
	return true;
}

function noteRefused({ refused }: Reading, value: Uint8Array): void {
	const { origin, code, message } = deadLetterCodec.decode(value);
	refused.push({ origin, code, message });
}

function firstOf({ first }: Reading): { firstSequence: number; firstUs: number } {
	if (first === null) return { firstSequence: -1, firstUs: -1 };
	try {
		const { sequence, events, observedUs } = traceBatchCodec.decode(signedBatchCodec.decode(first.value).payload);
		let firstUs = observedUs;
		for (const { timeUs } of events) firstUs = Math.min(firstUs, timeUs);
		return { firstSequence: sequence, firstUs };
	} catch {
		return { firstSequence: -1, firstUs: -1 };
	}
}
