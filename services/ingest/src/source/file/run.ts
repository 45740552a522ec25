// Recorded files, line by line: decode, share out to the hosts' lanes, tell what cannot be read. Pure.
import type { HostKey } from '@affidavit/model/batch-signature.ts';
import type { Loss, LossCounters } from '@affidavit/model/generated/trace.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import type { BatchLimits, DecodedEvent } from '../../batch/batcher.ts';
import type { Decoder } from '../../decode-result.ts';
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
} from '../dead-letter.ts';
import type { Line } from '../lines.ts';
import { encodeRunState, type RunState, runCell } from './checkpoint.ts';
import { clockToleranceUs } from './clock-guard.ts';
import type { LanePosition, LaneState } from './lane.ts';
import { openLanes } from './lanes.ts';

export interface RunLimits {
	batch: BatchLimits;
	/** Hosts (node names) in one run, at most: each keeps a chain. */
	hosts: number;
	/** Dead letters of one run, at most; what goes beyond is only counted. */
	deadLetters: number;
}

export interface RunOptions {
	decoder: Decoder;
	redact: Redact;
	boot: string;
	key: HostKey;
	/** The only node name that is taken; absent: any, up to `limits.hosts`. */
	host?: string;
	limits: RunLimits;
	lossCounters: LossCounters;
	/** Growth of the sensor's loss counters over a host's recording. */
	losses: (fromUs: number, toUs: number) => Loss[];
	emit: Emit;
}

export interface FileRun {
	/** `unterminated`: the file's last line, without a newline. */
	line(file: number, line: Line, unterminated: boolean): void;
	/** The file's compressed stream is damaged after what was read; `rest` is the line that it broke off in. */
	damaged(file: number, at: { offset: number; number: number }, rest: Line | null, message: string): void;
	/** End of all input: the last batch of each host. */
	finish(): void;
	/** What is ready to be committed; `readTo` is the start of the first line not yet given. Null when there is nothing. */
	take(readTo: LanePosition): { cells: Map<string, Uint8Array | null>; records: OutRecord[] } | null;
	state(): RunState;
	/** Per host, as committed by the last `take`. */
	lanes(): LaneState[];
}

/** A node name is at most this long (bytes of a DNS name). */
const hostLengthMax = 253;
const nothing: RawInput = rawInput(new Uint8Array(0));

export function createFileRun(saved: RunState, savedLanes: readonly LaneState[], options: RunOptions): FileRun {
	const { decoder, limits } = options;
	const state: RunState = { ...saved };
	const resumeTold = saved.told;
	let letters: OutRecord[] = [];
	const issuedBefore = savedLanes.reduce((sum, lane) => sum + lane.refused, saved.deadLetters);
	const { redact, emit } = options;
	const deadLetters = createDeadLetters({ redact, emit, max: limits.deadLetters }, issuedBefore);

	const originOf = (file: number, line: number): string => `${state.files[file]?.name ?? ''}:${line}`;

	const lanes = openLanes(savedLanes, limits.hosts, {
		boot: options.boot,
		key: options.key,
		limits: limits.batch,
		lossCounters: options.lossCounters,
		refuse: (item, code, message) =>
			deadLetters.issue({
				origin: originOf(item.file, item.line),
				code,
				message,
				raw: rawInput(item.bytes),
				timeUs: item.timeUs,
			}),
	});

	/** Tells of a line that no lane can take. A resumed run has told of some already. */
	const refuse = (file: number, line: number, code: IngestDeadLetterCode, message: string, raw: RawInput): boolean => {
		if (file < resumeTold.file || (file === resumeTold.file && line <= resumeTold.line)) return false;
		const letter = deadLetters.issue({ origin: originOf(file, line), code, message, raw, timeUs: -1 });
		if (letter !== null) letters.push(letter);
		state.deadLetters++;
		state.told = { file, line };
		if (mayBeEvent(code)) {
			state.refusedLines++;
			state.refusedOpen = true;
			state.refusedFromUs = state.refusedLines === 1 ? state.lastUs : Math.min(state.refusedFromUs, state.lastUs);
			state.refusedToUs = Math.max(state.refusedToUs, state.lastUs);
		}
		return true;
	};

	const toLane = (file: number, line: Extract<Line, { kind: 'line' }>, entry: DecodedEvent): void => {
		if (entry.host.length > hostLengthMax) {
			const message = `node_name: ${entry.host.length} characters: expected at most ${hostLengthMax}`;
			refuse(file, line.number, 'too-long', message, rawInput(line.bytes));
			return;
		}
		if (options.host !== undefined && entry.host !== options.host) {
			const message = `node_name: ${JSON.stringify(entry.host.slice(0, 80))}: expected ${JSON.stringify(options.host)}`;
			refuse(file, line.number, 'foreign-host', message, rawInput(line.bytes));
			return;
		}
		moveTime(state, file, line.number, entry.event.timeUs);
		const lane = lanes.of(entry.host);
		if (lane === null) {
			const message = `node_name: expected at most ${limits.hosts} hosts in one run`;
			refuse(file, line.number, 'too-many-hosts', message, rawInput(line.bytes));
			return;
		}
		lane.push({
			file,
			offset: line.offset,
			line: line.number,
			timeUs: entry.event.timeUs,
			inputBytes: line.bytes.length,
			entry,
			bytes: line.bytes,
		});
	};

	return {
		line(file, line, unterminated) {
			if (line.kind === 'oversize') {
				const message = `line of ${line.raw.length} bytes: too long`;
				refuse(file, line.number, 'too-long', message, line.raw);
				return;
			}
			const result = decoder.decode(line.bytes);
			if (result.kind === 'event') {
				toLane(file, line, result);
				return;
			}
			const code = unterminated ? 'truncated-line' : result.code;
			const message = unterminated ? `the file ends in the middle of a line (${result.message})` : result.message;
			const told = refuse(file, line.number, code, message, rawInput(line.bytes));
			if (told && unterminated) {
				state.cutLines++;
				noteCut(state, file);
			}
		},
		damaged(file, at, rest, message) {
			let raw = nothing;
			if (rest?.kind === 'oversize') raw = rest.raw;
			else if (rest?.kind === 'line') {
				const result = decoder.decode(rest.bytes);
				if (result.kind === 'event') toLane(file, rest, result);
				else raw = rawInput(rest.bytes);
			}
			if (refuse(file, at.number, 'truncated-file', message, raw)) {
				state.cutFiles++;
				noteCut(state, file);
			}
		},
		finish() {
			lanes.finish((fromUs, toUs) => [
				...options.losses(fromUs, toUs),
				...refusedLosses(state, fromUs),
				...cutLosses(state, fromUs, toUs),
			]);
			state.done = true;
			deadLetters.restart();
		},
		take(readTo) {
			const cells = new Map<string, Uint8Array | null>();
			const records = letters;
			letters = [];
			state.position = lanes.take(readTo, records, cells);
			if (records.length === 0 && cells.size === 0 && !state.done) return null;
			cells.set(runCell, encodeRunState(state));
			return { cells, records };
		},
		state: () => state,
		lanes: () => lanes.states(),
	};
}

/** A refused line is an event that nobody judged: an attacker who can make one must not pass by it. */
function refusedLosses(state: RunState, firstUs: number): Loss[] {
	if (state.refusedLines === 0) return [];
	const fromUs = Math.max(firstUs, state.refusedFromUs - lateUsMax);
	const toUs = Math.max(fromUs, state.refusedToUs);
	return [{ counter: refusedLinesCounter, count: state.refusedLines, fromUs, toUs }];
}

/** Takes the time of a decoded event. One event with a wrong clock must not carry away the place of what was lost beside it. */
function moveTime(state: RunState, file: number, line: number, timeUs: number): void {
	const near = (us: number): boolean => us >= 0 && Math.abs(timeUs - us) <= clockToleranceUs;
	if (state.lastUs < 0 || near(state.lastUs) || near(state.leapUs)) {
		state.lastUs = timeUs;
		state.leapUs = -1;
	} else state.leapUs = timeUs;
	// A resumed run reads events again that came before what it has told of.
	if (state.refusedOpen && (file > state.told.file || line > state.told.line)) {
		state.refusedToUs = Math.max(state.refusedToUs, state.lastUs);
		state.refusedOpen = false;
	}
	if (state.cutFile >= 0 && file > state.cutFile) {
		state.cutToUs = Math.max(state.cutToUs, timeUs);
		state.cutFile = -1;
	}
}

function noteCut(state: RunState, file: number): void {
	state.cutFromUs = state.cutFromUs < 0 ? state.lastUs : Math.min(state.cutFromUs, state.lastUs);
	state.cutToUs = Math.max(state.cutToUs, state.lastUs);
	state.cutFile = file;
}

/** What cut inputs have lost; after the last file it may be anything that came later, so it lies at the host's end. */
function cutLosses(state: RunState, firstUs: number, newestUs: number): Loss[] {
	if (state.cutLines === 0 && state.cutFiles === 0) return [];
	const fromUs = Math.min(newestUs, Math.max(firstUs, state.cutFromUs - lateUsMax));
	const toUs = state.cutFile >= 0 ? newestUs : Math.max(fromUs, state.cutToUs);
	const losses: Loss[] = [];
	const at = { fromUs, toUs };
	if (state.cutLines > 0) losses.push({ counter: cutLinesCounter, count: state.cutLines, ...at });
	// How much a damaged file has lost cannot be known.
	if (state.cutFiles > 0) losses.push({ counter: 'affidavit_input_cut_files', count: 0, ...at });
	return losses;
}
