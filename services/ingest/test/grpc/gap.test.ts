import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGapTracker } from '../../src/grpc/gap.ts';

const piece = (reason: string, fromUs: number, toUs: number) => ({
	counter: `affidavit_source_disconnected{reason="${reason}"}`,
	count: 0,
	fromUs,
	toUs,
});

test('pieces cover the outage: at once, every ten seconds, and at its end', () => {
	const gaps = createGapTracker(1_000_000);
	gaps.alive(1_100_000);
	assert.deepEqual(gaps.take(1_100_000), [piece('not-connected', 1_000_000, 1_100_000)]);
	gaps.alive(5_000_000);
	gaps.broke('unavailable', 6_000_000);
	assert.deepEqual(gaps.take(6_000_000), [piece('unavailable', 5_000_000, 6_000_000)]);
	gaps.broke('unavailable', 7_000_000);
	assert.deepEqual(gaps.take(15_000_000), []);
	assert.deepEqual(gaps.take(16_000_000), [piece('unavailable', 6_000_000, 16_000_000)]);
	gaps.alive(17_000_000);
	assert.deepEqual(gaps.take(17_000_000), [piece('unavailable', 16_000_000, 17_000_000)]);
	assert.deepEqual(gaps.take(99_000_000), []);
});

test('a clock that steps back gives no interval that ends before it begins', () => {
	const gaps = createGapTracker(5_000_000);
	gaps.alive(6_000_000);
	gaps.take(6_000_000);
	gaps.broke('ended', 2_000_000);
	assert.deepEqual(gaps.take(2_000_000), [piece('ended', 2_000_000, 2_000_000)]);
});
