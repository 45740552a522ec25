// Cuts one host's events into signed, chained batches (design 5). Pure: time comes in as an argument.
import { type ChainState, type HostKey, signBatch } from '@affidavit/model/batch-signature.ts';
import type { Loss, LossCounters, SourceKind } from '@affidavit/model/generated/trace.ts';
import { type ProcessInfo, packEvents, type TraceEvent } from '@affidavit/model/trace-event.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import type { DecodeResult } from '../decode-result.ts';
import { batchBytesFixed, eventBytes, processBytes, stringBytes, unfitEventField, unfitProcessField } from './size.ts';

export type DecodedEvent = Extract<DecodeResult, { kind: 'event' }>;

export interface BatchLimits {
	/** Events in a batch, at most. */
	events: number;
	/** Bytes of a batch's payload, at most; only a batch with a single event may be larger, up to `eventBytes`. */
	bytes: number;
	/** Microseconds that the oldest event of a batch may wait. Infinity for recorded files: their batches depend on bytes alone. */
	ageUs: number;
	/** Bytes of an event with its process and parent; a larger one is refused. */
	eventBytes: number;
}

export const liveBatchLimits: BatchLimits = {
	events: 1000,
	bytes: 1024 * 1024,
	ageUs: 100_000,
	eventBytes: 4 * 1024 * 1024,
};

export const recordedBatchLimits: BatchLimits = { ...liveBatchLimits, ageUs: Number.POSITIVE_INFINITY };

/** Hooks that a batch names, at most, and how long a name may be; what goes beyond is left out of the list. */
const hooksMax = 256;
const hookLengthMax = 128;

export interface BatcherOptions {
	host: string;
	boot: string;
	source: SourceKind;
	key: HostKey;
	limits: BatchLimits;
	chain: ChainState;
	/** Hooks known from the policies or from an earlier run. */
	hooks: readonly string[];
}

/** `close-first`: the event does not fit; close the batch and offer it again. */
export type Offer = 'added' | 'close-first' | Refusal;

export interface Refusal {
	kind: 'refused';
	code: 'too-long' | 'out-of-range';
	message: string;
}

export interface Closing {
	/** Microseconds: the agent's clock; for recorded files the newest accepted event time. */
	observedUs: number;
	losses: Loss[];
	lossCounters: LossCounters;
	endOfInput: boolean;
}

export interface ClosedBatch {
	sequence: number;
	events: number;
	record: OutRecord;
}

export interface Batcher {
	offer(entry: DecodedEvent, nowUs: number): Offer;
	/** Events that wait for `close`. */
	pending(): number;
	/** True when the batch is to be closed now: it is full, or its oldest event has waited long enough. */
	due(nowUs: number): boolean;
	/** When `due` turns true by time alone, microseconds; Infinity while nothing waits. */
	dueAtUs(): number;
	/** Closes the batch, also an empty one (a heartbeat), and moves the chain on. */
	close(closing: Closing): ClosedBatch;
	/** Where the chain stands after the last close: the checkpoint. */
	chain(): ChainState;
	/** Hooks known or seen so far, sorted. */
	hooks(): string[];
}

export function createBatcher(options: BatcherOptions): Batcher {
	const { limits } = options;
	let chain: ChainState = options.chain;
	const hooks = new Set(options.hooks.slice(0, hooksMax));
	let fixedBytes = batchBytesFixed + stringBytes(options.host) + stringBytes(options.boot);
	for (const hook of hooks) fixedBytes += stringBytes(hook);
	let events: TraceEvent[] = [];
	let processes = new Map<string, ProcessInfo>();
	let bytes = fixedBytes;
	let oldestUs = 0;

	const addHook = (hook: string): void => {
		if (hooks.size >= hooksMax || hook.length > hookLengthMax) return;
		hooks.add(hook);
		fixedBytes += stringBytes(hook);
		bytes += stringBytes(hook);
	};

	const unfit = (entry: DecodedEvent): string | null =>
		unfitEventField(entry.event) ??
		unfitProcessField(entry.process) ??
		(entry.parent === null ? null : unfitProcessField(entry.parent));

	return {
		offer(entry, nowUs) {
			const { event, process, parent } = entry;
			let cost = eventBytes(event);
			const newProcess = tellsMore(process, processes.get(process.execId));
			if (newProcess) cost += processBytes(process);
			const newParent =
				parent !== null && parent.execId !== process.execId && tellsMore(parent, processes.get(parent.execId));
			if (newParent) cost += processBytes(parent);
			if (events.length >= limits.events) return 'close-first';
			if (bytes + cost > limits.bytes) {
				if (events.length > 0) return 'close-first';
				if (cost > limits.eventBytes)
					return refusal('too-long', `event of ${cost} bytes: expected at most ${limits.eventBytes}`);
			}
			const field = unfit(entry);
			if (field !== null) return refusal('out-of-range', `${field}: expected a number that the trace schema holds`);
			if (newProcess) processes.set(process.execId, process);
			if (newParent) processes.set(parent.execId, parent);
			if (events.length === 0) oldestUs = nowUs;
			events.push(event);
			bytes += cost;
			if (event.hook !== '' && !hooks.has(event.hook)) addHook(event.hook);
			return 'added';
		},
		pending: () => events.length,
		due: (nowUs) =>
			events.length > 0 &&
			(events.length >= limits.events ||
				bytes >= limits.bytes ||
				nowUs - oldestUs >= limits.ageUs ||
				// The clock was set back: nobody knows how long the batch has waited.
				nowUs < oldestUs),
		dueAtUs: () => (events.length === 0 ? Number.POSITIVE_INFINITY : oldestUs + limits.ageUs),
		close(closing) {
			const known = processes;
			const { sequence } = chain;
			const signed = signBatch(
				{
					host: options.host,
					boot: options.boot,
					source: options.source,
					sequence,
					previous: chain.previous,
					observedUs: closing.observedUs,
					...packEvents(events, (execId) => known.get(execId)),
					losses: closing.losses,
					lossCounters: closing.lossCounters,
					hooks: sorted(hooks),
					endOfInput: closing.endOfInput,
				},
				options.key,
			);
			const count = events.length;
			chain = { sequence: sequence + 1, previous: signed.payloadDigest };
			events = [];
			processes = new Map();
			bytes = fixedBytes;
			return { sequence, events: count, record: { topic: 'trace', key: options.host, value: signed.bytes } };
		},
		chain: () => chain,
		hooks: () => sorted(hooks),
	};
}

/** A parent may come as an id alone: what is told of it later must not be lost to that. */
const tellsMore = (info: ProcessInfo, known: ProcessInfo | undefined): boolean =>
	known === undefined || (known.pid < 0 && info.pid >= 0);

const sorted = (hooks: ReadonlySet<string>): string[] => [...hooks].sort();

const refusal = (code: Refusal['code'], message: string): Refusal => ({ kind: 'refused', code, message });
