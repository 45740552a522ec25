import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuiltinError, compiledMax } from '@affidavit/rego/builtins/builtin.ts';
import { callWith, contextOf, StepsExceeded, testAnswers } from './calling.ts';

testAnswers('regex.match', [
	[['^/usr/(bin|lib)/.*\\.so$', '/usr/lib/x.so'], true],
	[['a', 'bab'], true],
	[['(?=a)', 'a'], { error: 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`' }],
	[['[', 'a'], { error: 'error parsing regexp: missing closing ]: `[`' }],
]);
testAnswers('regex.is_valid', [
	[['(a|b)*'], true],
	[['('], false],
	[[1], false],
]);
testAnswers('regex.find_n', [
	// An empty match that touches the one before it does not count.
	[
		['a*', 'baac', -1],
		['', 'aa', ''],
	],
	[
		['\\d+', '1 22 333', 2],
		['1', '22'],
	],
	[['a', 'aa', 0], []],
]);
testAnswers('regex.find_all_string_submatch_n', [
	[
		['(a)(x)?', 'aax', -1],
		[
			['a', 'a', ''],
			['ax', 'a', 'x'],
		],
	],
]);
testAnswers('regex.split', [
	[
		['\\s*,\\s*', 'a , b,c'],
		['a', 'b', 'c'],
	],
	[
		['', 'ab'],
		['a', 'b'],
	],
	[['x', ''], ['']],
]);
testAnswers('regex.replace', [
	[['2020-01', '(?P<y>\\d+)-(\\d+)', '$2/$' + '{y}$$$x'], '01/2020$'],
	[['foo', '^[a-z]', 'F'], 'Foo'],
]);
testAnswers('regex.template_match', [
	[['urn:{[0-9]+}:x', 'urn:12:x', '{', '}'], true],
	[['{)(}', 'a', '{', '}'], { error: 'error parsing regexp: unexpected ): `^)($`' }],
	[['{a', 'a', '{', '}'], { error: 'unbalanced braces in "{a"' }],
]);
testAnswers('regex.globs_match', [
	[['a.*c', 'ab+c'], true],
	[['[a-c]x', 'dx'], false],
	[['*', 'a'], { error: "flag '*' must be preceded by a non-flag: the input provided is invalid" }],
]);
testAnswers('glob.match', [
	[['*.github.com', [], 'api.github.com'], true],
	[['*.github.com', [], 'api.cdn.github.com'], false],
	[['**.github.com', ['.'], 'api.cdn.github.com'], true],
	[['*.github.com', null, 'api.cdn.github.com'], true],
	[['{ca?,[!d]at,{x,y}*}', null, 'yard'], true],
	[['[a-c]', [], 'd'], false],
	[['a\\*', [], 'a*'], true],
	[['?', [], ''], false],
	[['*', ['/'], 'a\nb'], true],
	[['[a', [], 'a'], { error: 'unexpected end of input' }],
	[['a', ['ab'], 'a'], { error: 'operand 2 must be array of runes but got array containing string' }],
]);
testAnswers('glob.quote_meta', [[['*.{a}'], '\\*.\\{a\\}']]);

test('what would backtrack is charged and stays fast', () => {
	const text = `${'a'.repeat(20_000)}!`;
	for (const [name, ...args] of [
		['regex.match', '(a*)*b$', text],
		['regex.find_n', '(a|aa)+$', text, -1],
		['glob.match', '*a*a*a*a*a*a*a*b', null, text],
		['regex.globs_match', 'a*b*'.repeat(100), '.*'.repeat(200)],
	] as const) {
		const start = performance.now();
		const result = callWith(contextOf(20_000_000), name, ...(args as readonly string[]));
		assert.ok(!(result instanceof BuiltinError), name);
		assert.ok(performance.now() - start < 1_000, name);
	}
});

test('no more patterns are kept than allowed', () => {
	const context = contextOf(10_000_000);
	for (let i = 0; i < compiledMax + 100; i++) callWith(context, 'regex.match', `a${i}`, 'a');
	assert.equal(context.compiled.size, compiledMax);
});

test('patterns whose automaton grows with the text are charged for it and not kept', () => {
	let text = '';
	for (let i = 0, x = 1; i < 2_000; i++) {
		x = (x * 1_103_515_245 + 12_345) & 0x7fffffff;
		text += 'ab'[(x >> 16) & 1];
	}
	const context = contextOf(100_000_000);
	callWith(context, 'regex.match', '(a|b)*a(a|b){100}c', `${text}c`);
	assert.ok(context.used() > 100_000, String(context.used()));
	assert.equal(context.compiled.size, 0);
	const small = contextOf(1_000);
	for (let i = 0; i < 20; i++) callWith(small, 'regex.match', '^/usr/(bin|lib)/', '/usr/lib/x86_64-linux-gnu/libc.so');
	assert.equal(small.compiled.size, 1);
});

test('the limit is not taken for a pattern that cannot be read', () => {
	assert.throws(() => callWith(contextOf(100), 'regex.match', '[a-z]{50}', 'a'), StepsExceeded);
});
