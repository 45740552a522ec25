// What the policy engine gets: the deny of each package, what it missed, or why the modules are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegoEngine } from '@affidavit/attest/policy/rego-engine.ts';
import { createRegoEngine } from '../../src/rego.ts';

// The type is the policy engine's: that this compiles is a part of the test.
const engine: RegoEngine = createRegoEngine();

const talk = `package commandrun

deny[msg] {
	input.processes[_].programdigest.sha256 == "bad"
	msg := "Malicious Compiler"
}
`;

const ask = (texts: string[], input: unknown) =>
	engine.evaluate({ modules: texts.map((text, i) => ({ name: `m${i}`, text })), input, nowNs: 0n });

const answers = async (texts: string[], input: unknown = {}) => {
	const answer = await ask(texts, input);
	if (answer.kind === 'refused') assert.fail(answer.reasons.join('; '));
	return answer.packages;
};

test('the rule of the talk denies, with its message', async () => {
	const [one] = await answers([talk], { processes: [{ programdigest: { sha256: 'bad' } }] });
	assert.deepEqual(one, {
		package: 'data.commandrun',
		modules: ['m0'],
		hasDeny: true,
		deny: { kind: 'reasons', reasons: ['Malicious Compiler'] },
		missing: [],
		builtinFailures: [],
	});
});

test('a trace without the digests is not denied, and what is missing is told', async () => {
	const [one] = await answers([talk], { processes: [{ exedigest: {} }, { programdigest: {} }] });
	assert.deepEqual(one?.deny, { kind: 'reasons', reasons: [] });
	assert.deepEqual(one?.missing, [
		{
			path: 'input.processes[*].programdigest',
			module: 'm0',
			row: 4,
			count: 1,
			example: 'input.processes[0].programdigest',
		},
		{
			path: 'input.processes[*].programdigest.sha256',
			module: 'm0',
			row: 4,
			count: 1,
			example: 'input.processes[1].programdigest.sha256',
		},
	]);
});

test('packages answer in the order in which they first appear, each for itself', async () => {
	const packages = await answers(
		[
			'package b\nhelper(x) { x > 1 }',
			'package a.c\ndeny["one"] { input.x }',
			'package b\nother = 1',
			'package a["x y"]\ndeny["two"] { input.y }',
		],
		{ x: 1 },
	);
	assert.deepEqual(
		packages.map((item) => [item.package, item.modules, item.hasDeny, item.deny, item.missing.map(({ path }) => path)]),
		[
			['data.b', ['m0', 'm2'], false, { kind: 'undefined' }, []],
			['data.a.c', ['m1'], true, { kind: 'reasons', reasons: ['one'] }, []],
			['data.a["x y"]', ['m3'], true, { kind: 'reasons', reasons: [] }, ['input.y']],
		],
	);
});

const denials: [given: string, rule: string, expected: unknown][] = [
	['a boolean', 'deny { true }', { kind: 'other', found: 'a boolean' }],
	['a complete rule that does not hold', 'deny { input.x == 1 }', { kind: 'undefined' }],
	['false by default', 'default deny = false', { kind: 'other', found: 'a boolean' }],
	['an array', 'deny = ["b", "a"]', { kind: 'reasons', reasons: ['b', 'a'] }],
	['a set in order', 'deny[x] { x := ["b", "a"][_] }', { kind: 'reasons', reasons: ['a', 'b'] }],
	['an object', 'deny[k] = "x" { k := "a" }', { kind: 'other', found: 'an object' }],
	['a set of objects', 'deny[{"msg": "x"}] { true }', { kind: 'other', found: 'a set with an object' }],
	['a set of numbers and strings', 'deny[x] { x := ["a", 1][_] }', { kind: 'other', found: 'a set with a number' }],
];

for (const [given, rule, expected] of denials) {
	test(`deny: ${given}`, async () => {
		const [one] = await answers([`package t\n${rule}`]);
		assert.deepEqual(one?.deny, expected);
		assert.equal(one?.hasDeny, true);
	});
}

const refusals: [given: string, text: string, reason: RegExp][] = [
	['what does not parse', 'package t\ndeny[msg] {\n msg := "x"\n', /^m0:\d+:\d+: /],
	['an unsafe variable', 'package t\ndeny[msg] { input.x }', /var msg is unsafe/],
	['an unknown function', 'package t\ndeny["x"] { frob(1) }', /^m0:2:13: .*frob/],
	['a built-in outside of the subset', 'package t\ndeny["x"] { http.send({}) }', /http\.send/],
	[
		'a deny that is a function',
		'package t\ndeny(x) { x }',
		/^m0:2:1: function data\.t\.deny used as reference, not called/,
	],
	['recursion', 'package t\ndeny["x"] { a }\na { deny["x"] }', /recursi/],
	['a conflict', 'package t\ndeny = x { x := [["a"], ["b"]][_] }', /must not produce multiple outputs/],
	['a limit', 'package t\ndeny["x"] { numbers.range(0, 100000000000)[_] == -1 }', /limit of steps/],
	['v1 without its import', 'package t\ndeny contains "x" if true', /^m0:2:/],
];

for (const [given, text, reason] of refusals) {
	test(`refused: ${given}`, async () => {
		const answer = await ask([text], {});
		assert.equal(answer.kind, 'refused');
		if (answer.kind === 'refused') assert.match(answer.reasons.join('\n'), reason);
	});
}

test('built-ins that refuse are told', async () => {
	const [one] = await answers(['package t\ndeny["x"] {\n to_number(input.v) > 3\n}'], { v: 'many' });
	assert.deepEqual(
		one?.builtinFailures.map(({ builtin, module, row, count }) => [builtin, module, row, count]),
		[['to_number', 'm0', 3, 1]],
	);
});

test('the time is what is given', async () => {
	const text = 'package t\ndeny[x] { x := sprintf("%d", [time.now_ns()]) }';
	const answer = await engine.evaluate({ modules: [{ name: 'm', text }], input: {}, nowNs: 1_234n });
	assert.ok(answer.kind === 'answer');
	assert.deepEqual(answer.packages[0]?.deny, { kind: 'reasons', reasons: ['1234'] });
});
