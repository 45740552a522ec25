// The export file's tail as a live source.
import type { Emit } from '@affidavit/stream/internal-event.ts';
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
}

const defaults = { lineBytesMax: 1024 * 1024, chunkBytes: 256 * 1024 };

export function openExportSource(options: ExportSourceOptions): LiveSource {
	const tail = openExportTail({
		path: options.path,
		checkpoint: options.checkpoint === null ? null : decodeTailCheckpoint(options.checkpoint),
		lineBytesMax: options.lineBytesMax ?? defaults.lineBytesMax,
		chunkBytes: options.chunkBytes ?? defaults.chunkBytes,
		emit: options.emit,
	});
	const pullOnce = async (): Promise<LivePull> => {
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
			const first = await pullOnce();
			if (!first.idle || first.inputs.length > 0 || first.losses.length > 0 || waitMs <= 0) return first;
			await tail.wait(waitMs, signal);
			return signal.aborted ? first : pullOnce();
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
