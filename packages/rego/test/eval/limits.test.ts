// Hostile modules and values end with the name of the limit, soon, and never with an exception.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits } from '../../src/eval/limits.ts';
import { compileModules, evaluateDocuments } from '../../src/rego.ts';
import type { Value } from '../../src/value/value.ts';
import { work } from '../../src/value/work.ts';
import { evaluate, problemsOf } from './evaluate.ts';

const many = Array.from({ length: 2_000 }, (_, i) => i);
const lines = (count: number, line: (i: number) => string): string =>
	Array.from({ length: count }, (_, i) => line(i)).join('\n');

function nested(depth: number): Value {
	let value: Value = 1;
	for (let i = 0; i < depth; i++) value = [value];
	return value;
}

const stopped: [given: string, limit: string, module: string, input: Value][] = [
	['three loops', 'steps', 'p[1] { x := input[_]; y := input[_]; z := input[_]; x + y + z == -1 }', many],
	['a range', 'steps', 'p[x] { x := numbers.range(0, 1000000000000)[_] }', null],
	['items', 'outputItems', 'p[x + (y * 2000)] { x := input[_]; y := input[_] }', many],
	[
		'text that doubles',
		'outputBytes',
		`a0 = "0123456789abcdef"\n${lines(40, (i) => `a${i + 1} = concat("", [a${i}, a${i}])`)}\np = a40`,
		null,
	],
	[
		'arrays that double',
		'steps',
		`a0 = [1, 2]\n${lines(40, (i) => `a${i + 1} = array.concat(a${i}, a${i})`)}\np = a40`,
		null,
	],
	[
		'arrays that share',
		'steps',
		`a0 = [1, 2]\n${lines(40, (i) => `a${i + 1} = [a${i}, a${i}]`)}\np[a40] { true }`,
		null,
	],
	['a chain of rules', 'depth', `a0 { true }\n${lines(600, (i) => `a${i + 1} { a${i} }`)}\np { a600 }`, null],
	[
		'a chain of functions that iterate',
		'depth',
		`f0(x) = x\n${lines(600, (i) => `f${i + 1}(x) = y { z := input[_]; y := f${i}(z) }`)}\np { f600(1) }`,
		[1],
	],
	['a body of iterations', 'depth', `p { ${lines(1_990, (i) => `x${i} := input[_]`)} }`, [1]],
	['a deep value as element', 'depth', 'p[input] { true }', nested(100_000)],
	['two deep values compared', 'depth', 'p { input[0] == input[1] }', [nested(100_000), nested(100_000)]],
	[
		'a huge element, again and again',
		'steps',
		'p[[x, input.big, input.big]] { x := input.big[_] }',
		{ big: many.map(String) },
	],
];

for (const [given, limit, module, input] of stopped) {
	test(`limits: ${given} ends with ${limit}`, () => {
		const answer = evaluate({ modules: module, input });
		assert.equal(answer.kind, 'error');
		if (answer.kind !== 'error') return;
		assert.equal(answer.problem.code, 'limit');
		assert.equal(answer.problem.place.module, 'm0.rego');
		assert.match(answer.problem.message, new RegExp(`limit of ${limit}: ${defaultLimits[limit as 'steps']}$`));
	});
}

test('limits: what is given is used, and is there again for the next evaluation', () => {
	const modules = 'p[x] { x := input[_] }';
	const tight = evaluate({ modules, input: many, limits: { steps: 100 } });
	assert.ok(tight.kind === 'error' && tight.problem.message.endsWith('limit of steps: 100'));
	assert.equal(evaluate({ modules, input: many }).kind, 'documents');
	assert.equal(work.left, Number.POSITIVE_INFINITY);
});

test('limits: deep values that are only passed on are no problem', () => {
	const answer = evaluate({ modules: 'f(x) = x\np { f(input.a)[0][0]; not input.b }', input: { a: nested(100_000) } });
	assert.ok(answer.kind === 'documents' && answer.documents[0]?.value === true);
});

test('limits: a body with too many expressions is a problem of the program', () => {
	assert.match(problemsOf(`p { ${lines(2_001, () => 'true')} }`)[0] ?? '', /a body has at most 2000 expressions$/);
});

test('limits: a stack that is nearly used up ends the evaluation, not the program', () => {
	const compiled = compileModules(
		[{ name: 'm', text: `package t\na0 { true }\n${lines(150, (i) => `a${i + 1} { a${i} }`)}\n` }],
		{ version: 'v0' },
	);
	assert.ok(compiled.kind === 'program');
	const { program } = compiled;
	const kinds = new Set<string>();
	const descend = (): void => {
		const answer = evaluateDocuments(program, [['t', 'a150']], { nowNs: 0n });
		kinds.add(answer.kind === 'error' ? answer.problem.code : answer.kind);
	};
	const deeper = (left: number): void => {
		if (left === 0) descend();
		else deeper(left - 1);
	};
	for (let depth = 1_000; depth < 9_000; depth += 250) {
		try {
			deeper(depth);
		} catch (cause) {
			// Our own descent, before the evaluation began.
			assert.ok(cause instanceof RangeError);
			break;
		}
	}
	assert.ok(kinds.has('documents'));
	assert.ok([...kinds].every((kind) => kind === 'documents' || kind === 'limit'));
	assert.equal(work.left, Number.POSITIVE_INFINITY);
});
