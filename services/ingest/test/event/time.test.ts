import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { malformedTime, timeOutOfRange, timeStringUs, timestampUs } from '../../src/event/time.ts';

const firstMs = 0;
const lastMs = Date.UTC(2200, 0, 1) - 1;

test('every time from 1970 to 2199 is what Date makes of it, with microseconds', () => {
	fc.assert(
		fc.property(fc.integer({ min: firstMs, max: lastMs }), fc.integer({ min: 0, max: 999_999 }), (ms, rest) => {
			const text = new Date(ms).toISOString();
			assert.equal(timeStringUs(text), ms * 1000);
			const nanos = `${text.slice(0, -1)}${String(rest).padStart(6, '0')}Z`;
			assert.equal(timeStringUs(nanos), ms * 1000 + Math.trunc(rest / 1000));
			const seconds = Math.floor(ms / 1000);
			assert.equal(timestampUs(seconds, (ms - seconds * 1000) * 1e6 + rest), ms * 1000 + Math.trunc(rest / 1000));
		}),
		{ numRuns: 5000 },
	);
});

test('fractions of any length up to nine digits, and offsets', () => {
	const base = Date.UTC(2026, 10, 23, 4, 10, 53) * 1000;
	assert.equal(timeStringUs('2026-11-23T04:10:53Z'), base);
	assert.equal(timeStringUs('2026-11-23T04:10:53.5Z'), base + 500_000);
	assert.equal(timeStringUs('2026-11-23T04:10:53.000001999Z'), base + 1);
	assert.equal(timeStringUs('2026-11-23T05:40:53.25+01:30'), base + 250_000);
	assert.equal(timeStringUs('2026-11-22T23:10:53-05:00'), base);
	assert.equal(timeStringUs('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29) * 1000);
});

test('what is no time, or outside of the range, says so', () => {
	for (const text of [
		'',
		'2026-11-23',
		'2026-11-23 04:10:53Z',
		'2026-11-23T04:10:53',
		'2026-11-23T04:10:53.Z',
		'2026-11-23T04:10:53.1234567890Z',
		'2026-11-23T04:10:53.12345x789Z',
		'2026-13-01T00:00:00Z',
		'2026-00-01T00:00:00Z',
		'2026-02-29T00:00:00Z',
		'2100-02-29T00:00:00Z',
		'2026-11-23T24:00:00Z',
		'2026-11-23T00:60:00Z',
		'2026-11-23T00:00:60Z',
		'2026-11-23T00:00:00z',
		'2026-11-23T00:00:00+1:000',
		'2026-11-23T00:00:00+24:00',
		'\u0132026-11-23T00:00:00Z',
		'2026-11-23T00:00:00Z\u0100',
		'x'.repeat(1000),
	])
		assert.equal(timeStringUs(text), malformedTime, text);
	for (const text of [
		'1969-12-31T23:59:59.999Z',
		'2200-01-01T00:00:00Z',
		'0001-01-01T00:00:00Z',
		'9999-12-31T23:59:59Z',
	])
		assert.equal(timeStringUs(text), timeOutOfRange, text);
	assert.equal(timestampUs(1, -1), malformedTime);
	assert.equal(timestampUs(1, 1e9), malformedTime);
	assert.equal(timestampUs(-1, 0), timeOutOfRange);
	assert.equal(timestampUs(Number.NaN, 0), timeOutOfRange);
});

test('any text: a time, or a code', () => {
	fc.assert(
		fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
			const us = timeStringUs(text);
			assert.ok(Number.isSafeInteger(us) && us >= timeOutOfRange);
		}),
	);
});
