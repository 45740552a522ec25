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

interface State {
	options: DeliveryQueueOptions;
	entries: Map<string, Delivery>;
	inFlight: Set<string>;
	changed: Set<string>;
	waiting: (() => void)[];
	timer: NodeJS.Timeout | undefined;
	pausedUntilMs: number;
	isGone: boolean;
	isStopped: boolean;
	failuresInRow: number;
	liveCount: number;
	liveBytes: number;
}

/** Starts at once with what is `stored`. Its timers keep the process alive until `stop`. */
export function createDeliveryQueue(options: DeliveryQueueOptions, stored: Iterable<Delivery>): DeliveryQueue {
	const state: State = {
		options,
		entries: new Map(),
		inFlight: new Set(),
		changed: new Set(),
		waiting: [],
		timer: undefined,
		pausedUntilMs: 0,
		isGone: false,
		isStopped: false,
		failuresInRow: 0,
		liveCount: 0,
		liveBytes: 0,
	};
	for (const delivery of stored) {
		// A clock that was set back must not hold a message for longer than the policy would.
		const nextMs = Math.min(delivery.nextMs, options.now() + options.policy.delayMsMax);
		hold(state, { ...delivery, nextMs });
	}
	pump(state);
	return {
		entries: state.entries,
		takeChanged() {
			const taken = state.changed;
			state.changed = new Set();
			return taken;
		},
		takeDead() {
			const dead = [...state.entries.values()].filter((d) => d.dead !== '');
			for (const { id } of dead) {
				state.entries.delete(id);
				state.changed.add(id);
			}
			return dead;
		},
		load: () => ({ count: state.liveCount, bytes: state.liveBytes }),
		isGone: () => state.isGone,
		isFailing: () => state.failuresInRow >= failingAfter,
		add(delivery) {
			hold(state, delivery);
			state.changed.add(delivery.id);
			if (state.isGone) bury(state, delivery, 'gone', 'status 410');
			else pump(state);
		},
		nextOutcome: () =>
			state.isStopped
				? Promise.resolve()
				: new Promise((resolve) => {
						state.waiting.push(resolve);
					}),
		isStopped: () => state.isStopped,
		stop() {
			state.isStopped = true;
			clearTimeout(state.timer);
			wake(state);
		},
	};
}

/** Starts what is due, and sleeps until the next is. */
function pump(state: State): void {
	clearTimeout(state.timer);
	if (state.isStopped || state.isGone) return;
	const { now, concurrency, policy } = state.options;
	const nowMs = now();
	let earliestMs = Number.POSITIVE_INFINITY;
	for (const delivery of state.entries.values()) {
		if (state.inFlight.size >= concurrency) return;
		if (delivery.dead !== '' || state.inFlight.has(delivery.id)) continue;
		const dueMs = Math.max(delivery.nextMs, state.pausedUntilMs);
		if (dueMs <= nowMs) void attempt(state, delivery);
		else earliestMs = Math.min(earliestMs, dueMs);
	}
	if (earliestMs < Number.POSITIVE_INFINITY)
		state.timer = setTimeout(pump, Math.min(earliestMs - nowMs, policy.delayMsMax), state);
}

async function attempt(state: State, delivery: Delivery): Promise<void> {
	state.inFlight.add(delivery.id);
	const outcome = await state.options.post({ id: delivery.id, body: delivery.body });
	state.inFlight.delete(delivery.id);
	if (state.isStopped) return;
	settle(state, delivery, outcome);
	wake(state);
	pump(state);
}

function settle(state: State, delivery: Delivery, outcome: PostOutcome): void {
	state.failuresInRow = outcome.kind === 'delivered' ? 0 : state.failuresInRow + 1;
	switch (outcome.kind) {
		case 'delivered':
			state.entries.delete(delivery.id);
			// A 410 to another message may have buried this one while it was under way.
			if (delivery.dead === '') countLive(state, delivery, -1);
			break;
		case 'gone':
			state.isGone = true;
			for (const entry of state.entries.values()) bury(state, entry, 'gone', 'status 410');
			break;
		case 'failed':
			fail(state, delivery, outcome);
			break;
	}
	state.changed.add(delivery.id);
}

function fail(state: State, delivery: Delivery, outcome: Extract<PostOutcome, { kind: 'failed' }>): void {
	if (delivery.dead !== '') return;
	const { policy, now, random, emit, stage } = state.options;
	delivery.attempts++;
	delivery.failure = outcome.status < 0 ? outcome.reason : `status ${outcome.status}`;
	if (delivery.attempts >= policy.attemptsMax) {
		bury(state, delivery, 'undeliverable', delivery.failure);
		return;
	}
	const delayMs = retryDelayMs(policy, delivery.attempts, outcome.retryAfterMs, random());
	delivery.nextMs = now() + delayMs;
	// What the receiver asks for holds for all messages, not for this one alone.
	if (outcome.retryAfterMs !== null)
		state.pausedUntilMs = Math.max(state.pausedUntilMs, now() + Math.min(outcome.retryAfterMs, policy.delayMsMax));
	emit({
		name: 'alert_retry',
		stage,
		reason: outcome.reason,
		intentional: false,
		message: 'Posting a finding failed; it will be tried again.',
		detail: { webhookId: delivery.id, attempts: delivery.attempts, failure: delivery.failure, delayMs },
	});
}

function bury(state: State, delivery: Delivery, dead: 'undeliverable' | 'gone', failure: string): void {
	if (delivery.dead !== '') return;
	countLive(state, delivery, -1);
	delivery.dead = dead;
	delivery.failure = failure;
	state.changed.add(delivery.id);
	state.options.emit({
		name: 'alert_undelivered',
		stage: state.options.stage,
		reason: dead,
		intentional: false,
		message: 'A finding could not be posted to the webhook; it becomes a dead letter.',
		detail: { webhookId: delivery.id, attempts: delivery.attempts, failure },
	});
}

function hold(state: State, delivery: Delivery): void {
	state.entries.set(delivery.id, delivery);
	if (delivery.dead === '') countLive(state, delivery, 1);
}

function countLive(state: State, delivery: Delivery, sign: 1 | -1): void {
	state.liveCount += sign;
	state.liveBytes += sign * Buffer.byteLength(delivery.body);
}

function wake(state: State): void {
	const woken = state.waiting;
	state.waiting = [];
	for (const resolve of woken) resolve();
}
