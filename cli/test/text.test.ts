import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clipped, printable } from '../src/text/printable.ts';

test('nothing that moves the cursor or reorders text gets through', () => {
	fc.assert(
		fc.property(fc.string({ unit: 'binary' }), (text) => {
			assert.doesNotMatch(printable(text), /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
		}),
	);
	assert.equal(printable('a\n\u001b[2Jb\u202e'), 'a\\x0a\\x1b[2Jb\\u202e');
	assert.equal(printable('/src/naïve 日本.c'), '/src/naïve 日本.c');
	assert.equal(clipped('abcdef', 4), 'abc…');
});
