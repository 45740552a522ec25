import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuiltinError } from '@affidavit/rego/builtins/builtin.ts';
import { objectOf, RegoSet } from '@affidavit/rego/value/value.ts';
import { call, callWith, contextOf, StepsExceeded, testAnswers } from './calling.ts';

testAnswers('json.marshal', [
	[[{ b: RegoSet.of([2, 1]), a: '<&>\u2028' }], '{"a":"\\u003c\\u0026\\u003e\\u2028","b":[1,2]}'],
	[[objectOf([[1, 2n ** 70n]])], '{"1":1180591620717411303424}'],
]);
testAnswers('json.marshal_with_options', [
	[[{ a: [1, []] }, { indent: '  ' }], '{\n  "a": [\n    1,\n    []\n  ]\n}'],
	[[[1], { prefix: '>', pretty: true }], '>[\n>\t1\n>]'],
	[[1, { foo: 1 }], { error: 'operand 2 object contained unknown key foo' }],
]);
testAnswers('json.unmarshal', [
	[['{"a": 12345678901234567890, "b": 1e3}'], { a: 12_345_678_901_234_567_890n, b: 1000 }],
	[['[1e400]'], [10n ** 400n]],
	[['1e99999'], { error: 'number out of range' }],
]);
testAnswers('json.is_valid', [
	[['[1,]'], false],
	[['{"__proto__": 1}'], true],
	[[1], false],
]);
test('json.unmarshal keeps a key that is called __proto__', () => {
	assert.deepEqual(call('object.keys', call('json.unmarshal', '{"__proto__": 1}') as never), RegoSet.of(['__proto__']));
});
testAnswers('json.filter', [
	[[{ a: { b: 1, c: 2 }, d: [1, 2, 3] }, ['a/b', 'd/0', ['d', '2']]], { a: { b: 1 }, d: [1, 3] }],
	[[{ 'x/y': 1, 'm~n': 2 }, ['x~1y']], { 'x/y': 1 }],
]);
testAnswers('json.remove', [
	[[{ a: { b: 1, c: 2 }, d: [1, 2, 3] }, RegoSet.of(['/a/b', 'd/1'])], { a: { c: 2 }, d: [1, 3] }],
	[[{ a: 1 }, 'a'], { error: 'operand 2 must be one of {set, array} but got string' }],
]);
testAnswers('json.patch', [
	[
		[
			{ a: [1, 2] },
			[
				{ op: 'add', path: '/a/1', value: null },
				{ op: 'remove', path: 'a/0' },
			],
		],
		{ a: [null, 2] },
	],
	[
		[
			{ a: { b: null } },
			[
				{ op: 'test', path: '/a/b', value: null },
				{ op: 'move', from: 'a/b', path: 'c' },
			],
		],
		{ a: {}, c: null },
	],
	[[{ s: RegoSet.of([1]) }, [{ op: 'add', path: ['s', 2], value: 2 }]], { s: RegoSet.of([1, 2]) }],
	[[{}, [{ op: 'add', path: '/a/b', value: 1 }]], { error: 'path "a" does not exist in object term' }],
	[[[1], [{ op: 'add', path: '/2', value: 1 }]], { error: 'index for array insertion out of bounds' }],
	[[{}, [{ op: 'fly', path: '' }]], { error: "unrecognized op: 'fly'" }],
]);
testAnswers('yaml.unmarshal', [
	[['a: yes\nb: 0o17\nc: 2020-01-01\nd: [1_000, ~]\n'], { a: 'yes', b: 15, c: '2020-01-01', d: [1000, null] }],
	[['base: &b {x: 1}\nuse:\n  <<: *b\n  y: 2'], { base: { x: 1 }, use: { x: 1, y: 2 } }],
	[['1: a'], { 1: 'a' }],
]);
testAnswers('yaml.is_valid', [
	[['a: b: c'], false],
	[['a: 1\n---\n\tb: 2\n'], false],
]);
testAnswers('yaml.marshal', [
	[[{ b: ['true', 'x: y'], a10: 1, a9: { c: [] } }], 'a9:\n  c: []\na10: 1\nb:\n  - "true"\n  - \'x: y\'\n'],
]);

test('aliases may not multiply', () => {
	let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
	for (let i = 1; i < 9; i++)
		text += `a${i}: &a${i} [${Array(10)
			.fill(`*a${i - 1}`)
			.join(', ')}]\n`;
	assert.ok(callWith(contextOf(1_000_000), 'yaml.unmarshal', text) instanceof BuiltinError);
});

test('deep text exceeds the limit before anything is made of it', () => {
	for (const [name, text] of [
		['json.unmarshal', '['.repeat(100_000) + ']'.repeat(100_000)],
		['json.is_valid', '{"a":'.repeat(5_000)],
		['yaml.unmarshal', '['.repeat(2_000) + ']'.repeat(2_000)],
	] as const) {
		assert.throws(() => callWith(contextOf(10_000_000), name, text), StepsExceeded, name);
	}
});
