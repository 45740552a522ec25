// Several recorded files are read in the order of their first events: rotated files rarely come in that order by name.
import type { Decoder } from '../../decode-result.ts';
import { createLineSplitter } from '../lines.ts';
import { fileChunks, type RecordedFile } from './bytes.ts';

/** How far a file is looked into for an event that can be read. */
const peekLinesMax = 100;
const peekBytesMax = 4 * 1024 * 1024;

/** A file without a readable event near its start goes last; equal ones keep the given order. Rejects when a file cannot be read. */
export async function inOrderOfTime(
	files: readonly RecordedFile[],
	decoder: Decoder,
	lineBytesMax: number,
): Promise<RecordedFile[]> {
	if (files.length < 2) return [...files];
	const timed: { file: RecordedFile; firstUs: number }[] = [];
	for (const file of files) timed.push({ file, firstUs: await firstEventUs(file, decoder, lineBytesMax) });
	return timed.sort((a, b) => (a.firstUs < b.firstUs ? -1 : a.firstUs > b.firstUs ? 1 : 0)).map((t) => t.file);
}

/** The median of the first events, so that one wrong clock does not decide. */
async function firstEventUs(file: RecordedFile, decoder: Decoder, lineBytesMax: number): Promise<number> {
	const splitter = createLineSplitter(lineBytesMax);
	const times: number[] = [];
	let lines = 0;
	let bytes = 0;
	for await (const chunk of fileChunks(file, 0)) {
		if (chunk.kind === 'damaged') break;
		bytes += chunk.bytes.length;
		for (const line of splitter.push(chunk.bytes)) {
			if (++lines > peekLinesMax) break;
			if (line.kind === 'oversize') continue;
			const result = decoder.decode(line.bytes);
			if (result.kind === 'event') times.push(result.event.timeUs);
		}
		if (lines >= peekLinesMax || bytes >= peekBytesMax) break;
	}
	times.sort((a, b) => a - b);
	return times[(times.length - 1) >> 1] ?? Number.POSITIVE_INFINITY;
}
