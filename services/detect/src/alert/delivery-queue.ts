// Messages that are not delivered yet, and the loop that delivers them apart from the stage's commits.
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Post, PostOutcome } from './post.ts';
import { type RetryPolicy, retryDelayMs } from './retry.ts';

export interface Delivery {
	/** webhook-id. */
	id: string;
	body: string;
	/** Offset of the finding in its partition. */
	offset: number;
	/** Event time of the finding. */
	timeUs: number;
	/** Failed tries so far. */
	attempts: number;
	/** Not before, milliseconds since the epoch. */
	nextMs: number;
	/** '' while it may still be delivered; then why it will not. */
	dead: '' | 'undeliverable' | 'gone';
	/** The last failure, for the dead letter. */
	failure: string;
}

export interface DeliveryQueueOptions {
	stage: string;
	post: Post;
	policy: RetryPolicy;
	/** Tries at the same time. */
	concurrency: number;
	emit: Emit;
	now: () => number;
	/** In [0, 1). */
	random: () => number;
}

export interface DeliveryQueue {
	/** By webhook-id, in order of arrival; delivered ones are gone from it, dead ones stay until they are taken. */
	readonly entries: ReadonlyMap<string, Delivery>;
	/** Ids that changed or left since the last call. */
	takeChanged(): Set<string>;
	/** Dead entries, which leave the queue with this. */
	takeDead(): Delivery[];
	/** Messages that may still be delivered, and the bytes of their bodies. */
	load(): { count: number; bytes: number };
	/** True once the receiver answered 410. */
	isGone(): boolean;
	/** True while the last outcomes were all failures: waiting for the next one is then no use. */
	isFailing(): boolean;
	add(delivery: Delivery): void;
	/** Resolves when the next try of any message has ended, or the queue was stopped. */
	nextOutcome(): Promise<void>;
	isStopped(): boolean;
	/** No try starts after this; the running ones are forgotten (the next start sends them again under the same id). */
	stop(): void;
}

/** Failures in a row after which a receiver counts as failing. */
const failingAfter = 3;

export function createDeliveryQueue(options: DeliveryQueueOptions, stored: Iterable<Delivery>): DeliveryQueue {
	const { policy, now } = options;
	const entries = new Map<string, Delivery>();
	const inFlight = new Set<string>();
	let changed = new Set<string>();
	let waiting: (() => void)[] = [];
	let timer: NodeJS.Timeout | undefined;
	let pausedUntilMs = 0;
	let gone = false;
	let stopped = false;
	let failuresInRow = 0;
	let liveCount = 0;
	let liveBytes = 0;

	const hold = (delivery: Delivery) => {
		entries.set(delivery.id, delivery);
		if (delivery.dead === '') count(delivery, 1);
	};
	const count = (delivery: Delivery, sign: 1 | -1) => {
		liveCount += sign;
		liveBytes += sign * Buffer.byteLength(delivery.body);
	};

	const wake = () => {
		const woken = waiting;
		waiting = [];
		for (const resolve of woken) resolve();
	};

	const settle = (delivery: Delivery, outcome: PostOutcome) => {
		failuresInRow = outcome.kind === 'delivered' ? 0 : failuresInRow + 1;
		if (outcome.kind === 'delivered') {
			entries.delete(delivery.id);
			count(delivery, -1);
		} else if (outcome.kind === 'gone') {
			gone = true;
			for (const entry of entries.values()) bury(entry, 'gone', 'status 410');
		} else fail(delivery, outcome);
		changed.add(delivery.id);
	};

	const bury = (delivery: Delivery, dead: 'undeliverable' | 'gone', failure: string) => {
		if (delivery.dead !== '') return;
		count(delivery, -1);
		delivery.dead = dead;
		delivery.failure = failure;
		changed.add(delivery.id);
		options.emit({
			name: 'alert_undelivered',
			stage: options.stage,
			reason: dead,
			intentional: false,
			message: 'A finding could not be posted to the webhook; it becomes a dead letter.',
			detail: { webhookId: delivery.id, attempts: delivery.attempts, failure },
		});
	};

	const fail = (delivery: Delivery, outcome: Extract<PostOutcome, { kind: 'failed' }>) => {
		const failure = outcome.status < 0 ? outcome.reason : `status ${outcome.status}`;
		delivery.attempts++;
		delivery.failure = failure;
		if (delivery.attempts >= policy.attemptsMax) return bury(delivery, 'undeliverable', failure);
		const delayMs = retryDelayMs(policy, delivery.attempts, outcome.retryAfterMs, options.random());
		delivery.nextMs = now() + delayMs;
		// What the receiver asks for holds for all messages, not for this one alone.
		if (outcome.retryAfterMs !== null)
			pausedUntilMs = Math.max(pausedUntilMs, now() + Math.min(outcome.retryAfterMs, policy.delayMsMax));
		options.emit({
			name: 'alert_retry',
			stage: options.stage,
			reason: outcome.reason,
			intentional: false,
			message: 'Posting a finding failed; it will be tried again.',
			detail: { webhookId: delivery.id, attempts: delivery.attempts, failure, delayMs },
		});
	};

	const attempt = async (delivery: Delivery): Promise<void> => {
		inFlight.add(delivery.id);
		const outcome = await options.post({ id: delivery.id, body: delivery.body });
		inFlight.delete(delivery.id);
		if (stopped) return;
		settle(delivery, outcome);
		wake();
		pump();
	};

	/** Starts what is due, and sleeps until the next is. */
	const pump = () => {
		clearTimeout(timer);
		if (stopped || gone) return;
		const nowMs = now();
		let earliestMs = Number.POSITIVE_INFINITY;
		for (const delivery of entries.values()) {
			if (inFlight.size >= options.concurrency) return;
			if (delivery.dead !== '' || inFlight.has(delivery.id)) continue;
			const dueMs = Math.max(delivery.nextMs, pausedUntilMs);
			if (dueMs <= nowMs) void attempt(delivery);
			else earliestMs = Math.min(earliestMs, dueMs);
		}
		if (earliestMs < Number.POSITIVE_INFINITY)
			timer = setTimeout(pump, Math.min(earliestMs - nowMs, policy.delayMsMax));
	};

	for (const delivery of stored) {
		// A clock that was set back must not hold a message for longer than the policy would.
		const nextMs = Math.min(delivery.nextMs, now() + policy.delayMsMax);
		hold({ ...delivery, nextMs });
	}
	pump();

	return {
		entries,
		takeChanged() {
			const taken = changed;
			changed = new Set();
			return taken;
		},
		takeDead() {
			const dead = [...entries.values()].filter((d) => d.dead !== '');
			for (const { id } of dead) {
				entries.delete(id);
				changed.add(id);
			}
			return dead;
		},
		load: () => ({ count: liveCount, bytes: liveBytes }),
		isGone: () => gone,
		isFailing: () => failuresInRow >= failingAfter,
		add(delivery) {
			hold(delivery);
			changed.add(delivery.id);
			if (gone) bury(delivery, 'gone', 'status 410');
			else pump();
		},
		nextOutcome: () => (stopped ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
		isStopped: () => stopped,
		stop() {
			stopped = true;
			clearTimeout(timer);
			wake();
		},
	};
}
