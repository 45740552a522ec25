import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstDifference } from '@affidavit/cli/rederive/difference.ts';
import fc from 'fast-check';

test('difference: names the first place, by keys in order', () => {
	assert.deepEqual(firstDifference({ b: 1, a: [1, { c: 'x' }] }, { b: 2, a: [1, { c: 'y' }] }), {
		path: 'a[1].c',
		signed: '"x"',
		rederived: '"y"',
	});
	assert.deepEqual(firstDifference({ a: [] }, { a: [1] }), { path: 'a[0]', signed: 'nothing', rederived: '1' });
	assert.deepEqual(firstDifference({ 'sha 1': null }, {}), { path: '["sha 1"]', signed: 'null', rederived: 'nothing' });
	assert.deepEqual(firstDifference([1], { 0: 1 }), {
		path: '',
		signed: 'an array of 1',
		rederived: 'an object of 1',
	});
	assert.equal(firstDifference({ a: { b: [1, 'x', null] } }, { a: { b: [1, 'x', null] } }), null);
});

test('difference: __proto__ is a key like any other; a deep statement ends the walk', () => {
	const own = JSON.parse('{"__proto__": {"x": 1}}') as unknown;
	assert.deepEqual(firstDifference(own, {}), { path: '__proto__', signed: 'an object of 1', rederived: 'nothing' });
	const deep = (leaf: number): unknown => JSON.parse(`${'['.repeat(900)}${leaf}${']'.repeat(900)}`) as unknown;
	assert.equal(firstDifference(deep(1), deep(1))?.signed, 'an array of 1');
	assert.match(firstDifference(deep(1), deep(2))?.path ?? '', /^(\[0\]){200}$/);
});

test('difference: none exactly when the two are equal', () => {
	fc.assert(
		fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (a, b) => {
			// -0 is written as 0.
			const written = JSON.stringify(a);
			assert.equal(firstDifference(JSON.parse(written), JSON.parse(written)), null);
			const isEqual = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
			assert.equal(firstDifference(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))) === null, isEqual);
		}),
	);
});

function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (typeof value !== 'object' || value === null) return value;
	return Object.entries(value)
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, item]) => [key, sorted(item)]);
}
