import { objectOf, RegoSet, type Value } from '@affidavit/rego/value/value.ts';
import { testAnswers } from './calling.ts';

const set = (...items: Value[]): Value => RegoSet.of(items);
const hostile = JSON.parse('{"__proto__": {"a": 1}, "constructor": null}') as Value;

testAnswers('count', [
	[['h😀'], 2],
	[[set(1, 2)], 2],
	[[hostile], 2],
	[[null], { error: 'operand 1 must be one of {array, object, set, string} but got null' }],
]);
testAnswers('sum', [
	[[[0.1, 0.2, 0.3]], 0.6],
	[[set(2n ** 64n, 1)], 2n ** 64n + 1n],
	[[[1, 'a']], { error: 'operand 1 must be array of numbers but got array containing string' }],
]);
testAnswers('product', [[[[]], 1]]);
testAnswers('max', [
	[[[]], undefined],
	[[[1, 'a', null]], 'a'],
]);
testAnswers('min', [[[set(2, null)], null]]);
testAnswers('sort', [[[set('b', 'a', 1)], [1, 'a', 'b']]]);
testAnswers('all', [
	[[[]], true],
	[[[true, 1]], false],
]);
testAnswers('any', [[[set(false)], false]]);
testAnswers('internal.member_2', [
	[[[1], [[1]]], true],
	[['b', { a: 'b' }], true],
	[['a', { a: 'b' }], false],
	[['a', 'abc'], false],
]);
testAnswers('internal.member_3', [
	[[1, 'b', ['a', 'b']], true],
	[['a', null, { a: null }], true],
	[['x', 'x', set('x')], true],
]);
testAnswers('array.concat', [
	[
		[[1], [2]],
		[1, 2],
	],
]);
testAnswers('array.slice', [
	[
		[[1, 2, 3], -1, 2],
		[1, 2],
	],
	[[[1, 2, 3], 2, 1], []],
	[
		[[1, 2, 3], 1, 2n ** 60n],
		[2, 3],
	],
]);
testAnswers('array.flatten', [[[[1, [2, [3]]]], [1, 2, [3]]]]);
testAnswers('array.reverse', [[[[1, 2]], [2, 1]]]);
testAnswers('minus', [[[set(1, [2], 3), set([2])], set(1, 3)]]);
testAnswers('and', [[[set(1, 2), set(2, 3)], set(2)]]);
testAnswers('or', [
	[[set(1), set(2)], set(1, 2)],
	[[[1], set(2)], { error: 'operand 1 must be set but got array' }],
]);
testAnswers('union', [
	[[set(set(1), set(2))], set(1, 2)],
	// An array of sets among the sets is no set.
	[[set([set(1)])], { error: 'operand 1 must be set but got array' }],
]);
testAnswers('intersection', [
	[[set(set(1, 2), set(2, 3))], set(2)],
	[[set()], set()],
]);
testAnswers('object.get', [
	[[{ a: null }, 'a', 'none'], null],
	[[hostile, ['__proto__', 'a'], 0], 1],
	[[hostile, 'toString', 'none'], 'none'],
	[[{ a: [{ b: set('x') }] }, ['a', 0, 'b', 'x'], 0], 'x'],
	[[{ a: 1 }, [], 0], { a: 1 }],
	[[{ a: 1 }, ['a', 'b'], 'none'], 'none'],
]);
testAnswers('object.keys', [[[hostile], set('__proto__', 'constructor')]]);
testAnswers('object.remove', [[[{ a: 1, b: 2 }, { a: 0 }], { b: 2 }]]);
testAnswers('object.filter', [
	[[{ a: 1, b: 2 }, ['a', 'c']], { a: 1 }],
	[[{ a: 1 }, 'a'], { error: 'operand 2 must be one of {object, set, array} but got string' }],
]);
testAnswers('object.union', [
	[
		[
			{ a: { b: 1 }, c: 1 },
			{ a: { d: 2 }, c: { e: 1 } },
		],
		{ a: { b: 1, d: 2 }, c: { e: 1 } },
	],
]);
testAnswers('object.union_n', [
	[[[{ a: { b: 2 } }, { a: 4 }, { a: { c: 3 } }]], { a: { c: 3 } }],
	[[[{ a: { b: 2 } }, { a: { c: 3 } }, {}]], { a: { b: 2, c: 3 } }],
	[[[{}, 1]], { error: 'operand 1 must be array of objects but got array containing number' }],
]);
testAnswers('object.subset', [
	[[{ a: { b: 1, c: 2 } }, { a: { b: 1 } }], true],
	[
		[
			[1, 2, 3, 4],
			[2, 3],
		],
		true,
	],
	[
		[
			[1, 2, 3],
			[1, 3],
		],
		false,
	],
	[[[1, 2, 3], set(3, 1)], true],
	[[set(1), [1]], { error: 'both arguments object.subset must be of the same type or array and set' }],
]);
testAnswers('walk', [
	[
		[{ a: [1] }],
		[
			[[], { a: [1] }],
			[['a'], [1]],
			[['a', 0], 1],
		],
	],
]);
testAnswers('graph.reachable', [[[{ a: ['b'], b: ['c', 'a'], c: [] }, ['a']], set('a', 'b', 'c')]]);
testAnswers('graph.reachable_paths', [[[{ a: ['b'], b: ['a', 'z'] }, set('a')], set(['a', 'b'])]]);
testAnswers('type_name', [
	[[2n ** 70n], 'number'],
	[[set()], 'set'],
	[[objectOf([[1, 2]])], 'object'],
]);
testAnswers('cast_set', [[[[1, 1]], set(1)]]);
testAnswers('internal.template_string', [[[['a ', set('b'), ' ', set(), ' ', set([1]), 2]], 'a b <undefined> [1]2']]);
