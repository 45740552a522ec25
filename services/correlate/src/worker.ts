// A correlate worker on one partition: signatures, hosts, cells; what one batch does is in core/.
import type { KeyObject } from 'node:crypto';
import { type ResolveKey, type VerifiedBatch, verifySignedBatch } from '@affidavit/model/batch-signature.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord, OutRecord } from '@affidavit/stream/ports.ts';
import type { StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { restore, snapshot } from './core/cells.ts';
import { createHost, type Host, type Settings } from './core/host.ts';
import { learnBatch } from './core/learn.ts';
import { type Notices, notice } from './core/notices.ts';
import { offsetBefore, oldestOpen, type RecordTrail, rebuildFrom } from './core/record-trail.ts';
import { refill } from './core/refill.ts';
import { decodeSpans, encodeSpans, noteSpan, type SessionSpans, wholeFrom } from './core/session-spans.ts';
import { type BatchOutcome, stepBatch } from './core/step.ts';
import { runMarginUs } from './core/writing-runs.ts';
import { deadLetters } from './dead-letters.ts';
import { healthOf, type PartitionView } from './health.ts';
import { correlateStageName, factsList } from './names.ts';
import { changedRefused, noteRefused, type RefusedRecords, restoreRefused, wasRefused } from './refused-records.ts';

export interface WorkerOptions {
	settings: Settings;
	resolveKey: ResolveKey;
	resolveTickKey: (keyId: string) => KeyObject | undefined;
	emit: Emit;
	factsRetentionMs: number;
}

const refusedCell = 'r/';
const spansCell = 'n/';
const refusedDigestsCell = 'f/';
/** Offsets of refused records that a restart remembers. */
const refusedMax = 4096;

interface Worker {
	partition: number;
	options: WorkerOptions;
	/** Of hosts and of those who write ticks. */
	resolveKey: ResolveKey;
	hosts: Map<string, Host>;
	/** Offset of each host's newest record, since the worker was opened. */
	heard: Map<string, number>;
	/** Offsets of records whose signature held but that the chain refused: a restart must not refill from them. */
	refused: Set<number>;
	/** By the record's digest where its signature did not hold, else by the payload's. */
	refusedDigests: RefusedRecords;
	/** Hosts that `learn` changed since the last step: their cells are due. */
	learnt: Set<Host>;
	/** Of open sessions, and of closed ones that a rebuild would meet. */
	spans: SessionSpans;
	/** Newest log time of any record, microseconds; -1 where the log has no clock. */
	loggedUs: number;
	/** Offset after the newest record seen. */
	next: number;
}

export function openWorker(
	partition: number,
	cells: ReadonlyMap<string, Uint8Array>,
	options: WorkerOptions,
): { worker: StageWorker; view: PartitionView } {
	const refused = cells.get(refusedCell);
	const spans = cells.get(spansCell);
	const hosts = restore(cells);
	let loggedUs = -1;
	for (const host of hosts.values()) loggedUs = Math.max(loggedUs, host.loggedUs);
	const worker: Worker = {
		partition,
		options,
		resolveKey: (host, keyId, atUs) => options.resolveTickKey(keyId) ?? options.resolveKey(host, keyId, atUs),
		hosts,
		heard: new Map(),
		refused: new Set(refused === undefined ? [] : (JSON.parse(Buffer.from(refused).toString()) as number[])),
		refusedDigests: restoreRefused(cells.get(refusedDigestsCell)),
		learnt: new Set(),
		spans: spans === undefined ? new Map() : decodeSpans(spans),
		loggedUs,
		next: 0,
	};
	return {
		worker: {
			step: async (records, replayed) => (replayed ? replay(worker, records) : step(worker, records)),
			learn: async (records) => learn(worker, records),
		},
		view: {
			partition,
			next: () => worker.next,
			*hosts() {
				for (const host of worker.hosts.values()) yield healthOf(host, worker.heard.get(host.name) ?? -1);
			},
		},
	};
}

/** The batch of a record, if who signed it may write this for the host that the record is keyed by. */
function verify(worker: Worker, record: LogRecord): VerifiedBatch {
	const verified = verifySignedBatch(record.value, worker.resolveKey, record.timestampUs);
	if (verified.kind === 'error') return verified;
	const { batch, keyId } = verified;
	const error = (message: string): VerifiedBatch => ({ kind: 'error', code: 'wrong-host', message, host: record.key });
	if (batch.host !== record.key) return error('host: not the host that the record is keyed by');
	const ofService = worker.options.resolveTickKey(keyId) !== undefined;
	if (ofService !== (batch.source === 'tick'))
		return error(ofService ? 'keyId: a service may sign ticks only' : 'keyId: a host may not sign ticks');
	return verified;
}

function replay(worker: Worker, records: readonly LogRecord[]): StepResult {
	for (const record of records) {
		if (worker.refused.has(record.offset)) continue;
		const verified = verify(worker, record);
		if (verified.kind === 'error' || verified.batch.source === 'tick') continue;
		const host = worker.hosts.get(record.key);
		if (host === undefined) continue;
		refill(worker.options.settings, host, verified.batch, record.offset);
		worker.heard.set(record.key, record.offset);
	}
	return finish(worker, records, emptyResult());
}

/** Takes from records that are done with what tells a copy of them. */
function learn(worker: Worker, records: readonly LogRecord[]): void {
	for (const record of records) {
		const verified = verify(worker, record);
		if (verified.kind === 'error') {
			noteRefused(worker.refusedDigests, sha256Hex(record.value));
			continue;
		}
		const { batch, payloadDigest } = verified;
		if (batch.source === 'tick') continue;
		const host = hostOf(worker, record.key);
		worker.learnt.add(host);
		if (learnBatch(worker.options.settings, host, batch, payloadDigest))
			noteRefused(worker.refusedDigests, Buffer.from(payloadDigest).toString('hex'));
	}
}

function step(worker: Worker, records: readonly LogRecord[]): StepResult {
	const result = emptyResult();
	const notices: Notices = new Map();
	const touched = new Set<Host>(worker.learnt);
	worker.learnt.clear();
	const refusedBefore = worker.refused.size;
	const spansBefore = worker.spans.size;
	for (const record of records) {
		const out: OutRecord[] = [];
		result.outputs.push({ offset: record.offset, records: out });
		stepRecord(worker, record, result, notices, out, touched);
	}
	for (const host of touched) snapshot(host, result.cells);
	emitNotices(worker, notices);
	finish(worker, records, result);
	if (worker.refused.size > 0 || refusedBefore > 0) {
		for (const offset of worker.refused)
			if (offset < result.lowWaterOffset || worker.refused.size > refusedMax) worker.refused.delete(offset);
		result.cells.set(refusedCell, Buffer.from(JSON.stringify([...worker.refused])));
	}
	const digests = changedRefused(worker.refusedDigests);
	if (digests !== null) result.cells.set(refusedDigestsCell, digests);
	if (worker.spans.size > 0 || spansBefore > 0) result.cells.set(spansCell, encodeSpans(worker.spans));
	return result;
}

function emitNotices({ options, partition }: Worker, notices: Notices): void {
	for (const { name, reason, intentional, count } of notices.values())
		options.emit({
			name,
			stage: correlateStageName,
			reason,
			intentional,
			count,
			message: `${name.replaceAll('_', ' ')}: ${reason}`,
			detail: { partition },
		});
}

function stepRecord(
	worker: Worker,
	record: LogRecord,
	result: StepResult,
	notices: Notices,
	out: OutRecord[],
	touched: Set<Host>,
): void {
	const { settings } = worker.options;
	worker.loggedUs = Math.max(worker.loggedUs, record.timestampUs);
	const verified = verify(worker, record);
	if (verified.kind === 'error') {
		refuseRecord(worker, record, verified, result, notices);
		return;
	}
	const { batch, payloadDigest } = verified;
	const digest = Buffer.from(payloadDigest).toString('hex');
	if (wasRefused(worker.refusedDigests, digest)) {
		worker.refused.add(record.offset);
		notice(notices, 'batches_dropped', 'duplicate', true);
		return;
	}
	const isTick = batch.source === 'tick';
	const host = isTick ? worker.hosts.get(record.key) : hostOf(worker, record.key);
	if (host === undefined) {
		notice(notices, 'ticks_dropped', 'unknown-host', true);
		return;
	}
	touched.add(host);
	if (!isTick) worker.heard.set(record.key, record.offset);
	// As it is before the batch: the end of a recording resets it.
	const trail = host.records;
	const outcome = stepBatch(settings, host, batch, payloadDigest, record.offset, notices, record.timestampUs);
	if (!outcome.accepted) {
		worker.refused.add(record.offset);
		if (outcome.refusals.length > 0) noteRefused(worker.refusedDigests, digest);
	}
	if (outcome.skewed !== null) emitSkew(worker, host, outcome.skewed);
	result.deadLetters.push(...deadLetters(record, record.key, outcome.refusals));
	takeOutputs(worker, record, outcome, trail, result, notices, out);
}

/** Sightings after the session's facts, whose places among the outputs must not depend on them. */
function takeOutputs(
	worker: Worker,
	record: LogRecord,
	{ outputs, sightings }: BatchOutcome,
	trail: RecordTrail,
	result: StepResult,
	notices: Notices,
	out: OutRecord[],
): void {
	const { settings, factsRetentionMs } = worker.options;
	for (const { session, bytes } of outputs) {
		out.push({ topic: 'session', key: session.id, value: bytes });
		const list = factsList(session.id);
		result.appends.push({ list, value: bytes });
		// The closing batch is the last one.
		if (session.closed) expireList(result, list, factsRetentionMs);
		const first = offsetBefore(trail, session.startUs - historyUs(settings));
		const forgotten = noteSpan(worker.spans, session.id, first === -1 ? record.offset : first, record.offset);
		if (forgotten > 0) notice(notices, 'session_spans_forgotten', 'limit', false, forgotten);
	}
	for (const { session, bytes } of sightings) out.push({ topic: 'session', key: session, value: bytes });
}

/** A close of many products gives several batches: one expiry is enough. */
function expireList(result: StepResult, list: string, afterMs: number): void {
	result.expireLists ??= [];
	if (result.expireLists.at(-1)?.list !== list) result.expireLists.push({ list, afterMs });
}

function refuseRecord(
	worker: Worker,
	record: LogRecord,
	{ code, message, host }: Extract<VerifiedBatch, { kind: 'error' }>,
	result: StepResult,
	notices: Notices,
): void {
	const digest = sha256Hex(record.value);
	if (wasRefused(worker.refusedDigests, digest)) {
		notice(notices, 'batches_dropped', 'duplicate', true);
		return;
	}
	noteRefused(worker.refusedDigests, digest);
	notice(notices, 'batches_dropped', code, false);
	const subject = host === '' ? record.key : host;
	result.deadLetters.push(...deadLetters(record, subject, [{ code, message, timeUs: -1, event: null }]));
}

function emitSkew({ options, partition }: Worker, host: Host, state: string): void {
	options.emit({
		name: 'host_clock_skew_changed',
		stage: correlateStageName,
		reason: state,
		intentional: state === 'within',
		message: `the clock of host ${JSON.stringify(host.name)} is ${state === 'within' ? 'within the skew again' : `${state} of the log's`}`,
		detail: { partition, host: host.name, skewUs: host.skew.measuredUs },
	});
}

function hostOf(worker: Worker, name: string): Host {
	const known = worker.hosts.get(name);
	if (known !== undefined) return known;
	const host = createHost(name);
	worker.hosts.set(name, host);
	return host;
}

const emptyResult = (): StepResult => ({
	outputs: [],
	cells: new Map(),
	appends: [],
	deadLetters: [],
	lowWaterOffset: 0,
	rebuildOffset: 0,
});

/** How long before a session something may have happened that its facts depend on. */
const historyUs = ({ limits }: Settings): number => limits.horizonUs + limits.skewUs + runMarginUs;

/** Says from where a restart has to read: with the cells, and without them. */
function finish(worker: Worker, records: readonly LogRecord[], result: StepResult): StepResult {
	const last = records.at(-1);
	if (last !== undefined) worker.next = last.offset + 1;
	const { next } = worker;
	const { settings } = worker.options;
	const { skewUs } = settings.limits;
	const goneUs = goneBefore(worker);
	let low = next;
	let rebuild = next;
	for (const host of worker.hosts.values()) {
		// One skew more than what still waits: the duplicates that may yet come are known by it.
		const open = oldestOpen(host.records, host.reorder.watermarkUs - skewUs);
		if (open !== -1) low = Math.min(low, open);
		// A host that fell silent with nothing open needs no history.
		if (host.sessions.size === 0 && open === -1 && lastHeard(worker, host) < goneUs) continue;
		let fromUs = host.reorder.watermarkUs;
		for (const session of host.sessions.values()) fromUs = Math.min(fromUs, session.startUs);
		const from = rebuildFrom(host.records, fromUs - historyUs(settings));
		if (from !== -1) rebuild = Math.min(rebuild, from);
	}
	result.lowWaterOffset = low;
	result.rebuildOffset = wholeFrom(worker.spans, Math.min(rebuild, low));
	return result;
}

/** By the log's clock; by the host's own only where the log has none. */
const lastHeard = (worker: Worker, host: Host): number =>
	worker.loggedUs === -1 ? host.reorder.newestUs : host.loggedUs;

/** A host last heard before this is gone. No single host's clock decides it: of hosts' own clocks, the middle one does. */
function goneBefore(worker: Worker): number {
	const goneAfterUs = historyUs(worker.options.settings);
	if (worker.loggedUs !== -1) return worker.loggedUs - goneAfterUs;
	const times = [...worker.hosts.values()].map((host) => host.reorder.newestUs).sort((a, b) => a - b);
	return (times[(times.length - 1) >> 1] ?? -1) - goneAfterUs;
}
