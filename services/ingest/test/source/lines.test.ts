import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sha256Hex } from '@affidavit/model/digests.ts';
import fc from 'fast-check';
import { createLineSplitter, type Line } from '../../src/source/lines.ts';

const plain = (line: Line): unknown[] =>
	line.kind === 'line'
		? ['line', line.bytes.toString('latin1'), line.offset, line.end, line.number]
		: ['oversize', line.raw.digest, line.raw.length, line.raw.head.toString(), line.offset, line.end, line.number];

function splitAt(bytes: Buffer, cuts: readonly number[], lineBytesMax: number): unknown[][] {
	const splitter = createLineSplitter(lineBytesMax);
	const lines: Line[] = [];
	let from = 0;
	for (const cut of [...cuts].sort((a, b) => a - b)) {
		lines.push(...splitter.push(bytes.subarray(from, cut)));
		from = cut;
	}
	lines.push(...splitter.push(bytes.subarray(from)));
	const rest = splitter.finish();
	if (rest !== null) lines.push(rest);
	return lines.map(plain);
}

describe('the line splitter', () => {
	it('tells position and number, counts empty lines, keeps the rest', () => {
		assert.deepEqual(splitAt(Buffer.from('ab\n\ncd\r\ne'), [], 10), [
			['line', 'ab', 0, 3, 1],
			['line', 'cd\r', 4, 8, 3],
			['line', 'e', 8, 9, 4],
		]);
	});

	it('skips a line that is too long, with its digest', () => {
		const long = 'x'.repeat(5000);
		const [first, second] = splitAt(Buffer.from(`${long}\nok\n`), [10, 4000], 100);
		assert.deepEqual(first, ['oversize', sha256Hex(long), 5000, long.slice(0, 2048), 0, 5001, 1]);
		assert.deepEqual(second, ['line', 'ok', 5001, 5004, 2]);
	});

	it('gives the same lines for any chunks', () => {
		const bytes = fc.array(fc.constantFrom(10, 10, 13, 65, 66, 0, 255), { maxLength: 200 }).map((a) => Buffer.from(a));
		fc.assert(
			fc.property(bytes, fc.array(fc.nat(200)), fc.integer({ min: 0, max: 12 }), (text, cuts, max) => {
				assert.deepEqual(
					splitAt(
						text,
						cuts.map((c) => Math.min(c, text.length)),
						max,
					),
					splitAt(text, [], max),
				);
			}),
			{ numRuns: 500 },
		);
	});

	it('goes on from any position with the same lines', () => {
		const bytes = fc.array(fc.constantFrom(10, 65, 66), { maxLength: 100 }).map((a) => Buffer.from(a));
		fc.assert(
			fc.property(bytes, fc.nat(100), (text, cut) => {
				const splitter = createLineSplitter(10);
				const lines = splitter.push(text.subarray(0, cut));
				const resumed = createLineSplitter(10, splitter.position());
				lines.push(...resumed.push(text.subarray(splitter.position().offset)));
				const rest = resumed.finish();
				assert.deepEqual([...lines, ...(rest === null ? [] : [rest])].map(plain), splitAt(text, [], 10));
			}),
		);
	});
});
