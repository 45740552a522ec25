// Collections that are asked again and again are answered by an index: the same rows and the same missing reads as by trying each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Value } from '../../src/value/value.ts';
import { answer, shortfalls } from './evaluate.ts';

const scalar = fc.oneof(
	fc.integer({ min: 0, max: 9 }),
	fc.constantFrom('a', 'b', null, true, [1], { z: 1 }),
) as fc.Arbitrary<Value>;
const row = fc.oneof(
	{ weight: 6, arbitrary: fc.record({ a: scalar, b: scalar }, { requiredKeys: [] }) },
	{ weight: 1, arbitrary: scalar },
) as fc.Arbitrary<Value>;

/** More rows than are scanned. */
const rows = { minLength: 33, maxLength: 40 };
const input = fc.record({
	asked: fc.array(scalar, { minLength: 2, maxLength: 6 }),
	list: fc.array(row, rows),
	byName: fc.dictionary(fc.string({ maxLength: 3 }), row, { minKeys: 33, maxKeys: 40 }),
	plain: fc.array(scalar, rows),
});

/** `same` is a function, which no index looks into. */
const helpers = 'same(x, y) { x == y }\nrows[r] { r := input.list[_] }\nnamed[k] = r { r := input.byName[k] }\n';

const pairs: [given: string, joined: string, tried: string][] = [
	['a field of an array', 'input.list[i].a == x', 'same(input.list[i].a, x)'],
	['a field of an object', 'input.byName[i].a == x', 'same(input.byName[i].a, x)'],
	['items', 'input.plain[i] == x', 'same(input.plain[i], x)'],
	['the other side', 'x == input.list[i].b', 'same(x, input.list[i].b)'],
	['a row and a test of its field', 'y := input.list[i]; y.a == x', 'y := input.list[i]; same(y.a, x)'],
	['a test further down', 'y := input.list[i]; y.b != 3; y.a == x', 'y := input.list[i]; same(y.a, x); y.b != 3'],
	['a rule that is an object', 'named[i].a == x', 'same(named[i].a, x)'],
	['a rule that is a set', 'rows[i].a == x', 'same(rows[i].a, x)'],
	['a comprehension around it', 'i := count([1 | input.list[_].a == x])', 'i := count([1 | same(input.list[_].a, x)])'],
	['a local', 'l := input.list; l[i].a == x', 'l := input.list; same(l[i].a, x)'],
];

for (const [given, joined, tried] of pairs) {
	test(`joins: ${given}`, () => {
		const module = (rule: string, name: string): string => `${helpers}${name}[[x, i]] { x := input.asked[_]; ${rule} }`;
		fc.assert(
			fc.property(input, (value) => {
				const of = (rule: string) => answer({ modules: module(rule, 'p'), input: value as Value });
				assert.deepEqual(of(joined), of(tried));
				const missed = (rule: string) => shortfalls({ modules: module(rule, 'deny'), input: value as Value });
				// A test that is tried before another one has more rows to miss in.
				if (given !== 'a test further down') assert.deepEqual(missed(joined), missed(tried));
			}),
			{ numRuns: 25 },
		);
	});
}

test('joins: membership in a long array', () => {
	const module = (rule: string): string =>
		`import future.keywords\nany_same(x) { x == input.plain[_] }\np[x] { x := input.asked[_]; ${rule} }`;
	fc.assert(
		fc.property(input, (value) => {
			const of = (rule: string) => answer({ modules: module(rule), input: value as Value });
			assert.deepEqual(of('x in input.plain'), of('any_same(x)'));
			assert.deepEqual(of('not x in input.plain'), of('not any_same(x)'));
		}),
		{ numRuns: 25 },
	);
});
