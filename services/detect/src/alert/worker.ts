// The alert stage on one partition: findings in, cells and dead letters out.
import { findingCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Finding } from '@affidavit/model/generated/finding.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { deliveryCell, disabledCell, encodeDelivery, isDeliveryCell } from './delivery-cell.ts';
import type { Delivery, DeliveryQueue } from './delivery-queue.ts';
import { type AlertMessage, alertMessage } from './message.ts';

export interface WorkerSetting {
	/** The stage's name. */
	name: string;
	leads: boolean;
	stepWaitMs: number;
	queueMax: number;
	queueBytesMax: number;
	/** sha256 of the webhook's URL, hex. */
	urlDigest: string;
	emit: Emit;
}

/** Ids of messages that left the queue lately: a finding that comes again (at least once) is not posted again. */
const settledMax = 10_000;

export function createAlertWorker(
	setting: WorkerSetting,
	queue: DeliveryQueue,
	cells: ReadonlyMap<string, Uint8Array>,
): StageWorker {
	const storedCells = new Set([...cells.keys()].filter(isDeliveryCell));
	const settled = new Set<string>();
	const disabled = cells.get(disabledCell);
	// A receiver that once answered 410 stays off until another URL is configured.
	let isDisabled = disabled !== undefined && Buffer.from(disabled).toString() === setting.urlDigest;
	let nextOffset = 0;

	const changedCells = (): Map<string, Uint8Array | null> => {
		const changed = new Map<string, Uint8Array | null>();
		for (const id of queue.takeChanged()) {
			const cell = deliveryCell(id);
			const entry = queue.entries.get(id);
			if (entry) {
				changed.set(cell, encodeDelivery(entry));
				storedCells.add(cell);
			} else {
				remember(settled, id);
				if (storedCells.delete(cell)) changed.set(cell, null);
			}
		}
		if (queue.isGone() && !isDisabled) {
			isDisabled = true;
			changed.set(disabledCell, Buffer.from(setting.urlDigest));
		}
		return changed;
	};

	return {
		async step(records, replayed): Promise<StepResult> {
			const deadLetters: DeadLetter[] = [];
			const fresh: string[] = [];
			// Replayed findings lie in the cells, or were delivered.
			for (const record of replayed ? [] : records) {
				const taken = takeFinding(setting, record);
				if (taken.kind === 'passed-over') continue;
				if (taken.kind === 'undecodable') {
					deadLetters.push(letterOf(setting, record, 'finding-undecodable', taken.message));
					continue;
				}
				const { message, finding } = taken;
				if (queue.entries.has(message.id) || settled.has(message.id)) {
					dropped(setting, 'duplicate', true, message.id);
					continue;
				}
				const why = await refusal(setting, queue, message, isDisabled);
				if (why) {
					dropped(setting, why.reason, false, message.id);
					deadLetters.push(letterOf(setting, record, why.code, why.message, finding.lastUs));
					continue;
				}
				queue.add(deliveryOf(message, record.offset, finding.lastUs));
				fresh.push(message.id);
			}
			await firstTries(queue, fresh, setting.stepWaitMs);
			const at = records.at(-1);
			if (at) {
				nextOffset = Math.max(nextOffset, at.offset + 1);
				for (const dead of queue.takeDead()) deadLetters.push(deadDelivery(setting, dead, at));
			}
			const changed = changedCells();
			let rebuildOffset = nextOffset;
			for (const entry of queue.entries.values()) rebuildOffset = Math.min(rebuildOffset, entry.offset);
			return { outputs: [], cells: changed, appends: [], deadLetters, lowWaterOffset: nextOffset, rebuildOffset };
		},
	};
}

type Taken =
	| { kind: 'finding'; finding: Finding; message: AlertMessage }
	| { kind: 'passed-over' }
	| { kind: 'undecodable'; message: string };

function takeFinding(setting: WorkerSetting, record: LogRecord): Taken {
	let finding: Finding;
	try {
		finding = findingCodec.decode(record.value);
	} catch (cause) {
		const why = cause instanceof Error ? cause.message.slice(0, 200) : 'unknown';
		return { kind: 'undecodable', message: `value: expected an encoded finding (${why})` };
	}
	// What is not asked for is no drop: the finding stays in its topic.
	if (finding.state !== 'confirmed' && !setting.leads) return { kind: 'passed-over' };
	return { kind: 'finding', finding, message: alertMessage(finding) };
}

interface Refusal {
	reason: 'webhook-gone' | 'queue-full';
	code: 'alert-gone' | 'alert-queue-full';
	message: string;
}

/** Why a message cannot be queued; a full queue gets one try's time to make room. */
async function refusal(
	setting: WorkerSetting,
	queue: DeliveryQueue,
	message: AlertMessage,
	isDisabled: boolean,
): Promise<Refusal | null> {
	if (isDisabled || queue.isGone())
		return {
			reason: 'webhook-gone',
			code: 'alert-gone',
			message: 'the webhook answered 410: expected another webhook.url',
		};
	const isFull = (): boolean => {
		const { count, bytes } = queue.load();
		return count >= setting.queueMax || bytes + Buffer.byteLength(message.body) > setting.queueBytesMax;
	};
	if (isFull() && !queue.isFailing()) await within(queue, setting.stepWaitMs, () => !isFull());
	return isFull()
		? {
				reason: 'queue-full',
				code: 'alert-queue-full',
				message: `undelivered alerts: expected at most ${setting.queueMax} and ${setting.queueBytesMax} bytes`,
			}
		: null;
}

/** Gives the findings of this step their first try, so that a healthy receiver's need no cell. */
function firstTries(queue: DeliveryQueue, ids: readonly string[], waitMs: number): Promise<void> {
	const areTried = (): boolean =>
		queue.isFailing() ||
		ids.every((id) => {
			const entry = queue.entries.get(id);
			return entry === undefined || entry.attempts > 0 || entry.dead !== '';
		});
	return areTried() ? Promise.resolve() : within(queue, waitMs, areTried);
}

/** Resolves when `isDone`, when the queue was stopped, or after `waitMs`. */
async function within(queue: DeliveryQueue, waitMs: number, isDone: () => boolean): Promise<void> {
	let isOver = false;
	let timer: NodeJS.Timeout | undefined;
	const timeout = new Promise<void>((resolve) => {
		timer = setTimeout(() => {
			isOver = true;
			resolve();
		}, waitMs);
	});
	while (!isOver && !queue.isStopped() && !isDone()) await Promise.race([queue.nextOutcome(), timeout]);
	clearTimeout(timer);
}

const deliveryOf = (message: AlertMessage, offset: number, timeUs: number): Delivery => ({
	...message,
	offset,
	timeUs,
	attempts: 0,
	nextMs: 0,
	dead: '',
	failure: '',
});

/** Bounded: the oldest goes. */
function remember(ids: Set<string>, id: string): void {
	ids.add(id);
	const oldest = ids.size > settledMax ? ids.values().next().value : undefined;
	if (oldest !== undefined) ids.delete(oldest);
}

function dropped(setting: WorkerSetting, reason: string, intentional: boolean, webhookId: string): void {
	setting.emit({
		name: 'alert_dropped',
		stage: setting.name,
		reason,
		intentional,
		message: intentional ? 'This finding was posted already.' : 'A finding is not posted; it becomes a dead letter.',
		detail: { webhookId },
	});
}

const letterOf = (
	setting: WorkerSetting,
	record: LogRecord,
	code: string,
	message: string,
	timeUs = -1,
): DeadLetter => ({
	stage: setting.name,
	origin: `${record.topic}/${record.partition}/${record.offset}`,
	code,
	message,
	digest: sha256Hex(record.value),
	length: record.value.byteLength,
	excerpt: '',
	timeUs,
	subject: '',
});

const deadDelivery = (setting: WorkerSetting, dead: Delivery, at: LogRecord): DeadLetter => ({
	stage: setting.name,
	origin: `${at.topic}/${at.partition}/${dead.offset}`,
	code: dead.dead === 'gone' ? 'alert-gone' : 'alert-undeliverable',
	message: `webhook ${dead.id}: ${dead.attempts} failed tries, the last one: ${dead.failure}: expected a 2xx status`,
	digest: sha256Hex(dead.body),
	length: Buffer.byteLength(dead.body),
	excerpt: '',
	timeUs: dead.timeUs,
	subject: '',
});
