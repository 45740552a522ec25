// Splits a byte stream into lines, whatever the chunks: bounded memory, exact positions. Pure.
import { createHash, type Hash } from 'node:crypto';
import { excerptHeadBytes, type RawInput } from './dead-letter.ts';

export type Line =
	| {
			kind: 'line';
			/** Without the newline. May share memory with the chunk. */
			bytes: Buffer;
			/** Position of the first byte in the stream. */
			offset: number;
			/** Position after the newline. */
			end: number;
			/** From 1. */
			number: number;
	  }
	| { kind: 'oversize'; raw: RawInput; offset: number; end: number; number: number };

export interface LineSplitter {
	/** Lines that end in this chunk, in order. Empty lines are counted and left out. The chunk must not be changed afterwards. */
	push(chunk: Buffer): Line[];
	/** What was left without a newline at the end of the stream, or null. */
	finish(): Line | null;
	/** Start of the first line that was not returned yet. */
	position(): { offset: number; number: number };
}

const newline = 0x0a;

/** `lineBytesMax`: a longer line is skipped as it streams by, and told with its length and digest. */
export function createLineSplitter(lineBytesMax: number, start = { offset: 0, number: 1 }): LineSplitter {
	let offset = start.offset;
	let number = start.number;
	let parts: Buffer[] = [];
	let partsBytes = 0;
	let skipped: { hash: Hash; length: number; head: Buffer } | null = null;

	const skip = (bytes: Buffer): void => {
		if (skipped === null) {
			skipped = { hash: createHash('sha256'), length: 0, head: Buffer.alloc(0) };
			const before = Buffer.concat(parts);
			parts = [];
			partsBytes = 0;
			skip(before);
		}
		if (skipped.head.length < excerptHeadBytes)
			skipped.head = Buffer.concat([skipped.head, bytes.subarray(0, excerptHeadBytes - skipped.head.length)]);
		skipped.hash.update(bytes);
		skipped.length += bytes.length;
	};

	const take = (bytes: Buffer, terminator: number): Line | null => {
		if (skipped !== null || partsBytes + bytes.length > lineBytesMax) skip(bytes);
		let line: Line | null = null;
		const from = offset;
		if (skipped !== null) {
			offset += skipped.length + terminator;
			const raw = { head: skipped.head, length: skipped.length, digest: skipped.hash.digest('hex') };
			line = { kind: 'oversize', raw, offset: from, end: offset, number };
			skipped = null;
		} else {
			const whole = parts.length === 0 ? bytes : Buffer.concat([...parts, bytes]);
			offset += whole.length + terminator;
			if (whole.length > 0) line = { kind: 'line', bytes: whole, offset: from, end: offset, number };
			parts = [];
			partsBytes = 0;
		}
		number++;
		return line;
	};

	return {
		push(chunk) {
			const lines: Line[] = [];
			let from = 0;
			for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
				const line = take(chunk.subarray(from, at), 1);
				if (line !== null) lines.push(line);
				from = at + 1;
			}
			const rest = chunk.subarray(from);
			if (rest.length === 0) return lines;
			if (skipped !== null || partsBytes + rest.length > lineBytesMax) skip(rest);
			else {
				parts.push(rest);
				partsBytes += rest.length;
			}
			return lines;
		},
		finish: () => (skipped === null && partsBytes === 0 ? null : take(Buffer.alloc(0), 0)),
		position: () => ({ offset, number }),
	};
}
