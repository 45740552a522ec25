// OPA's published cases are the yardstick: no category may fall below what it once passed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadPublishedCases } from './published-cases.ts';
import { type Floor, regressions, scoreCases } from './score.ts';

const floor = JSON.parse(readFileSync(new URL('./expected-passes.json', import.meta.url), 'utf8')) as Floor;
const published = loadPublishedCases();

test('OPA’s published cases pass as often as the committed table says', {
	skip: published.kind === 'absent' ? published.reason : false,
}, () => {
	assert.ok(published.kind === 'cases');
	const score = scoreCases(published.cases);
	assert.deepEqual(regressions(score, floor), []);
});

test('a case that no longer passes is told', () => {
	const [one] = [{ version: 'v0', category: 'c', note: 'n' }] as never[];
	const worse = scoreCases([one as never], () => ({ kind: 'failed', reason: 'r' }));
	assert.deepEqual(regressions(worse, { 'v0/c': { passed: 1, cases: 1 } }), ['v0/c: 0 of 1 pass, expected 1']);
	assert.deepEqual(regressions(worse, { 'v0/c': { passed: 0, cases: 2 } }), ['v0/c: 1 cases, expected 2']);
	assert.deepEqual(regressions(worse, {}), ['v0/c: the category is new']);
	assert.deepEqual(worse.failures, [{ name: 'v0/c n', reason: 'r' }]);
});
