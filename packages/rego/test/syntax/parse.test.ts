import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem } from '@affidavit/rego/errors.ts';
import type { Rule } from '@affidavit/rego/syntax/ast.ts';
import { parseModule, parseQuery } from '@affidavit/rego/syntax/parse.ts';
import { printExpression, printRule } from './print.ts';

type Version = 'v0' | 'v1';

function rulesOf(text: string, version: Version = 'v0'): Rule[] {
	const parsed = parseModule({ name: 'm', text: `package a\n${text}` }, { version });
	if (parsed.kind === 'invalid') assert.fail(parsed.problems.map(describeProblem).join('\n'));
	return parsed.module.rules;
}

const printed = (text: string, version?: Version): string[] => rulesOf(text, version).map(printRule);

function query(text: string): string[] {
	const parsed = parseQuery(text, { version: 'v1' });
	if (parsed.kind === 'invalid') assert.fail(parsed.problems.map(describeProblem).join('\n'));
	return parsed.query.map(printExpression);
}

test('heads of v0', () => {
	assert.deepEqual(printed('p = 1'), ['complete p = 1 {}']);
	assert.deepEqual(printed('p := 1 { true }'), ['complete p = 1 {true}']);
	assert.deepEqual(printed('p { true }'), ['complete p = true {true}']);
	assert.deepEqual(printed('deny[msg] { msg := "x" }'), ['set deny: msg {msg := "x"}']);
	assert.deepEqual(printed('p["x"]'), ['set p: "x" {}']);
	assert.deepEqual(printed('p.x { true }'), ['set p: "x" {true}']);
	assert.deepEqual(printed('p[x] = y { y := x }'), ['complete p[x] = y {y := x}']);
	assert.deepEqual(printed('p.q = 1'), ['complete p["q"] = 1 {}']);
	assert.deepEqual(printed('p.q.r[x] { x := 1 }'), ['complete p["q"]["r"][x] = true {x := 1}']);
	assert.deepEqual(printed('f(x, y) = z { z := x }'), ['function f(x, y) = z {z := x}']);
	assert.deepEqual(printed('a.f(x) { x }'), ['function a["f"](x) = true {x}']);
	assert.deepEqual(printed('default p = {"a": [1]}'), ['default complete p = {"a": [1]} {}']);
	assert.deepEqual(printed('default f(x) = 1'), ['default function f(x) = 1 {}']);
});

test('heads of v1', () => {
	assert.deepEqual(printed('p if true', 'v1'), ['complete p = true {true}']);
	assert.deepEqual(printed('p if { true; x }', 'v1'), ['complete p = true {true; x}']);
	assert.deepEqual(printed('p contains x if x := 1', 'v1'), ['set p: x {x := 1}']);
	assert.deepEqual(printed('a.b contains "c"', 'v1'), ['set a["b"]: "c" {}']);
	assert.deepEqual(printed('p[x] if x := 1', 'v1'), ['complete p[x] = true {x := 1}']);
	assert.deepEqual(printed('p[x].y := 2 if x := 1', 'v1'), ['complete p[x]["y"] = 2 {x := 1}']);
	assert.deepEqual(printed('p if { 1 | 2 } == {1}', 'v1'), ['complete p = true {equal([set| 1 : 2], {1})}']);
	assert.deepEqual(printed('p if {"a": 1}.a == 1', 'v1'), ['complete p = true {equal({"a": 1}["a"], 1)}']);
});

test('chained bodies repeat the head; else belongs to one rule', () => {
	assert.deepEqual(printed('p { 1 } { 2 }'), ['complete p = true {1}', 'complete p = true {2}']);
	assert.deepEqual(printed('p = 1 { a } else = 2 { b } else { c }'), [
		'complete p = 1 {a} else = 2 {b} else = true {c}',
	]);
	assert.deepEqual(printed('p := 1 if a else := 2 if { b } else := 3', 'v1'), [
		'complete p = 1 {a} else = 2 {b} else = 3 {}',
	]);
	const [first, second] = rulesOf('f(_) { 1 } { 2 }') as [Rule, Rule];
	assert.notDeepEqual(first.args, second.args, 'a wildcard is a variable of its own in each rule');
});

test('operators bind as in OPA', () => {
	assert.deepEqual(query('1 + 2 * 3 - 4'), ['minus(plus(1, mul(2, 3)), 4)']);
	assert.deepEqual(query('a | b & c + d'), ['or(a, and(b, plus(c, d)))']);
	assert.deepEqual(query('(1 + 2) % 3 >= x / 2'), ['gte(rem(plus(1, 2), 3), div(x, 2))']);
	assert.deepEqual(query('x == y != z'), ['neq(equal(x, y), z)']);
	assert.deepEqual(query('1 + 2 in xs'), ['internal.member_2(plus(1, 2), xs)']);
	assert.deepEqual(query('k, v in xs'), ['internal.member_3(k, v, xs)']);
	assert.deepEqual(query('f(a, b in c)'), ['f(a, internal.member_2(b, c))']);
	assert.deepEqual(query('f((a, b in c))'), ['f(internal.member_3(a, b, c))']);
	assert.deepEqual(query('-3 + -x.y'), ['plus(-3, minus(0, x["y"]))']);
	assert.deepEqual(query('a-1'), ['minus(a, 1)']);
});

test('statements', () => {
	assert.deepEqual(query('x = y; [a, b] := c'), ['x = y', '[a, b] := c']);
	assert.deepEqual(query('some x, y'), ['some x, y']);
	assert.deepEqual(query('some x in xs; some k, {"a": v} in ys'), ['some x in xs', 'some k, {"a": v} in ys']);
	assert.deepEqual(query('every k, v in xs { v > 1\n k }'), ['every k, v in xs {gt(v, 1); k}']);
	assert.deepEqual(query('not x.y with input.a as 1 with data.b as {} with f as g'), [
		'not x["y"] with input["a"] as 1 with data["b"] as {} with f as g',
	]);
	assert.deepEqual(query('eq(x, 1); assign(y, 2)'), ['x = 1', 'y := 2']);
	assert.deepEqual(printed('p if { x with x as[y]\nwith.a }\nif.b := 1', 'v1'), [
		'complete p = true {x with x as [y]; with["a"]}',
		'complete if["b"] = 1 {}',
	]);
	assert.deepEqual(query('not.a; not[1]; in.b'), ['not["a"]', 'not[1]', 'in["b"]']);
});

test('collections and comprehensions', () => {
	assert.deepEqual(query('[1, {2, 3,}, {"a": 1, b: [],}, {}, set()]'), ['[1, {2, 3}, {"a": 1, b: []}, {}, set()]']);
	assert.deepEqual(query('[x | x := 1] == {x | y[x]; z}'), ['equal([array| x : x := 1], [set| x : y[x]; z])']);
	assert.deepEqual(query('{k: v | v := y[k]}'), ['[object| k: v : v := y[k]]']);
	assert.deepEqual(query('{a | b, c}'), ['{or(a, b), c}']);
	assert.deepEqual(query('[a | b, c]'), ['[or(a, b), c]']);
	assert.deepEqual(query('{k: a | b, l: c}'), ['{k: or(a, b), l: c}']);
	assert.deepEqual(query('{(a | b)}'), ['{or(a, b)}']);
	assert.deepEqual(query('{x | y | z}'), ['[set| x : or(y, z)]']);
});

test('references', () => {
	assert.deepEqual(query('input.processes[_].sha256'), ['input["processes"][$0]["sha256"]']);
	assert.deepEqual(query('a["b"][c.d][[1]]'), ['a["b"][c["d"]][[1]]']);
	assert.deepEqual(query('f(x)[0].y'), ['f(x)[0]["y"]']);
	assert.deepEqual(query('data.lib.f(1)'), ['data.lib.f(1)']);
	assert.deepEqual(query('input.if.contains'), ['input["if"]["contains"]']);
	assert.deepEqual(query('x [0]'), ['x', '[0]'], 'a space ends a reference');
});

test('strings and numbers', () => {
	assert.deepEqual(query('"\\u0041\\n\\"" == `\\n"`'), [`equal("A\\n\\"", ${JSON.stringify('\\n"')})`]);
	assert.deepEqual(query('"\\ud83d\\ude00"'), [JSON.stringify('😀')]);
	assert.deepEqual(query('"\\ud83d"'), [JSON.stringify('\ufffd')]);
	assert.deepEqual(query('[9007199254740993, 1e3, 1.50, .5, -0, 1e20]'), [
		'[9007199254740993n, 1000, 1.5, 0.5, 0, 100000000000000000000n]',
	]);
	assert.deepEqual(query('$"a\\{{x}b{ {1, 2} }"'), ['$("a{", x, "b", {1, 2})']);
	assert.deepEqual(query('$`a\n{$"{1}"}`'), ['$("a\\n", $(1))']);
});

test('keywords of v0 are names until they are imported', () => {
	assert.deepEqual(printed('if = 1\nin { contains; every }'), [
		'complete if = 1 {}',
		'complete in = true {contains; every}',
	]);
	assert.deepEqual(printed('import future.keywords.in\np { x in y }'), ['complete p = true {internal.member_2(x, y)}']);
	assert.deepEqual(printed('import future.keywords\np contains x if some x in y'), ['set p: x {some x in y}']);
	const parsed = parseModule({ name: 'm', text: 'package a\nimport rego.v1\np if true' }, { version: 'v0' });
	assert.equal(parsed.kind === 'module' && parsed.module.version, 'v1');
});

test('packages and imports', () => {
	const text = 'package a.b["c-d"]\nimport data.x.y as z\nimport input\nimport data.lib.f\n';
	const parsed = parseModule({ name: 'm', text }, { version: 'v0' });
	assert.ok(parsed.kind === 'module');
	assert.deepEqual(parsed.module.package, ['a', 'b', 'c-d']);
	assert.deepEqual(
		parsed.module.imports.map(({ path, alias }) => `${path.join('/')} ${alias}`),
		['data/x/y z', 'input input', 'data/lib/f f'],
	);
});

test('places count rows and columns from 1, across raw strings and comments', () => {
	const [rule] = rulesOf('# c\np := `\n\n`\n\t q { x }'.replace('q', '\nq')) as [Rule];
	assert.deepEqual(rule.place, { module: 'm', row: 3, column: 1 });
	const [, second] = rulesOf('# c\np := `\n\n` # d\n  q = 2') as [Rule, Rule];
	assert.deepEqual(second.place, { module: 'm', row: 6, column: 3 });
});
