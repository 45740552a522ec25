// The edge that feeds recorded files to the core: reads, splits, commits, tells the progress. One shot: it ends with the files.
import type { HostKey } from '@affidavit/model/batch-signature.ts';
import type { LossCounters } from '@affidavit/model/generated/trace.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { recordedBatchLimits } from '../batch/batcher.ts';
import type { Decoder } from '../decode-result.ts';
import { growthBetween, lossesOf } from '../loss/growth.ts';
import type { Redact } from '../source/dead-letter.ts';
import { describeFile, fileChunks, type RecordedFile } from '../source/file/bytes.ts';
import { decodeCells, newRunState, sameFiles } from '../source/file/checkpoint.ts';
import type { LanePosition } from '../source/file/lane.ts';
import { inOrderOfTime } from '../source/file/order.ts';
import { createFileRun, type FileRun, type RunLimits } from '../source/file/run.ts';
import { createLineSplitter } from '../source/lines.ts';
import type { CheckpointWriter } from '../source/source-writer.ts';

export interface FileIngestLimits extends RunLimits {
	/** Bytes of a line, at most; a longer one is skipped as it streams by. */
	lineBytes: number;
}

export const fileIngestLimits: FileIngestLimits = {
	batch: recordedBatchLimits,
	hosts: 64,
	deadLetters: 10_000,
	lineBytes: 1024 * 1024,
};

export interface FileIngestOptions {
	/** Paths; read in the order of their first events. */
	files: readonly string[];
	decoder: Decoder;
	redact: Redact;
	key: HostKey;
	/** openSource of packages/stream; its scope names this set of files. */
	writer: CheckpointWriter;
	/** Texts of scrapes of the sensor's metrics, in order of time; empty when none were supplied. */
	metrics: readonly string[];
	emit: Emit;
	/** The only node name that is taken; absent: any, up to `limits.hosts`. */
	host?: string;
	limits?: FileIngestLimits;
	/** Called before each chunk: waits while the agent is over its CPU share. */
	pace?: (signal: AbortSignal) => Promise<void>;
	/** Bytes on disk: read so far, and of all files. */
	progress?: (readBytes: number, totalBytes: number) => void;
	/** Stops the run between two chunks, and a commit that waits for room in the log; what is committed stays. */
	signal?: AbortSignal;
}

export interface FileIngestSummary {
	events: number;
	batches: number;
	deadLetters: number;
	hosts: string[];
	lossCounters: LossCounters;
	/** What the user should know: a metrics file that holds no counters, a sensor that was restarted. */
	notes: string[];
}

export type FileIngestResult =
	| ({ kind: 'done' } & FileIngestSummary)
	| { kind: 'aborted' }
	| { kind: 'error'; code: 'unreadable-file' | 'input-changed'; message: string };

const never = new AbortController().signal;

/** Boot id of a recording: its host's own is not in the file. */
const recordedBoot = 'recorded';

/**
 * Reads the files to their end and commits signed batches and dead letters. Resumes after a crash from the writer's cells:
 * the batches are the same as those of an undisturbed run. A run that was finished before does nothing. Rejects when a
 * commit does, and when a file fails while it is being read.
 */
export async function runFileIngest(options: FileIngestOptions): Promise<FileIngestResult> {
	const limits = options.limits ?? fileIngestLimits;
	let files: RecordedFile[];
	try {
		const described: RecordedFile[] = [];
		for (const path of options.files) described.push(await describeFile(path));
		files = await inOrderOfTime(described, options.decoder, limits.lineBytes);
	} catch (cause) {
		return { kind: 'error', code: 'unreadable-file', message: cause instanceof Error ? cause.message : String(cause) };
	}
	const identities = files.map((file) => file.identity);
	const saved = decodeCells(options.writer.cells);
	if (saved.run !== null && !sameFiles(saved.run.files, identities))
		return {
			kind: 'error',
			code: 'input-changed',
			message: `expected the files of the run that was begun (${saved.run.files.map((f) => f.name).join(', ')}), unchanged`,
		};
	const growth = options.metrics.length === 0 ? null : growthBetween(options.metrics);
	const lossCounters = growth?.counters ?? 'unknown';
	const run = createFileRun(saved.run ?? newRunState(identities), saved.lanes, {
		decoder: options.decoder,
		redact: options.redact,
		boot: recordedBoot,
		key: options.key,
		limits,
		...(options.host === undefined ? {} : { host: options.host }),
		lossCounters,
		losses: (fromUs, toUs) => (growth === null ? [] : lossesOf(growth.grown, { fromUs, toUs })),
		emit: options.emit,
	});
	if (!run.state().done) {
		const ended = await readAll(run, files, limits.lineBytes, options);
		if (!ended) return { kind: 'aborted' };
	}
	return { kind: 'done', ...summaryOf(run), lossCounters, notes: growth?.notes ?? [] };
}

async function readAll(
	run: FileRun,
	files: readonly RecordedFile[],
	lineBytesMax: number,
	options: FileIngestOptions,
): Promise<boolean> {
	const totalBytes = files.reduce((sum, file) => sum + file.identity.size, 0);
	let earlierBytes = 0;
	const start = run.state().position;
	for (const [index, file] of files.entries()) {
		if (index >= start.file) {
			const from = index === start.file ? start : { file: index, offset: 0, line: 1 };
			const progress = (readBytes: number): void => options.progress?.(earlierBytes + readBytes, totalBytes);
			if (!(await readFile(run, index, file, from, lineBytesMax, progress, options))) return false;
		}
		earlierBytes += file.identity.size;
	}
	run.finish();
	if (!(await commit(run, { file: files.length, offset: 0, line: 1 }, options))) return false;
	options.progress?.(totalBytes, totalBytes);
	return true;
}

async function readFile(
	run: FileRun,
	index: number,
	file: RecordedFile,
	from: { offset: number; line: number },
	lineBytesMax: number,
	progress: (readBytes: number) => void,
	options: FileIngestOptions,
): Promise<boolean> {
	const splitter = createLineSplitter(lineBytesMax, { offset: from.offset, number: from.line });
	let damage: string | null = null;
	for await (const chunk of fileChunks(file, from.offset)) {
		if (options.signal?.aborted) return false;
		await options.pace?.(options.signal ?? never);
		if (chunk.kind === 'damaged') {
			damage = chunk.message;
			break;
		}
		for (const line of splitter.push(chunk.bytes)) run.line(index, line, false);
		const { offset, number } = splitter.position();
		if (!(await commit(run, { file: index, offset, line: number }, options))) return false;
		progress(chunk.readBytes);
	}
	const at = splitter.position();
	const rest = splitter.finish();
	if (damage !== null) run.damaged(index, at, rest, damage);
	else if (rest !== null) run.line(index, rest, true);
	return true;
}

/** False when the signal ended the wait for room in the log: what was taken may not be durable, so the run has to end. */
async function commit(run: FileRun, readTo: LanePosition, options: FileIngestOptions): Promise<boolean> {
	const taken = run.take(readTo);
	if (taken === null) return true;
	const result = await options.writer.commit(taken, options.signal);
	return result.kind === 'published';
}

function summaryOf(run: FileRun): Omit<FileIngestSummary, 'lossCounters' | 'notes'> {
	const lanes = run.lanes();
	return {
		events: lanes.reduce((sum, lane) => sum + lane.events, 0),
		batches: lanes.reduce((sum, lane) => sum + lane.batches, 0),
		deadLetters: lanes.reduce((sum, lane) => sum + lane.refused, run.state().deadLetters),
		hosts: lanes.map((lane) => lane.host).sort(),
	};
}
