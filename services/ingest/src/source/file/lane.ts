// One host's way through a recorded file: clock check, batches, dead letters, and the checkpoint that makes a resumed run
// produce the same batches. Pure.
import type { ChainState, HostKey } from '@affidavit/model/batch-signature.ts';
import type { Loss, LossCounters } from '@affidavit/model/generated/trace.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import { type Batcher, type BatchLimits, createBatcher, type DecodedEvent } from '../../batch/batcher.ts';
import type { IngestDeadLetterCode } from '../dead-letter.ts';
import { type ClockWindow, clockError, createClockWindow } from './clock-guard.ts';

/** A line's place in the run: index of its file, and where it starts there. */
export interface LanePosition {
	file: number;
	/** Bytes of the (decompressed) stream. */
	offset: number;
	/** From 1. */
	line: number;
}

export interface LaneItem extends LanePosition {
	timeUs: number;
	inputBytes: number;
	entry: DecodedEvent;
	/** The line, for a dead letter. */
	bytes: Buffer;
}

/** What is committed of a lane. A resumed run skips the lane's lines up to `done`. */
export interface LaneState {
	host: string;
	chain: ChainState;
	/** Last line whose event is in a batch or a dead letter. */
	done: { file: number; line: number };
	/** Accepted event times, microseconds; -1 before the first. */
	firstUs: number;
	newestUs: number;
	hooks: string[];
	events: number;
	batches: number;
	refused: number;
}

export interface LaneOptions {
	boot: string;
	key: HostKey;
	limits: BatchLimits;
	lossCounters: LossCounters;
	/** Makes the dead letter of a refused item; null when there are too many already. */
	refuse: (item: LaneItem, code: IngestDeadLetterCode, message: string) => OutRecord | null;
}

export interface Lane {
	push(item: LaneItem): void;
	/** End of input: all that waits goes into the last batch, with `losses`. */
	finish(losses: (firstUs: number, newestUs: number) => Loss[]): void;
	/** Records ready to be committed, with the state that goes with them; forgets them. Null when there are none. */
	take(): { records: OutRecord[]; state: LaneState } | null;
	/** Oldest line that is in no record handed out by `take`, or null when nothing waits. */
	oldest(): LanePosition | null;
	host: string;
}

/** Refused items that wait for the batch that goes before them, at most. */
const heldRefusalsMax = 100;

export const newLaneState = (host: string, chain: ChainState): LaneState => ({
	host,
	chain,
	done: { file: 0, line: 0 },
	firstUs: -1,
	newestUs: -1,
	hooks: [],
	events: 0,
	batches: 0,
	refused: 0,
});

export function openLane(saved: LaneState, options: LaneOptions): Lane {
	const resumeAfter = saved.done;
	const window: ClockWindow<LaneItem> = createClockWindow();
	const batcher: Batcher = createBatcher({
		host: saved.host,
		boot: options.boot,
		source: 'file',
		key: options.key,
		limits: options.limits,
		chain: saved.chain,
		hooks: saved.hooks,
	});
	const now = { ...saved };
	let records: OutRecord[] = [];
	let ready: LaneState | null = null;
	let held: OutRecord[] = [];
	let firstPending: LanePosition | null = null;
	let last = saved.done;

	const close = (losses: Loss[], endOfInput: boolean): void => {
		if (batcher.pending() > 0 || endOfInput) {
			const batch = batcher.close({
				observedUs: now.newestUs,
				losses,
				lossCounters: options.lossCounters,
				endOfInput,
			});
			records.push(batch.record);
			now.batches++;
		}
		for (const record of held) records.push(record);
		held = [];
		firstPending = null;
		ready = { ...now, done: { file: last.file, line: last.line }, chain: batcher.chain(), hooks: batcher.hooks() };
	};

	const refuse = (item: LaneItem, code: IngestDeadLetterCode, message: string): void => {
		const record = options.refuse(item, code, message);
		if (record !== null) held.push(record);
		now.refused++;
		firstPending ??= item;
		last = item;
		if (held.length >= heldRefusalsMax) close([], false);
	};

	const accept = (item: LaneItem, medianUs: number): void => {
		const wrongClock = clockError(item.timeUs, medianUs, now.newestUs);
		if (wrongClock !== null) {
			refuse(item, 'event-time', wrongClock);
			return;
		}
		let offer = batcher.offer(item.entry, 0);
		if (offer === 'close-first') {
			close([], false);
			offer = batcher.offer(item.entry, 0);
		}
		if (offer === 'close-first') throw new RangeError('an empty batch refused an event without a reason');
		if (offer !== 'added') {
			refuse(item, offer.code, offer.message);
			return;
		}
		firstPending ??= item;
		last = item;
		now.events++;
		if (now.firstUs < 0 || item.timeUs < now.firstUs) now.firstUs = item.timeUs;
		if (item.timeUs > now.newestUs) now.newestUs = item.timeUs;
		if (batcher.due(0)) close([], false);
	};

	return {
		host: saved.host,
		push(item) {
			if (item.file < resumeAfter.file || (item.file === resumeAfter.file && item.line <= resumeAfter.line)) return;
			window.push(item);
			window.release(accept);
		},
		finish(losses) {
			window.finish(accept);
			close(losses(now.firstUs, now.newestUs), true);
		},
		take() {
			if (ready === null) return null;
			const taken = { records, state: ready };
			records = [];
			ready = null;
			return taken;
		},
		oldest: () => firstPending ?? window.head() ?? null,
	};
}
