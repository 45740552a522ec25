import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeSpans, encodeSpans, noteSpan, type SessionSpans, wholeFrom } from '../../src/core/session-spans.ts';

describe('where a rebuild begins', () => {
	it('is before every session that it would meet, also those that only others reach', () => {
		const spans: SessionSpans = new Map();
		noteSpan(spans, 'gone', 0, 3);
		noteSpan(spans, 'a', 4, 9);
		noteSpan(spans, 'b', 8, 14);
		noteSpan(spans, 'c', 20, 22);
		assert.equal(wholeFrom(spans, 12), 4);
		assert.deepEqual([...spans.keys()], ['a', 'b', 'c']);
		assert.equal(wholeFrom(spans, 15), 15);
		assert.deepEqual([...spans.keys()], ['c']);
	});

	it('cuts through no session, whatever they are', () => {
		const span = fc.tuple(fc.nat(60), fc.nat(20));
		fc.assert(
			fc.property(fc.array(span, { maxLength: 30 }), fc.nat(80), (all, offset) => {
				const spans: SessionSpans = new Map();
				const made = all.map(([from, length]) => ({ from, to: from + length })).sort((a, b) => a.to - b.to);
				for (const [i, { from, to }] of made.entries()) noteSpan(spans, `s${i}`, from, to);
				const from = wholeFrom(spans, offset);
				assert.ok(from <= offset);
				for (const one of made) assert.ok(one.to < from || one.from >= from);
				assert.deepEqual([...decodeSpans(encodeSpans(spans))], [...spans]);
			}),
		);
	});

	it('keeps the first record of a session and takes its latest', () => {
		const spans: SessionSpans = new Map();
		noteSpan(spans, 'a', 2, 4);
		noteSpan(spans, 'b', 3, 5);
		noteSpan(spans, 'a', 4, 6);
		assert.deepEqual(
			[...spans.entries()],
			[
				['b', { from: 3, to: 5 }],
				['a', { from: 2, to: 6 }],
			],
		);
	});
});
