// The export file's tail as a live source.
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { sleep } from '@affidavit/stream/runner/wait.ts';
import type { Line } from '../lines.ts';
import { exportGapCounter, type LiveInput, type LivePull, type LiveSource } from '../live-source.ts';
import { decodeTailCheckpoint, encodeTailCheckpoint } from './checkpoint.ts';
import { openExportTail } from './tail.ts';

export interface ExportSourceOptions {
	path: string;
	/** As an earlier run committed it. */
	checkpoint: Uint8Array | null;
	emit: Emit;
	nowUs: () => number;
	lineBytesMax?: number;
	chunkBytes?: number;
	/** Least time between two reads that find little, milliseconds. */
	gatherMs?: number;
}

/** Tetragon writes each event by itself: read as they come, 2,000 a second cost twice the CPU of reading some together. */
const defaults = { lineBytesMax: 1024 * 1024, chunkBytes: 256 * 1024, gatherMs: 20 };

export function openExportSource(options: ExportSourceOptions): LiveSource {
	const chunkBytes = options.chunkBytes ?? defaults.chunkBytes;
	const gatherMs = options.gatherMs ?? defaults.gatherMs;
	const tail = openExportTail({
		path: options.path,
		checkpoint: options.checkpoint === null ? null : decodeTailCheckpoint(options.checkpoint),
		lineBytesMax: options.lineBytesMax ?? defaults.lineBytesMax,
		chunkBytes,
		emit: options.emit,
	});
	let lastMs = Number.NEGATIVE_INFINITY;
	let lastFull = false;
	/** What is behind reads on at once; who has caught up lets a few lines come together. */
	const gather = async (signal: AbortSignal): Promise<void> => {
		const waitMs = lastFull ? 0 : gatherMs - (performance.now() - lastMs);
		if (waitMs > 0) await sleep(waitMs, signal);
		lastMs = performance.now();
	};
	const pullOnce = async (): Promise<LivePull> => {
		lastFull = false;
		let read: Awaited<ReturnType<typeof tail.read>>;
		try {
			read = await tail.read();
		} catch (cause) {
			// A folder that is not there yet, or not readable for the moment: told, and tried again.
			options.emit({
				name: 'export_unreadable',
				stage: 'ingest',
				reason: (cause as NodeJS.ErrnoException).code ?? 'unknown',
				intentional: false,
				message: `${options.path}: ${String(cause)}`,
			});
			return { inputs: [], losses: [], idle: true };
		}
		const inputs = read.lines.map((line) => inputOf(line, read.file, false));
		let bytes = 0;
		for (const line of read.lines) bytes += line.kind === 'line' ? line.bytes.length : line.raw.length;
		lastFull = bytes * 2 >= chunkBytes;
		if (read.unterminated !== null) inputs.push(inputOf(read.unterminated, read.file, true));
		if (read.gap === null) return { inputs, losses: [], idle: read.idle };
		const { reason, fromUs } = read.gap;
		options.emit({
			name: 'export_gap',
			stage: 'ingest',
			reason,
			intentional: false,
			message: `${options.path}: the file that was read is gone (${reason}): events may be lost`,
		});
		const loss = { counter: `${exportGapCounter}{reason="${reason}"}`, count: 0, fromUs, toUs: options.nowUs() };
		return { inputs, losses: [loss], idle: read.idle };
	};
	return {
		kind: 'export',
		resumes: true,
		async pull(waitMs, signal) {
			await gather(signal);
			const first = await pullOnce();
			if (!first.idle || first.inputs.length > 0 || first.losses.length > 0 || waitMs <= 0) return first;
			await tail.wait(waitMs, signal);
			if (signal.aborted) return first;
			await gather(signal);
			return pullOnce();
		},
		checkpoint() {
			const checkpoint = tail.checkpoint();
			return checkpoint === null ? null : encodeTailCheckpoint(checkpoint);
		},
		lagBytes: () => tail.lagBytes(),
		close: () => tail.close(),
	};
}

const inputOf = (line: Line, file: string, unterminated: boolean): LiveInput =>
	line.kind === 'line'
		? { kind: 'message', bytes: line.bytes, origin: `${file}:${line.number}`, unterminated }
		: { kind: 'oversize', raw: line.raw, origin: `${file}:${line.number}` };
