import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthOf, quartersOf, type Sample } from './flatness.ts';

const wallMs = 1_000;
const tolerance = { share: 0.1, least: 5 };
const series = (value: (share: number) => number): Sample[] =>
	Array.from({ length: 100 }, (_, i) => ({ atMs: (i / 100) * wallMs, value: value(i / 100) }));
const growth = (value: (share: number) => number): string | null =>
	growthOf(quartersOf(series(value), wallMs), tolerance);

test('flat is what has stopped growing by the middle, whatever it did before', () => {
	assert.equal(
		growth((share) => (share < 0.5 ? 1_000 * share : 500)),
		null,
	);
	assert.equal(
		growth((share) => 500 + (share > 0.8 && share < 0.85 ? 1_000 : 0)),
		null,
	);
	assert.equal(
		growth((share) => 500 - 100 * share),
		null,
	);
	assert.equal(
		growth((share) => 500 + 100 * share),
		null,
	);
	assert.equal(
		growth((share) => 10 + 16 * share),
		null,
	);
});

test('what grows to the end is not, and what was not measured is not', () => {
	assert.match(String(growth((share) => 1_000 * share)), /grew by 40 %/);
	assert.match(String(growth((share) => 100 + 80 * share)), /grew/);
	assert.match(String(growthOf(quartersOf(series(() => 1).slice(0, 60), wallMs), tolerance)), /not measured/);
});
