// Appending: one produce request under way at a time, with all that was asked for meanwhile in the next one.
// One at a time because kafkajs's idempotent producer gives a failed request's sequence numbers to the next request: with two
// under way, or after giving up on one, the broker may take new records for copies and drop them. For the same reason a
// producer that has failed is never used again; its successor repeats what is not acknowledged, in the same order.
import type { Kafka, Producer, RecordMetadata } from 'kafkajs';
import { StreamError } from '../errors.ts';
import { backoffMs } from '../runner/wait.ts';
import { compressionTypes } from './client.ts';
import { cluesOf, toStreamError } from './errors.ts';
import type { ResolvedKafkaOptions } from './options.ts';
import { type Batch, type Job, type Outgoing, takeBatch } from './send-batch.ts';

export type { Outgoing } from './send-batch.ts';

export interface Appender {
	/** Resolves when all is acknowledged; rejects with `unavailable` or `refused`, and then some of it may be there. */
	append(messages: readonly Outgoing[]): Promise<void>;
	/** Records asked for and not yet acknowledged. */
	waiting(): number;
	close(): Promise<void>;
}

type AppenderOptions = Pick<
	ResolvedKafkaOptions,
	'appendTimeoutMs' | 'sendBytesMax' | 'compression' | 'requestTimeoutMs' | 'emit'
>;

/** The broker refuses a request whose batch is too large, whoever's record makes it so. */
const sizeErrors: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
/** A request may end this much after the deadline of what is in it. */
const attemptMsMin = 1_000;

export function createAppender(
	kafka: Kafka,
	options: AppenderOptions,
	onAppended: (name: string, partition: number, end: number) => void,
): Appender {
	const queue: Job[] = [];
	let producer: Producer | null = null;
	let sending: Promise<void> | null = null;
	let closed = false;

	const send = async (batch: Batch, timeoutMs: number): Promise<RecordMetadata[]> => {
		const attempt = (async () => {
			producer ??= createProducer(kafka);
			const mine = producer;
			await mine.connect();
			return await mine.sendBatch({
				acks: -1,
				timeout: options.requestTimeoutMs,
				compression: compressionTypes[options.compression],
				topicMessages: batch.topicMessages,
			});
		})();
		return await within(attempt, timeoutMs);
	};
	const discard = (): void => {
		const failed = producer;
		producer = null;
		void failed?.disconnect().catch(() => {});
	};
	const drain = async (): Promise<void> => {
		let failures = 0;
		for (let job = queue[0]; job !== undefined; job = queue[0]) {
			const batch = takeBatch(queue, options.sendBytesMax);
			const remainingMs = Math.min(...batch.parts.map((part) => part.job.deadline)) - Date.now();
			try {
				const metadata = await send(batch, Math.max(attemptMsMin, remainingMs));
				failures = 0;
				acknowledged(batch, metadata, queue, onAppended);
			} catch (error) {
				discard();
				if (!refuse(batch, error, queue)) {
					expire(queue, error, closed);
					emitRetry(options, batch, error);
					await new Promise((resolve) => setTimeout(resolve, backoffMs(failures) * 4));
					failures += 1;
				}
			}
		}
	};

	return {
		append: (messages) => {
			if (closed) return Promise.reject(new StreamError('closed', 'appending: the log is closed'));
			if (messages.length === 0) return Promise.resolve();
			return new Promise((resolve, reject) => {
				const deadline = Date.now() + options.appendTimeoutMs;
				queue.push({ messages, done: 0, deadline, aloneUpTo: 0, resolve, reject });
				sending ??= drain().finally(() => {
					sending = null;
				});
			});
		},
		waiting: () => queue.reduce((sum, job) => sum + job.messages.length - job.done, 0),
		close: async () => {
			closed = true;
			await sending;
			await within(producer?.disconnect() ?? Promise.resolve(), 2_000).catch(() => {});
			producer = null;
		},
	};
}

function createProducer(kafka: Kafka): Producer {
	return kafka.producer({
		idempotent: true,
		allowAutoTopicCreation: false,
		// Records are placed before they come here.
		createPartitioner:
			() =>
			({ message }) =>
				message.partition ?? 0,
		retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 },
	});
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new StreamError('unavailable', `no answer within ${ms} ms`)), ms);
	});
	promise.catch(() => {});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

function acknowledged(
	batch: Batch,
	metadata: readonly RecordMetadata[],
	queue: Job[],
	onAppended: (name: string, partition: number, end: number) => void,
): void {
	for (const { topicName, partition, baseOffset } of metadata) {
		const count = batch.counts.get(`${topicName}/${partition}`) ?? 0;
		if (baseOffset !== undefined && Number(baseOffset) >= 0)
			onAppended(topicName, partition, Number(baseOffset) + count);
	}
	for (const { job, to } of batch.parts) {
		job.done = to;
		if (to < job.messages.length) continue;
		queue.splice(queue.indexOf(job), 1);
		job.resolve();
	}
}

/** True when the broker's word is final: the record or the call that it is about is sent alone, and then rejected. */
function refuse(batch: Batch, error: unknown, queue: Job[]): boolean {
	const failure = toStreamError('appending', error);
	if (failure.code !== 'refused') return false;
	const [first, ...others] = batch.parts;
	if (first === undefined) return false;
	if (others.length > 0) {
		for (const { job } of batch.parts) job.aloneUpTo = Math.max(job.aloneUpTo, 1);
		return true;
	}
	const { job, from, to } = first;
	const tooLarge = sizeErrors.has(cluesOf(error).type);
	if (tooLarge && to - from > 1) {
		job.aloneUpTo = to;
		return true;
	}
	queue.splice(queue.indexOf(job), 1);
	const message = job.messages[from];
	const what = tooLarge && message ? `a record of ${message.bytes} bytes for ${message.name}: ` : '';
	job.reject(new StreamError('refused', `${what}${failure.message}`, error));
	return true;
}

function expire(queue: Job[], error: unknown, closed: boolean): void {
	const now = Date.now();
	const code = closed ? 'closed' : 'unavailable';
	const late = queue.filter((job) => closed || job.deadline <= now);
	for (const job of late) {
		queue.splice(queue.indexOf(job), 1);
		const left = job.messages.length - job.done;
		const { message } = toStreamError('appending', error);
		job.reject(new StreamError(code, `${left} of ${job.messages.length} records not acknowledged: ${message}`, error));
	}
}

function emitRetry(options: AppenderOptions, batch: Batch, error: unknown): void {
	options.emit({
		name: 'kafka_appends_repeated',
		stage: 'kafka',
		reason: toStreamError('', error).code,
		intentional: false,
		message: 'a produce request failed: it is sent again by a new producer',
		detail: { records: batch.records, error: cluesOf(error).message },
	});
}
