// The alert stage: posts findings to one webhook. It reads topic `finding` at its own pace, so a receiver that is down
// holds up nothing but itself. A message that is delivered while its finding is being committed leaves no trace; any
// other lies in the stage's cells until it is delivered or dead: a kill -9 sends it again under the same webhook-id.
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Stage } from '@affidavit/stream/stage.ts';
import type { AllowPrivate } from './connect-guard.ts';
import { storedDeliveries } from './delivery-cell.ts';
import { createDeliveryQueue, type DeliveryQueue } from './delivery-queue.ts';
import { createPost } from './post.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts';
import { createAlertWorker, type WorkerSetting } from './worker.ts';

export interface AlertStageOptions {
	/** http or https, from configuration only. */
	url: string;
	/** `whsec_…` (secret.ts reads it from file or environment). */
	secret: string;
	/** Also post leads and their withdrawal. Default false: confirmed findings only. */
	leads?: boolean;
	/** Private and loopback receivers: none by default. */
	allowPrivate?: AllowPrivate;
	/** Commit scope; one per webhook when there are several. Default `alert`. */
	name?: string;
	retry?: Partial<RetryPolicy>;
	/** One try. Default 10 s. */
	timeoutMs?: number;
	/** How long a step waits for the first try of its findings before it leaves them to the queue. Default 1 s. */
	stepWaitMs?: number;
	/** Undelivered messages per partition; what does not fit becomes a dead letter. Default 10,000. */
	queueMax?: number;
	/** Bytes of their bodies. Default 64 MiB. */
	queueBytesMax?: number;
	/** Tries at the same time per partition. Default 4. */
	concurrency?: number;
	emit: Emit;
	/** Milliseconds since the epoch. */
	now?: () => number;
	/** In [0, 1). */
	random?: () => number;
}

export type AlertStage = Stage & {
	/** Waits until nothing is undelivered, `signal` aborts or `waitMsMax` is over; how many messages are undelivered then. */
	settle(waitMsMax: number, signal?: AbortSignal): Promise<number>;
	/** Ends the delivery loops and connections, which keep the process alive until then; what is undelivered stays in the cells. */
	close(): Promise<void>;
};

/** Throws TypeError or RangeError on options that configuration should have refused. */
export function createAlertStage(options: AlertStageOptions): AlertStage {
	const now = options.now ?? Date.now;
	const concurrency = options.concurrency ?? 4;
	const { post, close } = createPost({
		url: options.url,
		secret: options.secret,
		allowPrivate: options.allowPrivate ?? false,
		timeoutMs: options.timeoutMs ?? 10_000,
		connectionsMax: concurrency,
		now,
	});
	const name = options.name ?? 'alert';
	const queues = new Map<number, DeliveryQueue>();
	const setting: WorkerSetting = {
		name,
		leads: options.leads ?? false,
		stepWaitMs: options.stepWaitMs ?? 1000,
		queueMax: options.queueMax ?? 10_000,
		queueBytesMax: options.queueBytesMax ?? 64 * 1024 ** 2,
		urlDigest: sha256Hex(options.url),
		emit: options.emit,
	};
	return {
		name,
		input: 'finding',
		outputs: [],
		async open(partition, cells) {
			// A worker whose commit was refused is opened anew: its old loop must not go on beside the new one.
			queues.get(partition)?.stop();
			const queue = createDeliveryQueue(
				{
					stage: name,
					post,
					policy: { ...defaultRetryPolicy, ...options.retry },
					concurrency,
					emit: options.emit,
					now,
					random: options.random ?? Math.random,
				},
				storedDeliveries(cells),
			);
			queues.set(partition, queue);
			return createAlertWorker(setting, queue, cells);
		},
		settle: (waitMsMax, signal) => settle([...queues.values()], waitMsMax, signal),
		async close() {
			for (const queue of queues.values()) queue.stop();
			await close();
		},
	};
}

/** A run that ends with its input would else leave behind what waits for its next try. */
async function settle(queues: readonly DeliveryQueue[], waitMsMax: number, signal?: AbortSignal): Promise<number> {
	const undelivered = (): number => queues.reduce((sum, queue) => sum + queue.load().count, 0);
	const over = AbortSignal.any([AbortSignal.timeout(waitMsMax), ...(signal ? [signal] : [])]);
	const ended = new Promise<void>((resolve) => {
		over.addEventListener('abort', () => resolve(), { once: true });
	});
	while (!over.aborted && undelivered() > 0)
		await Promise.race([ended, ...queues.filter((q) => q.load().count > 0).map((q) => q.nextOutcome())]);
	return undelivered();
}
