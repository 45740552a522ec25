// The live agent's core: inputs, losses and the clock in; batches, dead letters and the checkpoint out. Pure.
import type { HostKey } from '@affidavit/model/batch-signature.ts';
import type { Loss, SourceKind } from '@affidavit/model/generated/trace.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import { type Batcher, type BatchLimits, createBatcher, type DecodedEvent } from '../batch/batcher.ts';
import type { Decoder } from '../decode-result.ts';
import { createPendingLosses } from '../loss/pending.ts';
import type { Scrape } from '../loss/scrape.ts';
import { createLossTracker } from '../loss/tracker.ts';
import {
	createDeadLetters,
	cutLinesCounter,
	type IngestDeadLetterCode,
	lateUsMax,
	mayBeEvent,
	type RawInput,
	type Redact,
	rawInput,
	refusedLinesCounter,
} from '../source/dead-letter.ts';
import type { LiveInput } from '../source/live-source.ts';
import { encodeLiveState, type LiveState, liveCell } from './live-state.ts';

export interface LiveLimits {
	batch: BatchLimits;
	/** Microseconds without a batch after which an empty one is sent. */
	heartbeatUs: number;
	/** Dead letters in one commit, at most; what goes beyond is only counted. */
	deadLetters: number;
}

export interface LiveCoreOptions {
	decoder: Decoder;
	redact: Redact;
	boot: string;
	source: SourceKind;
	key: HostKey;
	/** Hooks of the loaded policies, as far as known. */
	hooks: readonly string[];
	limits: LiveLimits;
	emit: Emit;
}

export interface LiveCore {
	/** Takes one input in. Returns bytes to be quarantined, or null. */
	input(input: LiveInput, nowUs: number): { digest: string; bytes: Uint8Array } | null;
	lost(loss: Loss): void;
	scraped(scrape: Scrape, nowUs: number): void;
	/** True when there is something that should be committed now. `idle`: the source has nothing more for the moment. */
	due(nowUs: number, idle: boolean): boolean;
	/** Microseconds until `due` can turn true by time alone. */
	dueInUs(nowUs: number): number;
	/** Closes what is pending. After it, the checkpoint of the source covers all inputs taken in. `idle` as in `due`. */
	flush(nowUs: number, idle: boolean): { cells: Map<string, Uint8Array | null>; records: OutRecord[] };
	counts(): LiveCounts;
	/** Event time of the last event taken in, microseconds; -1 before the first. */
	lastEventUs(): number;
}

export interface LiveCounts {
	host: string;
	events: number;
	batches: number;
	deadLetters: number;
}

export function createLiveCore(saved: LiveState, options: LiveCoreOptions): LiveCore {
	const { limits, emit } = options;
	const losses = createPendingLosses();
	const tracker = createLossTracker(saved.tracker);
	const counts: LiveCounts = { host: saved.host, events: 0, batches: 0, deadLetters: 0 };
	let batcher: Batcher | null = saved.host === '' ? null : openBatcher(saved, saved.host, options);
	let records: OutRecord[] = [];
	const deadLetters = createDeadLetters({ redact: options.redact, emit, max: limits.deadLetters });
	let observedUs = saved.observedUs;
	// Event time of the last event taken in, microseconds; -1 before the first.
	let lastUs = -1;

	const close = (to: Batcher, atUs: number): void => {
		const lossCounters = tracker.lossCounters();
		const closed = to.close({ observedUs: atUs, losses: losses.take(), lossCounters, endOfInput: false });
		records.push(closed.record);
		counts.batches++;
		observedUs = atUs;
	};
	// A clock that was set back makes a heartbeat due: the reader should see it.
	const heartbeatDue = (nowUs: number): boolean =>
		observedUs < 0 || nowUs < observedUs || nowUs - observedUs >= limits.heartbeatUs;

	const refuse = (origin: string, code: IngestDeadLetterCode, message: string, raw: RawInput, nowUs: number): void => {
		counts.deadLetters++;
		const record = deadLetters.issue({ origin, code, message, raw, timeUs: nowUs });
		if (record !== null) records.push(record);
		const counter = code === 'truncated-line' ? cutLinesCounter : mayBeEvent(code) ? refusedLinesCounter : null;
		if (counter === null) return;
		// Its event may be as old as those beside it: an agent that was away reads what was written meanwhile.
		const besideUs = lastUs >= 0 ? lastUs : observedUs >= 0 ? observedUs : nowUs;
		losses.add({ counter, count: 1, fromUs: Math.min(nowUs, besideUs - lateUsMax), toUs: nowUs });
	};

	/** Null when taken, else why not. */
	const take = (entry: DecodedEvent, nowUs: number): { code: IngestDeadLetterCode; message: string } | null => {
		if (batcher === null) {
			counts.host = entry.host;
			batcher = openBatcher(saved, entry.host, options);
		}
		if (entry.host !== counts.host)
			return {
				code: 'foreign-host',
				message: `node_name: ${JSON.stringify(entry.host.slice(0, 80))}: expected ${JSON.stringify(counts.host)}`,
			};
		let offer = batcher.offer(entry, nowUs);
		if (offer === 'close-first') {
			close(batcher, nowUs);
			offer = batcher.offer(entry, nowUs);
		}
		if (offer === 'close-first') throw new RangeError('an empty batch refused an event without a reason');
		if (offer !== 'added') return offer;
		counts.events++;
		lastUs = entry.event.timeUs;
		return null;
	};

	return {
		input(input, nowUs) {
			if (input.kind === 'oversize') {
				refuse(input.origin, 'too-long', `line of ${input.raw.length} bytes: too long`, input.raw, nowUs);
				return null;
			}
			const result = options.decoder.decode(input.bytes);
			const refusal = result.kind === 'event' ? take(result, nowUs) : result;
			if (refusal === null) return null;
			const raw = rawInput(input.bytes);
			const code = input.unterminated && result.kind === 'error' ? 'truncated-line' : refusal.code;
			refuse(input.origin, code, refusal.message, raw, nowUs);
			return { digest: raw.digest, bytes: input.bytes };
		},
		lost: (loss) => losses.add(loss),
		scraped(scrape, nowUs) {
			const { losses: grown, problem, restarted } = tracker.scraped(scrape, nowUs);
			for (const loss of grown) losses.add(loss);
			tellScrape(emit, grown, problem, restarted);
		},
		due(nowUs, idle) {
			if (records.length > 0 && (idle || deadLetters.issued() >= limits.deadLetters)) return true;
			if (batcher === null) return false;
			if (batcher.due(nowUs)) return true;
			// While there is a backlog, an empty batch would claim that all before now was read.
			return idle && batcher.pending() === 0 && (losses.size() > 0 || heartbeatDue(nowUs));
		},
		dueInUs(nowUs) {
			if (batcher === null) return limits.heartbeatUs;
			const atUs = Math.min(batcher.dueAtUs(), observedUs + limits.heartbeatUs);
			return Math.max(0, Math.min(limits.heartbeatUs, atUs - nowUs));
		},
		flush(nowUs, idle) {
			if (batcher !== null) {
				if (batcher.pending() > 0 || (idle && heartbeatDue(nowUs))) close(batcher, nowUs);
				// The tracker's state goes with this commit, so its losses have to; without moving time over a backlog.
				else if (losses.size() > 0) close(batcher, idle || observedUs < 0 ? nowUs : observedUs);
			}
			const taken = records;
			records = [];
			deadLetters.restart();
			const state: LiveState = {
				host: counts.host,
				chain: batcher?.chain() ?? saved.chain,
				hooks: batcher?.hooks() ?? saved.hooks,
				tracker: tracker.state(),
				observedUs,
			};
			return { cells: new Map([[liveCell, encodeLiveState(state)]]), records: taken };
		},
		counts: () => counts,
		lastEventUs: () => lastUs,
	};
}

function openBatcher(saved: LiveState, host: string, options: LiveCoreOptions): Batcher {
	return createBatcher({
		host,
		boot: options.boot,
		source: options.source,
		key: options.key,
		limits: options.limits.batch,
		chain: saved.chain,
		hooks: [...new Set([...options.hooks, ...saved.hooks])],
	});
}

function tellScrape(emit: Emit, grown: readonly Loss[], problem: string | null, restarted: boolean): void {
	for (const { counter, count } of grown)
		emit({
			name: 'sensor_events_lost',
			stage: 'ingest',
			reason: counter.split('{', 1)[0] ?? '',
			intentional: false,
			count,
			message: `the sensor lost ${count} events (${counter})`,
		});
	const told = problem ?? (restarted ? 'a loss counter shrank: the sensor was restarted' : null);
	if (told === null) return;
	emit({
		name: 'loss_counters_interrupted',
		stage: 'ingest',
		reason: problem === null ? 'restarted' : 'unreadable',
		intentional: false,
		message: told,
	});
}
