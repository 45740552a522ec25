// Tetragon's GetEvents over its unix socket or TCP, as raw messages. The stream has no resume: what is sent while it is away is
// lost.

import type { Loss } from '@affidavit/model/generated/trace.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { Client, type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import { type LivePull, type LiveSource, pausedCounter } from '../source/live-source.ts';
import { createGapTracker } from './gap.ts';
import { createMessageQueue, type QueueLimits } from './queue.ts';
import { channelOf, type GrpcTarget, nameOfTarget } from './target.ts';

export interface GrpcLimits extends QueueLimits {
	/** Most messages that one pull hands out. */
	pullMessagesMax: number;
	/** Longest message that is received; a longer one breaks the stream, as gRPC has it. */
	messageBytesMax: number;
	/** Between two attempts, doubled from the first to the second. */
	retryMsMin: number;
	retryMsMax: number;
	/** A stream that brought neither an error nor anything else for this long counts as there. */
	settleMs: number;
	/** A stream that was held back for longer has overrun what the sensor keeps for a reader, microseconds. */
	pausedUsMax: number;
}

export const grpcLimits: GrpcLimits = {
	messagesMax: 8192,
	bytesMax: 16 << 20,
	pullMessagesMax: 1000,
	messageBytesMax: 4 << 20,
	retryMsMin: 100,
	retryMsMax: 10_000,
	settleMs: 1000,
	pausedUsMax: 1_000_000,
};

export interface GrpcSourceOptions {
	target: GrpcTarget;
	/** Microseconds since 1970. */
	nowUs: () => number;
	emit: Emit;
	limits?: GrpcLimits;
}

const getEvents = '/tetragon.FineGuidanceSensors/GetEvents';
/** An empty GetEventsRequest: all events. */
const request = Buffer.alloc(0);
const asIs = (bytes: Buffer): Buffer => bytes;

export function openGrpcSource(options: GrpcSourceOptions): LiveSource {
	const { emit, nowUs } = options;
	const limits = options.limits ?? grpcLimits;
	const { target } = options;
	const name = nameOfTarget(target);
	const queue = createMessageQueue(limits);
	const gaps = createGapTracker(nowUs());
	let connection: Connection | null = null;
	let retryTimer: NodeJS.Timeout | null = null;
	let retryMs = limits.retryMsMin;
	let received = 0;
	let closed = false;
	let wake: (() => void) | null = null;
	/** When the stream was held back, microseconds; -1 while it flows. */
	let pausedUs = -1;
	let pausedLosses: Loss[] = [];

	function connect(): void {
		retryTimer = null;
		connection = openConnection(target, limits, {
			alive() {
				retryMs = limits.retryMsMin;
				gaps.alive(nowUs());
				wake?.();
			},
			message(bytes) {
				queue.push(bytes);
				if (!queue.full()) return;
				connection?.pause();
				if (pausedUs < 0) pausedUs = nowUs();
			},
			broke(reason, message) {
				connection = null;
				flows();
				gaps.broke(reason, nowUs());
				emit({ name: 'source_disconnected', stage: 'ingest', reason, intentional: false, message });
				// One attempt after the other, ever slower: a sensor that restarts is not hammered.
				retryTimer = setTimeout(connect, retryMs);
				retryMs = Math.min(retryMs * 2, limits.retryMsMax);
				wake?.();
			},
		});
	}

	/** The stream is held back no more. Where the sensor's counters are not scraped, nobody else tells what that may have cost. */
	function flows(): void {
		const fromUs = pausedUs;
		pausedUs = -1;
		const toUs = nowUs();
		if (fromUs < 0 || toUs - fromUs < limits.pausedUsMax) return;
		pausedLosses.push({ counter: pausedCounter, count: 0, fromUs, toUs });
		emit({
			name: 'source_paused',
			stage: 'ingest',
			reason: 'backpressure',
			intentional: false,
			message: `${name}: held back for ${Math.round((toUs - fromUs) / 1e6)} s: the sensor may have dropped events`,
		});
	}

	function collect(): LivePull {
		const messages = queue.take(limits.pullMessagesMax);
		if (!queue.full()) {
			connection?.resume();
			flows();
		}
		const losses = pausedLosses.concat(gaps.take(nowUs()));
		pausedLosses = [];
		return {
			inputs: messages.map((bytes) => ({
				kind: 'message',
				bytes,
				origin: `grpc:${name}#${received++}`,
				unterminated: false,
			})),
			losses,
			idle: queue.length === 0,
		};
	}

	connect();
	return {
		kind: 'grpc',
		resumes: false,
		async pull(waitMs, signal) {
			const now = collect();
			if (now.inputs.length > 0 || now.losses.length > 0 || closed) return now;
			await wakened(waitMs, signal, (wakeUp) => {
				wake = wakeUp;
			});
			wake = null;
			return collect();
		},
		checkpoint: () => null,
		async close() {
			closed = true;
			if (retryTimer) clearTimeout(retryTimer);
			connection?.close();
			connection = null;
			wake?.();
		},
	};
}

/** Resolves when woken, after `waitMs`, or when `signal` aborts. */
function wakened(waitMs: number, signal: AbortSignal, register: (wakeUp: () => void) => void): Promise<void> {
	if (signal.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		const finish = (): void => {
			clearTimeout(timer);
			signal.removeEventListener('abort', finish);
			resolve();
		};
		const timer = setTimeout(finish, waitMs);
		signal.addEventListener('abort', finish, { once: true });
		register(finish);
	});
}

interface Connection {
	pause(): void;
	resume(): void;
	/** No event comes after it. */
	close(): void;
}

interface ConnectionEvents {
	/** The server answers, or has not refused for `settleMs`. */
	alive(): void;
	message(bytes: Buffer): void;
	/** Once, at the end. */
	broke(reason: string, message: string): void;
}

function openConnection(target: GrpcTarget, limits: GrpcLimits, events: ConnectionEvents): Connection {
	const channel = channelOf(target);
	if (channel.kind === 'unusable') {
		// As any other failure to connect, and not before the caller has returned: the files may be there at the next attempt.
		const timer = setTimeout(() => events.broke('credentials', channel.message), 0);
		return { pause() {}, resume() {}, close: () => clearTimeout(timer) };
	}
	const client = new Client(channel.address, channel.credentials, {
		...channel.options,
		'grpc.max_receive_message_length': limits.messageBytesMax,
		// A channel of its own: its failures are not remembered by the next attempt, which has its own delay.
		'grpc.use_local_subchannel_pool': 1,
		'grpc.enable_retries': 0,
	});
	const stream: ClientReadableStream<Buffer> = client.makeServerStreamRequest(getEvents, asIs, asIs, request);
	let ended = false;
	const settled = setTimeout(events.alive, limits.settleMs);
	const end = (): boolean => {
		if (ended) return false;
		ended = true;
		clearTimeout(settled);
		client.close();
		return true;
	};
	stream.on('metadata', () => {
		if (!ended) events.alive();
	});
	stream.on('data', (bytes: Buffer) => {
		if (ended) return;
		events.alive();
		events.message(bytes);
	});
	stream.on('error', (error: ServiceError) => {
		if (end()) events.broke(reasonOf(error.code), `GetEvents: ${error.message}`);
	});
	stream.on('end', () => {
		if (end()) events.broke('ended', 'GetEvents: the sensor ended the stream');
	});
	return {
		pause: () => {
			stream.pause();
		},
		resume: () => {
			if (stream.isPaused()) stream.resume();
		},
		close() {
			if (end()) stream.cancel();
		},
	};
}

/** gRPC's closed list of codes: UNAVAILABLE becomes unavailable, RESOURCE_EXHAUSTED resource-exhausted. */
const reasonOf = (code: number): string => (status[code] ?? 'unknown').toLowerCase().replaceAll('_', '-');
