// The edge: records of topic `trace` in, fact batches of topic `session` out.
import type { KeyObject } from 'node:crypto';
import { verifySignedBatch } from '@affidavit/model/batch-signature.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { TraceEvent } from '@affidavit/model/trace-event.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord, OutRecord } from '@affidavit/stream/ports.ts';
import type { Stage, StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { restore, snapshot } from './core/cells.ts';
import { addKnownGap } from './core/gaps.ts';
import { type Adoption, createHost, type Host, type Settings } from './core/host.ts';
import { defaultLimits, type Limits } from './core/limits.ts';
import { type Matcher, parseMatchers } from './core/matcher.ts';
import { type Notices, notice } from './core/notices.ts';
import { offsetBefore, oldestOpen, rebuildFrom } from './core/record-trail.ts';
import { refill } from './core/refill.ts';
import { decodeSpans, encodeSpans, noteSpan, type SessionSpans, wholeFrom } from './core/session-spans.ts';
import { stepBatch } from './core/step.ts';
import { CorrelateError } from './errors.ts';
import presets from './matchers/presets.json' with { type: 'json' };

export interface CorrelateOptions {
	/** Public key that a host may sign with; undefined for any other host's key. */
	resolveKey: (host: string, keyId: string) => KeyObject | undefined;
	emit: Emit;
	/** In place of the shipped ones (`presetMatchers`). */
	matchers?: readonly Matcher[];
	adoptions?: readonly Adoption[];
	limits?: Partial<Limits>;
	/** Name of the step in attestations; default `build`. */
	step?: string;
}

/** The shipped matchers: CI systems first, then builds by command. */
export const presetMatchers: readonly Matcher[] = parseMatchers(presets);

const stageName = 'correlate';
const refusedCell = 'r/';
const spansCell = 'n/';
/** Offsets of refused records that a restart remembers. */
const refusedMax = 4096;

export function createCorrelateStage(options: CorrelateOptions): Stage {
	const limits: Limits = { ...defaultLimits, ...options.limits };
	for (const [name, value] of Object.entries(limits))
		if (!Number.isSafeInteger(value) || value < 0)
			throw new CorrelateError('bad-option', `limits.${name}: expected a whole number of 0 or more, not ${value}`);
	const settings: Settings = {
		limits,
		matchers: options.matchers ?? presetMatchers,
		adoptions: options.adoptions ?? [],
		step: options.step ?? 'build',
	};
	return {
		name: stageName,
		input: 'trace',
		outputs: ['session'],
		open: async (partition, cells) => createWorker(partition, cells, settings, options),
	};
}

interface Worker {
	partition: number;
	settings: Settings;
	options: CorrelateOptions;
	hosts: Map<string, Host>;
	/** Offsets of records whose signature held but that the chain refused: a restart must not refill from them. */
	refused: Set<number>;
	/** Of open sessions, and of closed ones that a rebuild would meet. */
	spans: SessionSpans;
	/** Newest event time of any host, microseconds. */
	newestUs: number;
	/** Offset after the newest record seen. */
	next: number;
}

function createWorker(
	partition: number,
	cells: ReadonlyMap<string, Uint8Array>,
	settings: Settings,
	options: CorrelateOptions,
): StageWorker {
	const refused = cells.get(refusedCell);
	const spans = cells.get(spansCell);
	const hosts = restore(cells);
	let newestUs = -1;
	for (const host of hosts.values()) newestUs = Math.max(newestUs, host.reorder.newestUs);
	const worker: Worker = {
		partition,
		settings,
		options,
		hosts,
		refused: new Set(refused === undefined ? [] : (JSON.parse(Buffer.from(refused).toString()) as number[])),
		spans: spans === undefined ? new Map() : decodeSpans(spans),
		newestUs,
		next: 0,
	};
	return {
		step: async (records, replayed) => (replayed ? replay(worker, records) : step(worker, records)),
	};
}

function replay(worker: Worker, records: readonly LogRecord[]): StepResult {
	for (const record of records) {
		if (worker.refused.has(record.offset)) continue;
		const verified = verifySignedBatch(record.value, worker.options.resolveKey);
		if (verified.kind === 'error' || verified.batch.host !== record.key) continue;
		const host = worker.hosts.get(record.key);
		if (host !== undefined) refill(worker.settings, host, verified.batch, record.offset);
	}
	return finish(worker, records, emptyResult());
}

function step(worker: Worker, records: readonly LogRecord[]): StepResult {
	const result = emptyResult();
	const notices: Notices = new Map();
	const touched = new Set<Host>();
	const refusedBefore = worker.refused.size;
	const spansBefore = worker.spans.size;
	for (const record of records) {
		const out: OutRecord[] = [];
		result.outputs.push({ offset: record.offset, records: out });
		stepRecord(worker, record, result, notices, out, touched);
	}
	for (const host of touched) {
		snapshot(host, result.cells);
		worker.newestUs = Math.max(worker.newestUs, host.reorder.newestUs);
	}
	for (const { name, reason, intentional, count } of notices.values())
		worker.options.emit({
			name,
			stage: stageName,
			reason,
			intentional,
			count,
			message: `${name.replaceAll('_', ' ')}: ${reason}`,
			detail: { partition: worker.partition },
		});
	finish(worker, records, result);
	if (worker.refused.size > 0 || refusedBefore > 0) {
		for (const offset of worker.refused)
			if (offset < result.lowWaterOffset || worker.refused.size > refusedMax) worker.refused.delete(offset);
		result.cells.set(refusedCell, Buffer.from(JSON.stringify([...worker.refused])));
	}
	if (worker.spans.size > 0 || spansBefore > 0) result.cells.set(spansCell, encodeSpans(worker.spans));
	return result;
}

function stepRecord(
	worker: Worker,
	record: LogRecord,
	result: StepResult,
	notices: Notices,
	out: OutRecord[],
	touched: Set<Host>,
): void {
	const { settings } = worker;
	const verified = verifySignedBatch(record.value, worker.options.resolveKey);
	if (verified.kind === 'error' || verified.batch.host !== record.key) {
		const code = verified.kind === 'error' ? verified.code : 'wrong-host';
		const message = verified.kind === 'error' ? verified.message : 'host: not the host that the record is keyed by';
		notice(notices, 'batches_dropped', code, false);
		result.deadLetters.push(...deadLetters(worker, record, [{ code, message, timeUs: -1, event: null }]));
		const named = worker.hosts.get(record.key);
		if (named === undefined || named.reorder.newestUs === -1) return;
		const atUs = named.reorder.newestUs;
		addKnownGap(
			named.gaps,
			{ cause: 'bad-signature', detail: code, fromUs: atUs, toUs: atUs, count: -1 },
			settings.limits.gaps,
		);
		touched.add(named);
		return;
	}
	const host = hostOf(worker, record.key);
	touched.add(host);
	const { batch, payloadDigest } = verified;
	// As it is before the batch: the end of a recording resets it.
	const trail = host.records;
	const outcome = stepBatch(settings, host, batch, payloadDigest, record.offset, notices);
	if (!outcome.accepted) worker.refused.add(record.offset);
	result.deadLetters.push(...deadLetters(worker, record, outcome.refusals));
	for (const { session, bytes } of outcome.outputs) {
		out.push({ topic: 'session', key: session.id, value: bytes });
		result.appends.push({ list: factsList(session.id), value: bytes });
		const first = offsetBefore(trail, session.startUs - settings.limits.horizonUs - settings.limits.skewUs);
		const forgotten = noteSpan(worker.spans, session.id, first === -1 ? record.offset : first, record.offset);
		if (forgotten > 0) notice(notices, 'session_spans_forgotten', 'limit', false, forgotten);
	}
}

/** The list in the session store that holds a session's fact batches. */
export const factsList = (session: string): string => `facts:${session}`;

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

/** Says from where a restart has to read: with the cells, and without them. */
function finish(worker: Worker, records: readonly LogRecord[], result: StepResult): StepResult {
	const last = records.at(-1);
	if (last !== undefined) worker.next = last.offset + 1;
	const { next } = worker;
	const { skewUs, horizonUs } = worker.settings.limits;
	let low = next;
	let rebuild = next;
	for (const host of worker.hosts.values()) {
		// One skew more than what still waits: the duplicates that may yet come are known by it.
		const open = oldestOpen(host.records, host.reorder.watermarkUs - skewUs);
		if (open !== -1) low = Math.min(low, open);
		// A host that fell silent with nothing open needs no history.
		if (host.sessions.size === 0 && open === -1 && host.reorder.newestUs < worker.newestUs - horizonUs) continue;
		let fromUs = host.reorder.watermarkUs;
		for (const session of host.sessions.values()) fromUs = Math.min(fromUs, session.startUs);
		const from = rebuildFrom(host.records, fromUs - horizonUs - skewUs);
		if (from !== -1) rebuild = Math.min(rebuild, from);
	}
	result.lowWaterOffset = low;
	result.rebuildOffset = wholeFrom(worker.spans, Math.min(rebuild, low));
	return result;
}

const excerptMax = 200;

const excerptOf = (event: TraceEvent): string => JSON.stringify(`${event.kind} ${event.path}`).slice(0, excerptMax);

/** One a refusal; the record is digested once for all of them. */
function deadLetters(
	worker: Worker,
	record: LogRecord,
	refusals: readonly { code: string; message: string; timeUs: number; event: TraceEvent | null }[],
): DeadLetter[] {
	if (refusals.length === 0) return [];
	const digest = sha256Hex(record.value);
	return refusals.map(({ code, message, timeUs, event }) => ({
		stage: stageName,
		origin: `${record.topic}/${worker.partition}/${record.offset}`,
		code,
		message,
		digest,
		length: record.value.byteLength,
		excerpt: event === null ? '' : excerptOf(event),
		timeUs,
		subject: '',
	}));
}
