// Every construct once or more: what is given, what data.t.p must be. Checked against OPA 1.15 when written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from './evaluate.ts';

type Case = [given: string, modules: string | string[], expected: unknown, input?: unknown];

const future = 'import future.keywords\n';

const rules: Case[] = [
	['a complete rule', 'p = 1 { true }', 1],
	['a complete rule without a value', 'p { 1 == 1 }', true],
	['a rule that does not hold', 'p { 1 == 2 }', undefined],
	['two clauses with one value', 'p = 1 { true }\np = 1 { true }', 1],
	['two clauses with two values', 'p = 1 { true }\np = 2 { true }', 'error: conflict'],
	['two rows with two values', 'p = x { x := {1, 2}[_] }', 'error: conflict'],
	['a default', 'default p = 7\np = 1 { false }', 7],
	['a default that is not needed', 'default p = 7\np = 1 { true }', 1],
	['else', 'p = 1 { false } else = 2 { false } else = 3 { true }', 3],
	['an else chain without an answer', 'p = 1 { false } else = 2 { false }', undefined],
	['a partial set', 'p[x] { x := [3, 1, 3][_] }', [1, 3]],
	['an empty partial set', 'p[x] { x := 1; false }', []],
	['a partial object', 'p[k] = v { v := {"a": 1, "b": 2}[k] }', { '"a"': 1, '"b"': 2 }],
	['an object with two values for a key', 'p["k"] = v { v := [1, 2][_] }', 'error: conflict'],
	['keys of any kind', 'p[k] = 1 { k := [1, [2], true][_] }', { '1': 1, '[2]': 1, true: 1 }],
	['general heads', 'p[x].y[z] = 1 { x := "a"; z := [1, 2][_] }', { '"a"': { '"y"': { '1': 1, '2': 1 } } }],
	[
		'general heads that meet',
		'p[x].y = 1 { x := "a" }\np.b.z = 2 { true }',
		{ '"a"': { '"y"': 1 }, '"b"': { '"z"': 2 } },
	],
	['sets at the end of general heads', `${future}p[x] contains y { x := "a"; y := [2, 1][_] }`, { '"a"': [1, 2] }],
	['rules of two modules', ['p[1] { true }', 'p[2] { true }'], [1, 2]],
	['a package as an object', ['p = data.o { true }', 'package o\na = 1\nb = 2 { false }\nf(x) = x'], { '"a"': 1 }],
	['a rule of another package', ['p = data.o.a.b { true }', 'package o.a\nb = 5'], 5],
	['an import', ['import data.o.a\np = a.b { true }', 'package o.a\nb = 5'], 5],
	['an import with another name', ['import input.deep as d\np = d.x { true }'], 1, { deep: { x: 1 } }],
	[
		'a package chosen by a variable',
		['p[n] { data.pol[n].ok }', 'package pol.a\nok = true', 'package pol.b\nok = false'],
		['a'],
	],
	[
		'a package chosen by input',
		['p = data.pol[input.n].v { true }', 'package pol.a\nv = 1', 'package pol.b\nv = 2'],
		2,
		{ n: 'b' },
	],
];

const functions: Case[] = [
	['a function', 'f(x) = x + 1\np = f(2) { true }', 3],
	['patterns of arguments', 'f([a, {"k": b}]) = a + b\np = f([1, {"k": 2}]) { true }', 3],
	['a pattern that does not match', 'f([a, b]) = a\np = f(input) { true }', undefined, [1]],
	['constants as arguments', 'f("a") = 1\nf("b") = 2\np = [f("b"), f("a")] { true }', [2, 1]],
	['one variable twice', 'f(x, x) = true\np[i] { i := [1, 2][_]; f(i, 2) }', [2]],
	['two results', 'f(x) = 1 { x > 0 }\nf(x) = 2 { x > 1 }\np = f(5) { true }', 'error: conflict'],
	[
		'a function with else',
		'f(x) = "big" { x > 9 } else = "small" { true }\np = [f(10), f(1)] { true }',
		['big', 'small'],
	],
	['a default function', 'default f(_) = 0\nf(x) = x { x > 5 }\np = [f(9), f(1)] { true }', [9, 0]],
	['the result as last argument', 'f(x) = x + 1\np = y { f(1, y) }', 2],
	['a function of a function', 'f(x) = x * 2\np = f(f(f(1))) { true }', 8],
	['a function within its argument iterating', 'f(x) = x * 2\np[f(f(x))] { x := [1, 2][_] }', [4, 8]],
	['a false result', 'f(x) = false { true }\np = 1 { not f(1) }', 1],
	[
		'a function that is a table',
		`${Array.from({ length: 40 }, (_, i) => `f(${i}, x) = ${i * 2} { x }`).join('\n')}\nf(x, y) = -1 { not is_number(x) }\np = [f(7, true), f("z", 1), f([1], 1)] { not f(50, true); not f(7, false); f(7.0, 1) == 14 }`,
		[14, -1, -1],
	],
	['a relation', 'p[path] { walk(input, [path, 1]) }', [['a', 0], ['b']], { a: [1], b: 1 }],
];

const bodies: Case[] = [
	['iteration over an array', 'p[i] { input.a[i] == "x" }', [1], { a: ['y', 'x'] }],
	['iteration over an object', 'p[k] { input.a[k] == 1 }', ['c'], { a: { b: 0, c: 1 } }],
	[
		'a lookup by two variables',
		'p[[i, k]] { input.a[i][k] == 1 }',
		[
			[0, 'x'],
			[1, 'y'],
		],
		{ a: [{ x: 1 }, { y: 1 }] },
	],
	['unification of arrays', 'p = [x, y] { [x, 2, [y]] = [1, 2, [3]] }', [1, 3]],
	['unification in both directions', 'p = [x, y] { [x, 2] = [1, y] }', [1, 2]],
	['unification of objects', 'p = x { {"a": x, "b": 2} = {"a": 1, "b": 2} }', 1],
	['objects of another size', 'p = x { {"a": x} = input }', undefined, { a: 1, b: 2 }],
	['variables bound later in the text', 'p = x { x = y + 1; y = 2 }', 3],
	['a destructuring of input', 'p = [a, b] { [a, {"k": b}] := input.v }', [1, 2], { v: [1, { k: 2 }] }],
	['some', 'p[x] { some i; x := input[i]; i > 0 }', ['b'], ['a', 'b']],
	['some that hides a rule', 'x = 5\np[x] { some x; x = [1, 2][_] }', [1, 2]],
	['some in', `${future}p[x] { some x in input }`, [1, 2], [2, 1]],
	['some key, value in', `${future}p[[k, v]] { some k, v in input }`, [['a', 1]], { a: 1 }],
	[
		'some with a pattern',
		`${future}p[x] { some [x, 1] in input }`,
		['a'],
		[
			['a', 1],
			['b', 2],
		],
	],
	['every', `${future}p { every x in input { x > 1 } }`, true, [2, 3]],
	['every of nothing', `${future}p { every x in input { x > 1 } }`, true, []],
	['every that fails', `${future}p { every k, v in input { v > k } }`, undefined, [1, 1]],
	['every with an iteration within', `${future}p { every x in input { x[_] == 1 } }`, true, [[2, 1], [1]]],
	['not', 'p { not input.a }', true, { b: 1 }],
	['not of false', 'p { not input.a }', true, { a: false }],
	['not of something', 'p { not input.a }', undefined, { a: 0 }],
	['not of a call of what is missing', 'p { not startswith(input.a, "x") }', undefined, {}],
	['not of an equation with what is missing', 'p { not input.a == 1 }', true, {}],
	['not of a nested call', 'p { not count(input.a) == 1 }', undefined, {}],
	['not of a function', 'f(x) { x > 1 }\np[x] { x := input[_]; not f(x) }', [1], [1, 2]],
	['membership', `${future}p { "a" in input.s; not "b" in input.s }`, true, { s: ['a', 'c'] }],
	['membership with a key', `${future}p { "k", 1 in input }`, true, { k: 1 }],
	[
		'membership in a long array, asked often',
		`${future}p[x] { x := input.q[_]; x in input.s }`,
		['3', '39'],
		{ q: ['3', '39', '40', 3], s: Array.from({ length: 40 }, (_, i) => String(i)) },
	],
];

const terms: Case[] = [
	['an array comprehension', 'p = [x | x := {3, 1}[_]] { true }', [1, 3]],
	['a set comprehension', 'p = {x | x := [2, 1, 2][_]} { true }', [1, 2]],
	['an object comprehension', 'p = {k: v | v := ["a", "b"][k]} { true }', { '0': 'a', '1': 'b' }],
	['an object comprehension with a conflict', 'p = {1: v | v := ["a", "b"][_]} { true }', 'error: conflict'],
	[
		'a comprehension over a variable around it',
		'p[n] { x := input[_]; n := count([y | y := input[_]; y < x]) }',
		[0, 1],
		[5, 7],
	],
	[
		'a comprehension within a comprehension',
		'p = [[y | y := x[_]; y > 1] | x := input[_]] { true }',
		[[2], [3]],
		[[1, 2], [3]],
	],
	['an index of a literal', 'p = [1, 2, 3][1] { true }', 2],
	['an index of a call', 'p = split("a,b", ",")[1] { true }', 'b'],
	['a key that is an array', 'p = {[1, 2]: "x"}[[1, 2]] { true }', 'x'],
	['an element of a set', 'p = {"a", "b"}["b"] { true }', 'b'],
	['set operators', 'p = ({1, 2} | {3}) - {1} { true }', [2, 3]],
	['arithmetic', 'p = (1 + 2) * 3 - 4 / 2 { true }', 7],
	['comparisons of kinds', 'p { null < false; true < 0; 5 < "a"; "z" < []; [] < {}; {"a": 1} < {1} }', true],
	['null and false are values', 'p = [x, y] { x := input.a; y := input.b }', [null, false], { a: null, b: false }],
	['keys that objects inherit', 'p { not input.constructor; not input["__proto__"]; not input.toString }', true, {}],
	['keys that look like code', 'p = input["__proto__"] { true }', 1, JSON.parse('{"__proto__": 1}')],
	['length is no field of an array', 'p { input.length }', undefined, [1]],
	['a number as key of an object', 'p { input[0] }', undefined, { '0': 1 }],
	['one and 1.0', 'p { input == 1.0; {1}[1.0] }', true, 1],
];

const withs: Case[] = [
	['with input', 'q = input.x\np = q { true } ', 1, { x: 1 }],
	['with input replaced', 'q = input.x\np = r { r := q with input as {"x": 2} }', 2, { x: 1 }],
	[
		'with a part of input replaced',
		'q = [input.x, input.y]\np = r { r := q with input.y as 2 }',
		[1, 2],
		{ x: 1, y: 1 },
	],
	['input afterwards', 'q = input.x\np = [r, q] { r := q with input as {"x": 2} }', [2, 1], { x: 1 }],
	['with for each row', 'q = input.x\np[r] { v := [1, 2][_]; r := q with input.x as v }', [1, 2], {}],
	[
		'rows within a with',
		'q[x] { x := input[_] }\np[[x, input]] { q[x] with input as [1, 2] }',
		[
			[1, 9],
			[2, 9],
		],
		9,
	],
	['with data', 'q = data.base.x\np = r { r := q with data.base as {"x": 3} }', 3],
	['with a rule replaced', 'q = 1\nr = q + 1\np = [x, r] { x := r with data.t.q as 10 }', [11, 2]],
	['with a built-in replaced by a value', 'q = count([1])\np = r { r := q with count as 5 }', 5],
	[
		'with a function replaced by a function',
		'f(x) = x\ng(x) = x * 10\np = [a, f(1)] { a := f(1) with f as g }',
		[10, 1],
	],
	['a value of with is of outside', 'q = input.x\np = r { r := q with input as {"x": input.y} }', 7, { y: 7 }],
	['not with', 'q { input.x == 1 }\np { not q with input as {"x": 2} }', true, { x: 1 }],
];

for (const [name, cases] of Object.entries({ rules, functions, bodies, terms, withs })) {
	for (const [given, modules, expected, input] of cases) {
		test(`${name}: ${given}`, () => {
			const asked = input === undefined ? { modules } : { modules, input: input as never };
			assert.deepEqual(answer(asked), expected);
		});
	}
}

test('base documents lie under rules', () => {
	const modules = 'q = 1\np = [data.t.q, data.t.base, data.other[0].k] { true }';
	assert.deepEqual(answer({ modules, data: { t: { base: 2 }, other: [{ k: 3 }] } }), [1, 2, 3]);
});

test('v1 and rego.v1 in v0', () => {
	assert.deepEqual(answer({ modules: 'p contains x if { some x in [2, 1] }', version: 'v1' }), [1, 2]);
	assert.deepEqual(answer({ modules: 'import rego.v1\np contains x if { some x in [2, 1] }' }), [1, 2]);
});

test('an error of a built-in is undefined, or ends a strict evaluation', () => {
	const modules = 'p = x { x := to_number("a") }';
	assert.equal(answer({ modules }), undefined);
	assert.equal(answer({ modules, strictBuiltinErrors: true }), 'error: builtin');
});
