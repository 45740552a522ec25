// Runs the correlate stage on batches as an agent would make them.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type ChainState, chainStart, type HostKey, keyIdOf, signBatch } from '@affidavit/model/batch-signature.ts';
import { decodeFactBatch, type Facts, factHead, isSighting } from '@affidavit/model/facts.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import { mergeFacts } from '@affidavit/model/merge-facts.ts';
import { type ProcessInfo, packEvents, type TraceEvent } from '@affidavit/model/trace-event.ts';
import type { InternalEvent } from '@affidavit/stream/internal-event.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { type CorrelateOptions, createCorrelateStage } from '../../src/stage.ts';

/** An event with its processes, as the decoder gives it. */
export interface Decoded {
	event: TraceEvent;
	process: ProcessInfo;
	parent: ProcessInfo | null;
}

const pair = generateKeyPairSync('ed25519');
export const hostKey: HostKey = { privateKey: pair.privateKey, keyId: keyIdOf(pair.publicKey) };
/** Of the service that writes ticks. */
const tickPair = generateKeyPairSync('ed25519');
export const tickKey: HostKey = { privateKey: tickPair.privateKey, keyId: keyIdOf(tickPair.publicKey) };
export const resolveTickKey = (keyId: string): KeyObject | undefined =>
	keyId === tickKey.keyId ? tickPair.publicKey : undefined;

export const resolveKey = (_host: string, keyId: string): KeyObject | undefined =>
	keyId === hostKey.keyId ? pair.publicKey : undefined;

/** A tick of the fleet's clock for a silent host. */
export const tick = (host: string, nowUs: number, timestampUs = -1): LogRecord =>
	createAgent(host, 'tick', tickKey).record([], { observedUs: nowUs }, timestampUs);

/** An agent's chain: each call signs the next batch. */
export function createAgent(
	host: string,
	source: TraceBatch['source'] = 'file',
	key: HostKey = hostKey,
	from = chainStart(),
) {
	let chain: ChainState = from;
	let observedUs = -1;
	let offset = 0;
	return {
		/** Where it stands, as an agent has it on its disk. */
		chain: (): ChainState => chain,
		/** The next record of topic `trace`. */
		record(decoded: readonly Decoded[], more: Partial<TraceBatch> = {}, timestampUs = -1): LogRecord {
			const processes = new Map<string, ProcessInfo>();
			for (const { process, parent } of decoded) {
				processes.set(process.execId, process);
				if (parent !== null && !processes.has(parent.execId)) processes.set(parent.execId, parent);
			}
			for (const { event } of decoded) observedUs = Math.max(observedUs, event.timeUs);
			const batch: TraceBatch = {
				host,
				boot: 'recorded',
				source,
				sequence: chain.sequence,
				previous: chain.previous,
				observedUs,
				...packEvents(
					decoded.map((d) => d.event),
					(execId) => processes.get(execId),
				),
				losses: [],
				lossCounters: 'known',
				hooks: [],
				endOfInput: false,
				...more,
			};
			const { bytes, payloadDigest } = signBatch(batch, key);
			chain = { sequence: batch.sequence + 1, previous: payloadDigest };
			return {
				topic: 'trace',
				partition: 0,
				offset: offset++,
				key: host,
				value: bytes,
				timestampUs,
				origin: null,
				seal: null,
				traceparent: null,
			};
		},
	};
}

/** A recorded stream as records: batches of `size` events, the last one ends the input. */
export function recordsOf(host: string, decoded: readonly Decoded[], size: number): LogRecord[] {
	const agent = createAgent(host);
	const records: LogRecord[] = [];
	for (let at = 0; at < decoded.length; at += size) records.push(agent.record(decoded.slice(at, at + size)));
	records.push(agent.record([], { endOfInput: true }));
	return records;
}

export interface Run {
	/** Fact batches by session, in order of publication. */
	batches: Map<string, Uint8Array[]>;
	/** Sightings by session; they are no links of a chain. */
	sightings?: Map<string, Facts[]>;
	results: StepResult[];
	notices: InternalEvent[];
}

export const createStage = (options: Partial<CorrelateOptions> = {}) => {
	const { emit, events } = collectingEmit();
	return { stage: createCorrelateStage({ resolveKey, resolveTickKey, emit, ...options }), notices: events };
};

/** Feeds the records one by one. */
export async function run(records: readonly LogRecord[], options: Partial<CorrelateOptions> = {}): Promise<Run> {
	const { stage, notices } = createStage(options);
	const worker = await stage.open(0, new Map());
	const result: Run = { batches: new Map(), results: [], notices };
	for (const record of records) collect(result, await worker.step([record], false));
	return result;
}

export function collect(into: Run, result: StepResult): void {
	into.results.push(result);
	for (const { records } of result.outputs)
		for (const { key, value } of records) {
			const { link, facts } = decodeFactBatch(value);
			if (isSighting(link)) {
				into.sightings ??= new Map();
				into.sightings.set(key, [...(into.sightings.get(key) ?? []), facts]);
				continue;
			}
			const list = into.batches.get(key);
			if (list === undefined) into.batches.set(key, [value]);
			else list.push(value);
		}
}

export type { StageWorker };

/** Facts of every session, merged; throws when a chain is broken. */
export function factsOf({ batches }: Run): Map<string, Facts> {
	const sessions = new Map<string, Facts>();
	for (const [session, list] of batches) {
		let previous = Buffer.alloc(32).toString('hex');
		const decoded = list.map((bytes, sequence) => {
			const { link, facts } = decodeFactBatch(bytes);
			if (
				link.session !== session ||
				link.sequence !== sequence ||
				Buffer.from(link.previous).toString('hex') !== previous
			)
				throw new Error(`chain of ${session} broken at ${sequence}`);
			previous = Buffer.from(factHead(bytes)).toString('hex');
			return facts;
		});
		sessions.set(session, mergeFacts(decoded));
	}
	return sessions;
}
