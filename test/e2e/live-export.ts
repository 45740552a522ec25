// A recorded stream written again as a live Tetragon would: times moved to now, in pieces, with rotations.
import { appendFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { fixtures } from './affidavit.ts';

export interface LiveExport {
	/** The file that Tetragon writes now. */
	path: string;
	/** All files, in the order in which they were written. */
	files(): string[];
	/** Writes on until `share` (0 to 1) of the events is written; a piece ends in the middle of a line as often as not. */
	playTo(share: number): Promise<void>;
}

const pieceMs = 100;
const time = /"(time|start_time)":\s*"([^"]+)"/g;

/** `speed`: how many times faster than recorded. Event time begins with the first `playTo`. */
export function liveExport(folder: string, stream: string, speed: number, rotations: readonly number[]): LiveExport {
	mkdirSync(folder, { recursive: true });
	const path = join(folder, 'tetragon.log');
	const lines = gunzipSync(readFileSync(join(fixtures, stream, 'events.jsonl.gz')))
		.toString()
		.trimEnd()
		.split('\n');
	const firstMs = Math.min(...lines.map(timeOf));
	const rotated: string[] = [];
	let startMs = Number.NaN;
	let written = 0;
	let carried = '';

	const rotate = (): void => {
		const stamp = new Date().toISOString().replaceAll(':', '-').replace('Z', '');
		const name = join(folder, `tetragon-${stamp}.log`);
		renameSync(path, name);
		rotated.push(name);
	};

	return {
		path,
		files: () => [...rotated, path],
		async playTo(share) {
			if (Number.isNaN(startMs)) startMs = Date.now();
			const end = Math.floor(lines.length * share);
			while (written < end) {
				const nowMs = Date.now();
				let piece = carried;
				let line = lines[written];
				while (line !== undefined && written < end && startMs + (timeOf(line) - firstMs) / speed <= nowMs) {
					piece += `${moved(line, (ms) => startMs + (ms - firstMs) / speed)}\n`;
					written++;
					if (rotations.includes(written)) {
						// Tetragon rotates between two lines.
						appendFileSync(path, piece);
						piece = '';
						rotate();
					}
					line = lines[written];
				}
				const cut = written < end ? Math.floor(piece.length * 0.9) : piece.length;
				carried = piece.slice(cut);
				appendFileSync(path, piece.slice(0, cut));
				await sleep(pieceMs);
			}
		},
	};
}

const timeOf = (line: string): number => Date.parse(/"time":\s*"([^"]+)"\}$/.exec(line)?.[1] ?? '');

/** Nanosecond texts keep the digits below the millisecond as far as the recorded order of near events needs them. */
const moved = (line: string, to: (ms: number) => number): string =>
	line.replaceAll(time, (_all, key: string, text: string) => {
		const us = Math.round(to(Date.parse(text) + Number(`0.${text.slice(23, 29).replace('Z', '')}`)) * 1000);
		const at = new Date(Math.floor(us / 1000)).toISOString().replace('Z', String(us % 1000).padStart(3, '0'));
		return `"${key}":"${at}000Z"`;
	});
