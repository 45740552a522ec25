// The way from the spool to the remote log: oldest first, in order, until it is acknowledged. The remote log may be away for days.
import { StreamError, type StreamErrorCode } from '@affidavit/stream/errors.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, LogRecord } from '@affidavit/stream/ports.ts';
import { sleep } from '@affidavit/stream/runner/wait.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import type { Tracing } from '@affidavit/stream/tracing.ts';
import { type Acknowledged, advance, retryMs, stampAll, withinBytes } from './forward-plan.ts';
import { forwardStage, type Spool, type SpoolTopic, spoolTopics } from './spool.ts';
import { settledWithin } from './waiting.ts';

export interface ForwardLimits {
	/** Of one append to the remote log. */
	records: number;
	bytes: number;
	/** Between two tries while the remote log is away: doubled from the first to the second, with jitter. */
	retryMsMin: number;
	retryMsMax: number;
	/** Between two tries when the remote log refused: a principal or a topic has to be mended by hand. */
	refusedRetryMs: number;
	/** How often an outage that goes on is told, milliseconds. */
	tellMs: number;
}

export const forwardLimits: ForwardLimits = {
	records: 2000,
	bytes: 4 * 1024 * 1024,
	retryMsMin: 100,
	retryMsMax: 5000,
	refusedRetryMs: 30_000,
	tellMs: 60_000,
};

export interface ForwardOptions {
	spool: Spool;
	remote: Pick<Log, 'append'>;
	/** Node name; empty while no event has told it. Origins name it: `ingest:HOST`. */
	host: () => string;
	/** Signs the dead letters with the host's key; null where the remote log keeps no seals. Trace batches carry their own signature. */
	seals: Pick<Seals, 'sealAll'> | null;
	emit: Emit;
	nowMs: () => number;
	/** In [0, 1): the jitter. */
	random: () => number;
	tracing?: Tracing;
	/** Called before each append: waits while the agent is over its CPU share. */
	pace?: (signal: AbortSignal) => Promise<void>;
	limits?: ForwardLimits;
}

export interface ForwardState {
	/** `retrying`: the remote log did not take the last append. */
	state: 'idle' | 'sending' | 'retrying';
	/** Code of the last refusal while retrying, else null. */
	lastError: StreamErrorCode | null;
	lastErrorMessage: string;
	/** When the remote log last took something, milliseconds since 1970; -1 never. */
	acknowledgedMs: number;
	records: number;
	bytes: number;
}

export interface Forwarder {
	/**
	 * Sends until `until` has settled and everything is acknowledged ('drained'), or `signal` aborts ('stopped': the rest stays
	 * in the spool). Rejects on a bug only; what the remote log says is retried for ever.
	 */
	run(until: Promise<unknown>, signal: AbortSignal): Promise<'drained' | 'stopped'>;
	state(): ForwardState;
}

export function createForwarder(options: ForwardOptions): Forwarder {
	const limits = options.limits ?? forwardLimits;
	const state: ForwardState = {
		state: 'idle',
		lastError: null,
		lastErrorMessage: '',
		acknowledgedMs: -1,
		records: 0,
		bytes: 0,
	};
	const at: Acknowledged = { trace: 0, deadletter: 0 };
	return {
		state: () => state,
		async run(until, signal) {
			for (const topic of spoolTopics) at[topic] = await options.spool.log.lowWater(forwardStage, topic, 0);
			let ended = false;
			const settled = until.then(
				() => {},
				() => {},
			);
			void settled.then(() => {
				ended = true;
			});
			for (;;) {
				if (signal.aborted) return 'stopped';
				// Asked before the read: what was appended until then is in it.
				const last = ended;
				const batch = await nextBatch(options, at, limits);
				if (batch.length > 0) {
					await options.pace?.(signal);
					if (!(await send(options, state, limits, batch, signal))) return 'stopped';
					await acknowledge(options, at, batch);
				} else {
					state.state = 'idle';
					if (last) return 'drained';
					await moreInput(options, at, settled, signal);
				}
			}
		},
	};
}

/** The oldest records that are not acknowledged, of both topics. Without a host nothing can be said about a dead letter's origin. */
async function nextBatch(options: ForwardOptions, at: Acknowledged, limits: ForwardLimits): Promise<LogRecord[]> {
	const { log } = options.spool;
	const trace = await log.read('trace', 0, at.trace, limits);
	const taken = [...withinBytes(trace, limits.bytes)];
	if (taken.length === 0 && options.host() === '') return [];
	const room = Math.max(0, limits.bytes - taken.reduce((sum, record) => sum + record.value.byteLength, 0));
	if (room === 0) return taken;
	const letters = await log.read('deadletter', 0, at.deadletter, { records: limits.records, bytes: room });
	for (const letter of withinBytes(letters, room)) taken.push(letter);
	return taken;
}

/** False when the signal ended it. */
async function send(
	options: ForwardOptions,
	state: ForwardState,
	limits: ForwardLimits,
	batch: readonly LogRecord[],
	signal: AbortSignal,
): Promise<boolean> {
	const host = options.host() || (batch.find((record) => record.topic === 'trace')?.key ?? '');
	const span = options.tracing?.startBatch('forward', [], { records: batch.length });
	const records = stampAll(batch, host, options.seals, span?.traceparent);
	const outage = createOutage(options, state, limits);
	state.state = 'sending';
	for (let attempt = 0; ; attempt++) {
		try {
			// A stop does not wait for a broker that does not answer: what it takes after all is sent again, and dropped downstream.
			if (!(await settledWithin(options.remote.append(records), signal))) {
				span?.end('error');
				return false;
			}
			outage.over();
			span?.end('ok');
			return true;
		} catch (error) {
			const waitMs = outage.failed(error, attempt);
			await sleep(waitMs, signal);
			if (signal.aborted) {
				span?.end('error');
				return false;
			}
		}
	}
}

interface Outage {
	/** Milliseconds to wait before the next try. Rethrows what no waiting mends. */
	failed(error: unknown, attempt: number): number;
	over(): void;
}

function createOutage(options: ForwardOptions, state: ForwardState, limits: ForwardLimits): Outage {
	const { emit, nowMs } = options;
	let sinceMs = -1;
	let toldMs = Number.NEGATIVE_INFINITY;
	return {
		failed(error, attempt) {
			const code = error instanceof StreamError ? error.code : null;
			if (code !== 'unavailable' && code !== 'refused' && code !== 'topic-unfit' && code !== 'log-full') throw error;
			const now = nowMs();
			if (sinceMs < 0) sinceMs = now;
			state.state = 'retrying';
			state.lastError = code;
			state.lastErrorMessage = (error as StreamError).message;
			if (Math.abs(now - toldMs) >= limits.tellMs) {
				toldMs = now;
				emit({
					name: 'forward_delayed',
					stage: 'ingest',
					reason: code,
					intentional: false,
					message: `the remote log does not take what the spool holds: ${(error as StreamError).message}`,
					detail: { seconds: Math.round((now - sinceMs) / 1000), unsent: options.spool.backlog().records },
				});
			}
			return code === 'unavailable' || code === 'log-full'
				? retryMs(attempt, options.random(), limits)
				: limits.refusedRetryMs;
		},
		over() {
			state.state = 'sending';
			state.lastError = null;
			state.lastErrorMessage = '';
			state.acknowledgedMs = nowMs();
			if (sinceMs < 0) return;
			emit({
				name: 'forward_resumed',
				stage: 'ingest',
				reason: 'acknowledged',
				intentional: true,
				message: 'the remote log takes records again',
				detail: { seconds: Math.round((nowMs() - sinceMs) / 1000) },
			});
		},
	};
}

async function acknowledge(
	{ spool, emit }: ForwardOptions,
	at: Acknowledged,
	batch: readonly LogRecord[],
): Promise<void> {
	const before = { ...at };
	advance(at, batch);
	for (const topic of spoolTopics)
		if (at[topic] !== before[topic])
			try {
				await spool.log.saveLowWater(forwardStage, topic, 0, at[topic]);
			} catch (error) {
				// It is a lower bound: the next one says it too, and after a restart the rest is sent again and dropped downstream.
				if (!(error instanceof StreamError && error.code === 'log-full')) throw error;
				emit({
					name: 'acknowledgements_unsaved',
					stage: 'ingest',
					reason: error.code,
					intentional: false,
					message: `what was sent cannot be noted in the spool: ${error.message}`,
				});
			}
	spool.acknowledged(batch);
}

/** Until there is something to send, the input has ended, or `signal` aborts. */
async function moreInput(
	options: ForwardOptions,
	at: Acknowledged,
	ended: Promise<void>,
	signal: AbortSignal,
): Promise<void> {
	const over = new AbortController();
	const either = AbortSignal.any([signal, over.signal]);
	const { log } = options.spool;
	const topics: readonly SpoolTopic[] = options.host() === '' ? ['trace'] : spoolTopics;
	try {
		await Promise.race([ended, ...topics.map((topic) => log.waitForRecord(topic, 0, at[topic], either))]);
	} finally {
		over.abort();
	}
}
