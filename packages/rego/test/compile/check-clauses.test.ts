import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem } from '@affidavit/rego/errors.ts';
import { compileModules } from '@affidavit/rego/rego.ts';

/** Problems of the modules m0, m1, …, each in the package a unless it names its own. */
function problems(...texts: string[]): string[] {
	const sources = texts.map((text, i) => ({
		name: `m${i}`,
		text: text.startsWith('package') ? text : `package a\n${text}`,
	}));
	const compiled = compileModules(sources, { version: 'v0' });
	return compiled.kind === 'program' ? [] : compiled.problems.map(describeProblem);
}

test('rules that need themselves are refused, with the cycle', () => {
	assert.deepEqual(problems('p { q }\nq { r }\nr { p }'), [
		'm0:2:1: rule data.a.p is recursive: data.a.p -> data.a.q -> data.a.r -> data.a.p',
	]);
	assert.deepEqual(problems('f(x) = y { y := f(x) }'), ['m0:2:1: rule data.a.f is recursive: data.a.f -> data.a.f']);
	assert.deepEqual(problems('p { q[_] == 1 }\nq[x] { x := [1 | p][0] }'), [
		'm0:2:1: rule data.a.p is recursive: data.a.p -> data.a.q -> data.a.p',
	]);
	assert.equal(problems('p { data.b.q }', 'package b\nq { data.a.p }').length, 1, 'across packages');
	assert.equal(problems('p { data.a }').length, 1, 'the package that holds the rule');
	assert.equal(problems('p { data[x].p }').length, 1, 'a variable that may select it');
	assert.equal(problems('p { q with input as p }\nq { input }').length, 1, 'in a replacement');
	assert.equal(problems('p[x] = 1 { x := "b"; p.c }\np.c = 2 { true }').length, 1, 'its own element, as in OPA');
});

test('rules that only look alike are accepted', () => {
	assert.deepEqual(problems('p { q }\nq { r }\nr { input.p }'), []);
	assert.deepEqual(problems('p { p := 1; p == 1 }'), [], 'a variable hides the rule');
	assert.deepEqual(problems('p { data.b.p }', 'package b\np { data.c }', 'package c\nq = 1'), []);
});

test('an import hides a rule, a rule hides input and data', () => {
	assert.deepEqual(problems('import data.c.q\nq { q.x }', 'package c\nq = {"x": 1}'), []);
	assert.deepEqual(problems('input = p\np { input }'), [
		'm0:2:1: rule data.a.input is recursive: data.a.input -> data.a.p -> data.a.input',
	]);
});

test('thousands of rules in a chain are walked without a deep stack', () => {
	const chain = Array.from({ length: 5_000 }, (_, i) => `r${i} { r${i + 1} }`);
	assert.deepEqual(problems([...chain, 'r5000 = 1'].join('\n')), []);
	const closed = problems([...chain, 'r5000 { r0 }'].join('\n'));
	assert.equal(closed.length, 1);
	assert.match(closed[0] as string, /data\.a\.r0 -> .* -> … -> data\.a\.r0$/);
});

test('a program whose rules may all need one another is refused, not walked for ever', () => {
	const rules = Array.from({ length: 1_500 }, (_, i) => `r${i} { input }\nq${i} { data.b[_][_]; data.a[x].y }`);
	const begin = performance.now();
	assert.match(problems(rules.join('\n')).join(), /more than 1000000 ways/);
	assert.ok(performance.now() - begin < 3_000);
});

test('calls take as many arguments as the function has', () => {
	assert.deepEqual(problems('p { count() == 1 }'), ['m0:2:5: count takes 1 argument, not 0']);
	assert.deepEqual(problems('p { x := concat(",", [], 1) }'), ['m0:2:10: concat takes 2 arguments, not 3']);
	assert.deepEqual(problems('f(x, y) = x\np { f(1) }'), ['m0:3:5: data.a.f takes 2 arguments, not 1']);
	assert.deepEqual(problems('p { concat(",", ["a"], x); x == "a" }'), [], 'the result as one more argument');
	assert.deepEqual(problems('p { print("a", 1, input); true }'), []);
});

test('every variable of a head must be bound', () => {
	assert.deepEqual(problems('p[k] = v { v := 1 }'), ['m0:2:12: var k is unsafe']);
	assert.deepEqual(problems('p[k] = v { k := 1 }'), ['m0:2:12: var v is unsafe']);
	assert.deepEqual(problems('p { [[k, v] | k := 1] }'), ['m0:2:15: var v is unsafe']);
	assert.deepEqual(problems('p[i] = input.x[i]'), [], 'a reference binds its keys in the head too');
});

test('a pattern of keys binds all of its variables or none', () => {
	assert.deepEqual(problems('p { input.x[[count(y), y]] }'), ['m0:2:5: var y is unsafe']);
	assert.deepEqual(problems('p { input.x[[y, count(y)]] }'), []);
});

test('terms within terms are compiled once each, not twice at every level', () => {
	const begin = performance.now();
	for (const [open, close] of [
		['input.a[', ']'],
		['[v | v := input.a[', ']]'],
		['[v | v := input.a[_][', ']]'],
		['[1 | input.a[_][', ']]'],
		['[1 | every z in ', ' { z }]'],
	] as const) {
		assert.deepEqual(problems(`import rego.v1\np := ${open.repeat(30)}0${close.repeat(30)}`), [], open);
	}
	assert.ok(performance.now() - begin < 2_000);
});

test('unknown and refused functions are named', () => {
	assert.deepEqual(problems('p { nothing.like(1) }'), ['m0:2:5: undefined function nothing.like']);
	assert.deepEqual(
		problems('count = 1\np { count([1]) == 1 }'),
		['m0:3:5: undefined function data.a.count'],
		'hidden by a rule',
	);
	assert.deepEqual(problems('import data.x as json\np { json.marshal(1) }'), [
		'm0:3:5: undefined function data.x.marshal',
	]);
	assert.match(problems('p { http.send({}) }').join(), /^m0:2:5: http\.send is not supported: it reaches the network$/);
});

test('with replaces whole documents and functions that have a result of their own', () => {
	assert.deepEqual(problems('q = {"x": 1}\np { q with data.a.q.x as 2 }'), [
		'm0:3:5: with cannot replace a part of data.a.q, which a rule makes',
	]);
	assert.deepEqual(problems('p { true with walk as 1 }'), ['m0:2:5: with cannot replace the built-in walk']);
	assert.deepEqual(problems('q = 1\np { q with data.a.q as 2 with count as 3 with input.x.y as 4 }'), []);
});

test('operands that can never fit', () => {
	assert.deepEqual(problems('p { startswith(1, "a") }'), ['m0:2:5: startswith: operand 1 must be string, not number']);
	assert.deepEqual(problems('p { x := [1] + 2 }'), ['m0:2:10: plus: operand 1 must be number, not array']);
	assert.deepEqual(problems('p { lower(count(input)) }'), ['m0:2:5: lower: operand 1 must be string, not number']);
	assert.deepEqual(problems('p { sum({x | x := input[_]}) - {1} == {2} }'), []);
	assert.deepEqual(problems('p { max([input.x, 1]) > count({"a": 1}); sprintf("%d", [1]) == "1" }'), []);
});
