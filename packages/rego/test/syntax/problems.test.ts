import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem } from '@affidavit/rego/errors.ts';
import { nestingMax } from '@affidavit/rego/syntax/cursor.ts';
import { depthMax } from '@affidavit/rego/syntax/depth.ts';
import { textLengthMax, tokensMax } from '@affidavit/rego/syntax/lex.ts';
import { parseModule, parseQuery } from '@affidavit/rego/syntax/parse.ts';
import { pathMax } from '@affidavit/rego/syntax/parse-term.ts';
import fc from 'fast-check';

function problems(text: string, version: 'v0' | 'v1' = 'v0'): string[] {
	const parsed = parseModule({ name: 'm', text }, { version });
	return parsed.kind === 'module' ? [] : parsed.problems.map(describeProblem);
}

test('a body that is not closed: where the module ends, and which rule it is', () => {
	const text = 'package demo\ndeny[msg] {\n  input.x == "y"\n  msg := "bad"';
	const reason = 'expected } before the end of the module (the rule deny begins at row 2)';
	assert.deepEqual(problems(text), [`m:4:15: ${reason}`]);
	assert.deepEqual(problems(`${text}\n\n`), [`m:6:1: ${reason}`]);
	assert.deepEqual(problems(`${text}\n\nallow { true }`), [
		'm:6:7: expected a new line, ; or }, found { (the rule deny begins at row 2)',
	]);
});

const cases: [text: string, problem: string][] = [
	['', 'm:1:1: the module is empty'],
	['p = 1', 'm:1:1: expected package at the beginning of the module, found p'],
	['package a.b[x]', 'm:1:9: the path of the package can only hold names and strings'],
	['package a\npackage b', 'm:2:1: a module has one package, at its beginning'],
	['package a\nimport foo.x', 'm:2:8: an import must begin with input, data, future or rego, not with foo'],
	['package a\nimport future.keywords.and', 'm:2:8: import future.keywords.and is not supported'],
	['package a\nimport future.keywords.x', 'm:2:8: there is no future.keywords.x; there are contains, every, if and in'],
	['package a\nimport rego.v2', 'm:2:8: import rego.v2 is not supported'],
	['package a\nimport data.x as input', 'm:2:18: input cannot be the alias of an import'],
	['package a\nimport data.x.default', 'm:2:8: an import cannot end with the keyword default; give it an alias'],
	[
		'package a\np',
		'm:2:2: expected a value or a body of the rule p before the end of the module (the rule p begins at row 2)',
	],
	['package a\np { }', 'm:2:5: a body must hold at least one expression'],
	['package a\np { x := 1 y := 2 }', 'm:2:12: expected a new line, ; or }, found y (the rule p begins at row 2)'],
	['package a\np { x == }', 'm:2:10: expected a term, found }'],
	['package a\np { f(1, }', 'm:2:10: expected a term, found }'],
	['package a\np { [1, 2 }', 'm:2:11: expected , or ], found }'],
	['package a\np { {"a": 1, "b"} }', 'm:2:17: expected :, found }'],
	['package a\np { not some x }', 'm:2:9: not cannot stand before some'],
	[
		'package a\np { x with 1 as 2 }',
		'm:2:12: expected input, data or the name of a function after with, found the number 1',
	],
	['package a\np { x with input.a }', 'm:2:20: expected as, found }'],
	['package a\np { some 1 }', 'm:2:10: expected a variable after some, found the number 1'],
	['package a\np { 1(2) }', 'm:2:6: only a function, which is a name or a path of names, can be called'],
	['package a\np { "a".b }', 'm:2:8: a reference cannot begin with a scalar'],
	['package a\np { 01 }', 'm:2:5: expected a number without leading zero'],
	['package a\np { 1e400 }', 'm:2:5: a number beyond 10^308 is not supported'],
	['package a\np { 1a }', 'm:2:5: illegal number 1a'],
	['package a\np { "a\n" }', 'm:2:5: the string has no closing "'],
	['package a\np { "\\x" }', 'm:2:5: illegal escape sequence in a string'],
	['package a\np { `a }', 'm:2:5: the raw string has no closing `'],
	['package a\np { x ! y }', 'm:2:7: illegal character ! (U+0021)'],
	['package a\ndefault p', 'm:2:1: illegal default of p: it must have a value'],
	['package a\ndefault p = [x]', 'm:2:1: illegal default of p: its value cannot contain a variable'],
	['package a\ndefault f(x, x) = 1', 'm:2:1: illegal default of f: the argument x is repeated'],
	['package a\np[x] { x } else { y }', 'm:2:12: else cannot follow a rule that makes a set'],
	['package a\np { x } else { y } { z }', 'm:2:20: expected else before a further body, found {'],
	['package a\np[x] = 1 { x } else = 2 { y }', 'm:2:16: else cannot follow a rule with variables in its head'],
	['package a\np.x = 1 { x } else = 2 { y }', 'm:2:15: else cannot follow a rule that makes an object'],
	['package a\nelse := 1', 'm:2:1: the keyword else cannot be used as the name of a rule'],
	['package a\np { $"{x}" }', 'm:2:7: template strings are of Rego v1, and this module is v0'],
	[
		'package a\np if true',
		'm:2:3: expected a value or a body of the rule p, found if, which is a keyword only after import rego.v1 or import future.keywords.if',
	],
	['package a\nimport future.keywords\np { not { x; y } }', 'm:3:9: not before a body in braces is not supported'],
];

for (const [text, problem] of cases) {
	test(`refused: ${JSON.stringify(text)}`, () => assert.deepEqual(problems(text), [problem]));
}

test('v1 demands if and contains; every place is told', () => {
	assert.deepEqual(problems('package a\np { true }\np[x] { x := 1 }\nq.r.s', 'v1'), [
		'm:2:1: the keyword if is required before the body of the rule p (Rego v1)',
		'm:3:1: the keyword if is required before the body of the rule p (Rego v1)',
		'm:3:1: the keyword contains is required before the element of the rule p (Rego v1)',
		'm:4:1: a value or a body is required of the rule q (Rego v1)',
	]);
	assert.equal(problems('package a\nimport rego.v1\np { true }').length, 1);
});

test('expressions of template strings', () => {
	const reason = 'expected } at the end of the expression of the template string before the end of the module';
	assert.deepEqual(problems('package a\np if $"{x', 'v1'), [`m:2:10: ${reason} (the rule p begins at row 2)`]);
	assert.deepEqual(problems('package a\np if $"{not x}"', 'v1'), [
		'm:2:9: unexpected not in an expression of a template string',
	]);
	assert.deepEqual(problems('package a\np if $"{x with input as 1}"', 'v1'), [
		'm:2:11: with in an expression of a template string is not supported',
	]);
});

test('depth, length and tokens are bounded', () => {
	const limited = (text: string) => {
		const parsed = parseModule({ name: 'm', text }, { version: 'v1' });
		assert.ok(parsed.kind === 'invalid');
		assert.equal(parsed.problems[0]?.code, 'limit', `${text.slice(0, 40)}: ${parsed.problems.map(describeProblem)}`);
	};
	for (const open of ['[', '{', '(', 'f(', 'a[', '{a | ', '{"a": ', '$"{', '[x | not ['])
		limited(`package a\np = ${open.repeat(90_000)}`);
	for (const text of ['package a', 'package a\np = input', 'package a\np'])
		limited(`${text}${'.b'.repeat(pathMax + 1)} = 1`);
	limited(`package a\np = ${'1 + '.repeat(depthMax)}1`);
	limited(`package a\np = ${'(1 | '.repeat(nestingMax)}1`);
	assert.match(problems(`package a\n#${'x'.repeat(textLengthMax)}`)[0] as string, /at most 1048576 characters/);
	assert.match(problems(`package a\n${'p=1 '.repeat(tokensMax / 3)}`)[0] as string, /at most 250000 tokens/);
});

test('backtracking stays linear: what could be a comprehension at each of many levels', () => {
	const levels = 45;
	const begin = performance.now();
	for (const [open, close] of [
		['{a | ', ', b}'],
		['[a | ', ', b]'],
		['{a: b | ', ', c: d}'],
		['{[(a, ', ', c)]}'],
	] as const) {
		problems(`package a\np { ${open.repeat(levels)}x${close.repeat(levels)} }`);
	}
	assert.ok(performance.now() - begin < 1_000);
});

const fragments = [
	'package a',
	'p',
	'{',
	'}',
	'[',
	']',
	'(',
	')',
	'|',
	',',
	':',
	':=',
	'=',
	'\n',
	';',
	'not ',
	'some ',
	'every ',
	' in ',
	' with ',
	' as ',
	'else',
	'default ',
	'input',
	'"',
	'`',
	'$"',
	'1',
	'-',
	'.',
	'#',
	'\\',
	'\u0000',
	'_',
	' if ',
	' contains ',
	'import ',
];

test('no text makes the parser throw or say nothing', () => {
	const text = fc.oneof(
		fc.array(fc.constantFrom(...fragments), { maxLength: 60 }).map((parts) => `package a\n${parts.join('')}`),
		fc.string({ unit: 'binary', maxLength: 200 }),
	);
	fc.assert(
		fc.property(text, fc.constantFrom('v0' as const, 'v1' as const), (source, version) => {
			const parsed = parseModule({ name: 'm', text: source }, { version });
			if (parsed.kind === 'invalid') assert.ok(parsed.problems.length > 0);
			for (const { place } of parsed.kind === 'invalid' ? parsed.problems : [])
				assert.ok(place.row >= 1 && place.column >= 1);
			parseQuery(source, { version });
		}),
		{ numRuns: 1_500 },
	);
});
