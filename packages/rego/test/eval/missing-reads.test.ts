// Reads of input that find nothing and so end a row: which are told, with which path, how often, and which are excused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortfalls } from './evaluate.ts';

const processes = [
	{ program: 'cc', programdigest: { sha256: 'aa' } },
	{ program: 'ld' },
	{ program: 'as', programdigest: null },
	{ program: 'sh', programdigest: { sha256: 'bad' } },
];

/** Row 1 is the package. */
const cases: [given: string, modules: string, input: unknown, expected: string[]][] = [
	['nothing is missing', 'deny["x"] { input.a == 1 }', { a: 2 }, []],
	['a field of input', 'deny["x"] { input.a == 1 }', {}, ['input.a 2x1 input.a']],
	['no input at all', 'deny["x"] { input.a == 1 }', undefined, ['input 2x1 input']],
	[
		'a field of some items of an array, and a field of null',
		'deny["x"] { input.processes[_].programdigest.sha256 == "none" }',
		{ processes },
		[
			'input.processes[*].programdigest 2x1 input.processes[1].programdigest',
			'input.processes[*].programdigest.sha256 2x1 input.processes[2].programdigest.sha256',
		],
	],
	['an iteration of what is absent', 'deny["x"] { input.ps[_].a == 1 }', {}, ['input.ps 2x1 input.ps']],
	['an iteration of null', 'deny["x"] { input.ps[_].a == 1 }', { ps: null }, ['input.ps[*] 2x1 input.ps[*]']],
	['an iteration of an empty array', 'deny["x"] { input.ps[_].a == 1 }', { ps: [] }, []],
	[
		'keys of objects that are iterated',
		'deny["x"] { input.files[name].sha256 == "x"; name != "" }',
		{ files: { 'a b': {}, c: {} } },
		['input.files[*].sha256 2x2 input.files["a b"].sha256'],
	],
	[
		'through a local',
		'deny["x"] { p := input.processes[_]\n d := p.programdigest\n d.sha256 == "none" }',
		{ processes },
		[
			'input.processes[*].programdigest 3x1 input.processes[1].programdigest',
			'input.processes[*].programdigest.sha256 4x1 input.processes[2].programdigest.sha256',
		],
	],
	[
		'through a pattern',
		'deny["x"] { {"a": {"b": q}} = input\n q.c == 1 }',
		{ a: { b: {} } },
		['input.a.b.c 3x1 input.a.b.c'],
	],
	[
		'through some in',
		'import future.keywords.in\ndeny["x"] { some p in input.ps\n p.a.b == 1 }',
		{ ps: [{ a: {} }, {}] },
		['input.ps[*].a 4x1 input.ps[1].a', 'input.ps[*].a.b 4x1 input.ps[0].a.b'],
	],
	[
		'through the argument of a function, a scalar too',
		'deny["x"] { bad(input.files[_].digest) }\nbad(d) { d.sha256 == "x" }',
		{ files: { a: { digest: null }, b: { digest: {} } } },
		['input.files[*].digest.sha256 3x2 input.files.a.digest.sha256'],
	],
	[
		'through two functions',
		'deny["x"] { p := input.ps[_]; f(p) }\nf(x) { g(x.q) }\ng(y) { y.z == 1 }',
		{ ps: [{ q: {} }] },
		['input.ps[*].q.z 4x1 input.ps[0].q.z'],
	],
	[
		'through a rule that is a part of input',
		'ps = input.processes\ndeny["x"] { ps[_].nothing == 1 }',
		{ processes: [{}] },
		['input.processes[*].nothing 3x1 input.processes[0].nothing'],
	],
	[
		'in the elements of a helper set',
		'tools[p] { p := input.ps[_] }\ndeny["x"] { tools[p]; p.sha == 1 }',
		{ ps: [{ a: 1 }] },
		['input.ps[*].sha 3x1 input.ps[0].sha'],
	],
	[
		'in the elements of a helper set of an iterated object',
		'tools[p] { p := input.files[_] }\ndeny["x"] { tools[p]; p.sha == 1 }',
		{ files: { a: { n: 1 }, b: { n: 2 } } },
		['input.files[*].sha 3x2 input.files.a.sha'],
	],
	['within a helper rule', 'bad { input.a.b == 1 }\ndeny["x"] { bad }', {}, ['input.a 2x1 input.a']],
	[
		'within a helper that several rules use, once each',
		'bad { input.a.b == 1 }\ndeny["x"] { bad }\ndeny["y"] { bad; true }',
		{},
		['input.a 2x1 input.a'],
	],
	[
		'within a comprehension',
		'deny["x"] { count([p | p := input.ps[_]; p.sha == 1]) > 1 }',
		{ ps: [{}, { sha: 1 }] },
		['input.ps[*].sha 2x1 input.ps[0].sha'],
	],
	[
		'within a comprehension of a rule that has a value',
		'n = count([p | p := input.ps[_]; p.sha == 1])\ndeny["x"] { n > 5 }',
		{ ps: [{}] },
		['input.ps[*].sha 2x1 input.ps[0].sha'],
	],
	['under not', 'deny["x"] { not input.a.b }', {}, []],
	['within a helper under not', 'ok { input.a.b == 1 }\ndeny["x"] { not ok }', {}, []],
	['under two nots', 'gap { not input.a.b }\ndeny["x"] { not gap }', {}, ['input.a 2x1 input.a']],
	['under three nots', 'c { not input.a.b }\nb { not c }\ndeny["x"] { not b }', {}, []],
	['what is evaluated before a negation', 'deny["x"] { not startswith(input.a, "x") }', {}, ['input.a 2x1 input.a']],
	[
		'a set that a negation is asked of grew by a missing field',
		'trusted[n] { n := input.ps[_].name; not input.revoked[n] }\ndeny["x"] { not trusted["a"] }',
		{ ps: [{ name: 'a' }], revoked: {} },
		['input.revoked[*] 2x1 input.revoked.a'],
	],
	[
		'another clause gave the value',
		'bad { input.a == 1 }\nbad { input.b == 1 }\ndeny["x"] { bad; input.c == 2 }',
		{ b: 1, c: 1 },
		[],
	],
	[
		'another row gave the value',
		'bad { input.ps[_].sha == "x" }\ndeny["x"] { bad; input.c == 2 }',
		{ ps: [{}, { sha: 'x' }], c: 1 },
		[],
	],
	[
		'an else gave the value',
		'digest(p) = p.a { true } else = p.b { true }\ndeny["x"] { digest(input.ps[_]) == "bad" }',
		{ ps: [{ a: 'x' }, { b: 'y' }] },
		[],
	],
	[
		'neither clause nor else gave the value',
		'digest(p) = p.a { true } else = p.b { true }\ndeny["x"] { digest(input.ps[_]) == "bad" }',
		{ ps: [{ a: 'x' }, { b: 'y' }, {}] },
		['input.ps[*].a 2x1 input.ps[2].a', 'input.ps[*].b 2x1 input.ps[2].b'],
	],
	[
		'a default gave the value',
		'default bad = false\nbad { input.a == 1 }\ndeny["x"] { bad }',
		{},
		['input.a 3x1 input.a'],
	],
	[
		'a default gave the value that another rule computes with',
		'default n = 0\nn = input.count { true }\nm = n + 1\ndeny["x"] { m > 5 }',
		{},
		['input.count 3x1 input.count'],
	],
	['object.get with a default', 'deny["x"] { object.get(input, "a", 0) == 1 }', {}, []],
	['object.get with a path', 'deny["x"] { object.get(input, ["a", "b"], 0) == 1 }', {}, []],
	['an index beyond the end', 'deny["x"] { input.a[5] == 1 }', { a: [1] }, ['input.a[5] 2x1 input.a[5]']],
	['a set of the rule that lacks the key', 'allowed = {"a"}\ndeny["x"] { allowed[input.x] }', { x: 'b' }, []],
	['an object of the rule that lacks the key', 'allowed = {"a": 1}\ndeny["x"] { allowed[input.x] }', { x: 'b' }, []],
	['the field of a string', 'deny["x"] { input.a.b == 1 }', { a: 'text' }, ['input.a.b 2x1 input.a.b']],
	[
		'in every',
		'import future.keywords\ndeny["x"] { every p in input.ps { p.ok == false } }',
		{ ps: [{ ok: false }, {}] },
		['input.ps[*].ok 3x1 input.ps[1].ok'],
	],
	[
		'in the domain of every',
		'import future.keywords\ndeny["x"] { every p in input.ps { p.ok == false } }',
		{},
		['input.ps 3x1 input.ps'],
	],
	[
		'keys that look like code',
		'deny["x"] { input["a\\nb"]["__proto__"] == 1 }',
		JSON.parse('{"a\\nb": {}}'),
		['input["a\\nb"].__proto__ 2x1 input["a\\nb"].__proto__'],
	],
	[
		'a built-in that refuses',
		'deny["x"] { to_number(input.ps[_]) == 1 }',
		{ ps: ['a', '2', 'b'] },
		['builtin to_number 2x2'],
	],
	['a built-in that refuses under not', 'deny["x"] { not to_number(input.a) }', { a: 'z' }, []],
	[
		'rows that are joined by an index',
		'deny["x"] { p := input.ps[_]; q := input.ps[_]; q.id == p.parent; q.bad }',
		{ ps: Array.from({ length: 40 }, (_, i) => (i === 7 ? { parent: 1 } : { id: i, parent: 1, bad: false })) },
		['input.ps[*].id 2x40 input.ps[7].id'],
	],
	[
		'input of a with',
		'bad { input.a.b == 1 }\ndeny["x"] { bad with input as {"a": {}} }',
		{ a: { b: 1 } },
		['input.a.b 2x1 input.a.b'],
	],
];

for (const [given, modules, input, expected] of cases) {
	test(`missing reads: ${given}`, () => {
		const asked = input === undefined ? { modules } : { modules, input: input as never };
		assert.deepEqual(shortfalls(asked), expected);
	});
}
