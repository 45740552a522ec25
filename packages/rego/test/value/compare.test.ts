// The order of values, and the keys that they are looked up by.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalKey } from '../../src/value/canonical.ts';
import { compareValues, equalValues } from '../../src/value/compare.ts';
import { objectOf, RegoSet, type Value } from '../../src/value/value.ts';
import { LimitReached, work } from '../../src/value/work.ts';

/** In Rego's order, each less than the next. */
const ascending: Value[] = [
	null,
	false,
	true,
	-1.5,
	0,
	1,
	2n ** 60n,
	2n ** 70n,
	'',
	'A',
	'a',
	'ab',
	'\uFFFD',
	'\u{1F600}',
	[],
	[1],
	[1, 2],
	[2],
	{},
	{ a: 1 },
	{ a: 1, b: 1 },
	{ a: 2 },
	{ b: 0 },
	RegoSet.of([]),
	RegoSet.of([1]),
	RegoSet.of([1, 2]),
	RegoSet.of([2]),
];

test('the order of values', () => {
	for (const [i, a] of ascending.entries()) {
		for (const [j, b] of ascending.entries()) {
			assert.equal(Math.sign(compareValues(a, b)), Math.sign(i - j), `${i} ${j}`);
			assert.equal(equalValues(a, b), i === j, `${i} ${j}`);
			assert.equal(canonicalKey(a) === canonicalKey(b), i === j, `${i} ${j}`);
		}
	}
});

test('one value has one key, whatever it is made of', () => {
	const pairs: [Value, Value][] = [
		[1, 1n],
		[2 ** 60, 2n ** 60n],
		[0, -0],
		[
			{ a: [1], b: 2 },
			objectOf([
				['b', 2],
				['a', [1n]],
			]),
		],
		[[{ b: 1, a: 2 }], [{ a: 2, b: 1 }]],
		[RegoSet.of([1, [2]]), RegoSet.of([[2], 1])],
	];
	for (const [a, b] of pairs) {
		assert.ok(equalValues(a, b));
		assert.equal(compareValues(a, b), 0);
		assert.equal(canonicalKey(a), canonicalKey(b));
	}
});

test('texts that look like keys of composites are not mixed up with them', () => {
	for (const composite of [[1], ['a', 'b'], { a: 'b' }, RegoSet.of(['x'])] as Value[]) {
		const key = canonicalKey(composite) as string;
		assert.notEqual(canonicalKey(key), key);
		assert.ok(!RegoSet.of([composite]).has(key));
	}
	assert.notEqual(canonicalKey(['a', 'b']), canonicalKey(['a,"1:b']));
	assert.notEqual(canonicalKey(['1']), canonicalKey([1]));
});

const json = fc.jsonValue() as fc.Arbitrary<Value>;

test('equal, compared and keyed alike', () => {
	fc.assert(
		fc.property(json, json, (a, b) => {
			const copy = JSON.parse(JSON.stringify(a)) as Value;
			assert.ok(equalValues(a, copy));
			assert.equal(canonicalKey(a), canonicalKey(copy));
			const order = compareValues(a, b);
			assert.equal(order === 0, equalValues(a, b));
			assert.equal(order === 0, canonicalKey(a) === canonicalKey(b));
			assert.equal(Math.sign(order) + Math.sign(compareValues(b, a)), 0);
		}),
	);
});

test('sorting is transitive', () => {
	fc.assert(
		fc.property(json, json, json, (a, b, c) => {
			if (compareValues(a, b) <= 0 && compareValues(b, c) <= 0) assert.ok(compareValues(a, c) <= 0);
		}),
	);
});

test('a value that is nested too deep is refused, not a stack that is used up', () => {
	const deep = (): Value => {
		let value: Value = 1;
		for (let i = 0; i < 100_000; i++) value = i % 2 === 0 ? [value] : { a: value };
		return value;
	};
	for (const walk of [
		() => compareValues(deep(), deep()),
		() => equalValues(deep(), deep()),
		() => canonicalKey(deep()),
	]) {
		assert.throws(walk, (cause) => cause instanceof LimitReached && cause.limit === 'depth');
	}
});

test('work is charged for what is walked', () => {
	const long = Array.from({ length: 1_000 }, (_, i) => String(i));
	work.left = 500;
	try {
		assert.throws(() => equalValues(long, [...long]), LimitReached);
	} finally {
		work.left = Number.POSITIVE_INFINITY;
	}
});
