import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkModules } from '@affidavit/rego/compile/check-modules.ts';
import { buildRuleTree } from '@affidavit/rego/compile/rule-tree.ts';
import { describeProblem } from '@affidavit/rego/errors.ts';
import { parseModule } from '@affidavit/rego/syntax/parse.ts';

/** Problems of the modules m0, m1, …, each in the package a unless it names its own. */
function problems(version: 'v0' | 'v1', ...texts: string[]): string[] {
	const modules = texts.map((text, i) => {
		const source = text.startsWith('package') ? text : `package a\n${text}`;
		const parsed = parseModule({ name: `m${i}`, text: source }, { version });
		if (parsed.kind === 'invalid') assert.fail(parsed.problems.map(describeProblem).join('\n'));
		return parsed.module;
	});
	const { tree, problems: kinds } = buildRuleTree(modules);
	return [...kinds, ...checkModules(modules, tree)].map(describeProblem);
}

const accepted: [why: string, text: string][] = [
	['closures may take a name again', 'p { x := 1; [x | x := 2]; every_ = [x | some x; input[x]] }'],
	['each body has its own names', 'p { x := 1 } { x := 2 }\np { x := 3 } else { x := 4 }'],
	['arguments are used in the head', 'f(x, y) = z { z := [x, y] }'],
	['patterns bind what they name', 'p { [x, {"a": y}] := input; z := [x, y]; z }'],
	['some before use', 'p { some x, y; input[x] == y }'],
	['a rule may be hidden by a variable', 'x = 1\np { x := 2; x == 2 }'],
	['objects leave room below', 'p[x] = 1 { x := "a" }\np.b = 2'],
	['an object and a deeper one', 'p[x] = 1 { x := "a" }\np.b.c = 2'],
	['one default and values', 'default p = 1\np = 2 { input }\np = 3 { data.b }'],
	['shadowed imports are v0’s own affair', 'import data.x\nimport data.y.x\nimport input.any\np { any([true]) }'],
];

for (const [why, text] of accepted) test(`accepted: ${why}`, () => assert.deepEqual(problems('v0', text), []));

const refused: [text: string, ...problems: string[]][] = [
	['p { x := 1; x := 2 }', 'm0:2:13: the variable x is assigned above'],
	['p { some x; x := 2; x }', 'm0:2:13: the variable x is declared above'],
	['p { x == 1; x := 2 }', 'm0:2:13: the variable x is used above'],
	['p { count(x); x := 2 }', 'm0:2:15: the variable x is used above'],
	['f(x) { x := 2 }', 'm0:2:8: the argument x is declared again'],
	['f(x) = 1 { x == 1 } else = 2 { [x] := [2] }', 'm0:2:33: the argument x is declared again'],
	['p { [x, x] := [1, 1] }', 'm0:2:9: the variable x is assigned above'],
	['p { x.y := 2 }', 'm0:2:5: cannot assign to a reference'],
	['p { 1 := 2 }', 'm0:2:5: cannot assign to a constant'],
	['p { not x := 2 }', 'm0:2:5: cannot assign with := under not'],
	['p { some x; input }', 'm0:2:5: the declared variable x is not used'],
	['p { [1 | some x; [x | x := 1]] }', 'm0:2:10: the declared variable x is not used'],
	['p { count := 1; count([count]) }', 'm0:2:17: the function count is shadowed by the variable count'],
	['default p = 1\ndefault p = 2', 'm0:3:9: multiple default rules data.a.p found at m0:2, m0:3'],
	['p = 1\np.q = 2', 'm0:2:1: rule data.a.p conflicts with data.a.p.q below it'],
	['p[1] { true }\np.q.r = 2', 'm0:2:1: rule data.a.p conflicts with data.a.p.q.r below it'],
	['f(x) = x\nf.g = 1', 'm0:2:1: rule data.a.f conflicts with data.a.f.g below it'],
	['p[x] = 1 { x := 1 }\np.f(x) = x', 'm0:2:1: rule data.a.p conflicts with data.a.p.f below it'],
];

for (const [text, ...expected] of refused) {
	test(`refused: ${JSON.stringify(text)}`, () => assert.deepEqual(problems('v0', text), expected));
}

test('a call outside of a rule', () => {
	const reason = 'the built-in glob.match is called outside of a rule, or a rule of that name has no value and no body';
	assert.deepEqual(problems('v0', 'p = 1 glob.match("a", [], "a")'), [`m0:2:7: ${reason}`]);
	assert.deepEqual(problems('v0', 'f(x)\nglob.match(x, y, z) = true\ncount(x) { x }'), []);
});

test('kinds that cannot stand together', () => {
	for (const text of [
		'p = 1\np[1] { true }',
		'p = 1\nf(x) = x\np(x) = 1',
		'f(x) = 1\nf(x, y) = 1',
		'p[x] = 1 { x := 1 }\np = 2',
	]) {
		assert.match(problems('v0', text).join(), /conflicting rules/, text);
	}
	const mixed = 'p[x] := 1 if x := 1\np[x] contains 2 if x := 2';
	assert.match(
		problems('v1', mixed).join(),
		/conflicting rules data\.a\.p found: sets and? ?.*single values|single values and sets/,
	);
});

test('a package and a rule of another module cannot have one path', () => {
	assert.deepEqual(problems('v0', 'b = 1', 'package a.b\n'), [
		'm0:2:1: the package of m1 has the path of the rule data.a.b',
	]);
	assert.deepEqual(problems('v0', 'b[x] = 1 { x := 1 }', 'package a.b\n'), []);
});

test('every declares its names, which must be used', () => {
	assert.deepEqual(problems('v1', 'p if every x in [1] { x == 1 }'), []);
	assert.deepEqual(problems('v1', 'p if every k, x in [1] { x == 1 }'), [
		'm0:2:6: the declared variable k is not used',
	]);
	assert.deepEqual(problems('v1', 'p if { some x in [1]; y := [x, x] }'), []);
});

test('v1 refuses hidden documents and imports, and deprecated built-ins', () => {
	assert.deepEqual(problems('v1', 'import data.x\nimport data.y.x'), ['m0:3:1: the import x shadows import data.x']);
	assert.deepEqual(problems('v1', 'input := 1'), ['m0:2:1: a rule cannot be called input']);
	assert.deepEqual(problems('v1', 'f(data) := 1'), ['m0:2:3: an argument cannot be called data']);
	assert.deepEqual(problems('v1', 'p if { input := 1 }'), ['m0:2:8: a variable cannot be called input']);
	assert.deepEqual(problems('v1', 'p if { x := [y | y := any(input)]; x }'), [
		'm0:2:23: the built-in any is deprecated',
	]);
	assert.equal(problems('v0', 'import rego.v1\np if re_match("a", "a")').length, 1);
	assert.deepEqual(problems('v0', 'p { any(input) }'), []);
});
