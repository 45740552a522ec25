import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRfc3339, zeroTime } from '../../src/policy/rfc3339.ts';

test('times are what Go makes of them', () => {
	const cases: [string, strict: boolean, string | null, number?][] = [
		['2026-01-02T03:04:05Z', true, '2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
		['2026-01-02T03:04:05.120000000Z', true, '2026-01-02T03:04:05.12Z', Date.UTC(2026, 0, 2, 3, 4, 5, 120)],
		['2026-01-02T03:04:05+02:30', true, '2026-01-02T03:04:05+02:30', Date.UTC(2026, 0, 2, 0, 34, 5)],
		['2026-01-02T03:04:05+00:00', true, '2026-01-02T03:04:05Z'],
		['2024-02-29T00:00:00Z', true, '2024-02-29T00:00:00Z'],
		['2023-02-29T00:00:00Z', true, null],
		['2026-13-01T00:00:00Z', true, null],
		['2026-01-01T24:00:00Z', true, null],
		['2026-01-01T00:00:60Z', true, null],
		['2026-01-01t00:00:00z', true, null],
		['2026-01-01 00:00:00Z', true, null],
		['2026-01-01T3:04:05Z', true, null],
		['2026-01-01T3:04:05Z', false, '2026-01-01T03:04:05Z'],
		['2026-01-01T03:04:05,5Z', true, null],
		['2026-01-01T03:04:05,5Z', false, '2026-01-01T03:04:05.5Z'],
		['2026-01-01T03:04:05+24:00', true, null],
		['', false, null],
		['yesterday', false, null],
	];
	for (const [given, strict, expected, ms] of cases) {
		const time = parseRfc3339(given, strict);
		assert.equal(time?.text ?? null, expected, given);
		if (ms !== undefined) assert.equal(time?.ms, ms, given);
	}
	assert.ok((parseRfc3339(zeroTime, true)?.ms ?? 0) < 0);
});

test('an ISO text of any date is read back to its millisecond', () => {
	fc.assert(
		fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true }), (date) => {
			assert.equal(parseRfc3339(date.toISOString(), true)?.ms, date.getTime());
		}),
	);
});
