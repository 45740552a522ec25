import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadStatement } from '../../src/policy/collection.ts';
import type { RegoAnswer, RegoEngine } from '../../src/policy/rego-engine.ts';
import { judgeAttestation, regoGate } from '../../src/policy/rego-gate.ts';
import type { AttestationNode, PolicyMode } from '../../src/policy/result.ts';
import type { RequiredMark, TrapCode } from '../../src/policy/traps.ts';
import { commandRunType } from '../../src/type-uris.ts';
import { answerOf, commandRun, fakeEngine, statementText } from './maker.ts';

interface Module {
	name: string;
	required?: RequiredMark;
}

async function judge(
	engine: RegoEngine,
	mode: PolicyMode,
	modules: readonly Module[] = [{ name: 'rule' }],
	attestation = commandRun(),
): Promise<AttestationNode> {
	const loaded = loadStatement(Buffer.from(statementText([attestation])));
	assert.ok(loaded.kind === 'statement');
	const [one] = loaded.statement.collection.attestations;
	assert.ok(one);
	const rego = modules.map(({ name, required }) => ({ name, text: `package p # ${name}`, required }));
	return judgeAttestation(regoGate({ type: attestation.type, rego }), one, 0, { engine, mode, nowNs: 5n });
}

const answers = (...packages: (RegoAnswer & { kind: 'answer' })['packages']): RegoEngine =>
	fakeEngine({ kind: 'answer', packages });
const trapsOf = ({ rules }: AttestationNode): TrapCode[] => rules.flatMap((rule) => rule.traps.map(({ code }) => code));

const silent = { kind: 'reasons', reasons: [] as string[] } as const;
const denies = { kind: 'reasons', reasons: ['Malicious Compiler'] } as { kind: 'reasons'; reasons: string[] };
const nothing = { kind: 'undefined' } as const;
const missing = [
	{
		path: 'input.processes[*].programdigest',
		module: 'rule',
		row: 3,
		count: 2,
		example: 'input.processes[0].programdigest',
	},
];
const builtinFailures = [{ builtin: 'to_number', module: 'rule', row: 4, count: 1, reason: 'not a number' }];

test('answers are judged by mode', async () => {
	const helper = answerOf(nothing, { package: 'data.helper', modules: ['helper'], hasDeny: false });
	const cases: [string, RegoEngine, witness: boolean, strict: boolean, traps: TrapCode[]][] = [
		['no denial', answers(answerOf(silent)), true, true, []],
		['a denial', answers(answerOf(denies)), false, false, []],
		['a boolean', answers(answerOf({ kind: 'other', found: 'a boolean' })), false, false, []],
		['no deny', answers(answerOf(nothing, { hasDeny: false })), true, false, ['rego-no-deny']],
		['an undefined deny', answers(answerOf(nothing)), true, false, ['rego-deny-undefined']],
		[
			'a helper beside a denial',
			answers(answerOf(denies), helper),
			true,
			false,
			['rego-denial-switched-off', 'rego-no-deny'],
		],
		[
			'a helper beside a boolean',
			answers(answerOf({ kind: 'other', found: 'a boolean' }), helper),
			true,
			false,
			['rego-no-deny'],
		],
		['a missing field', answers(answerOf(silent, { missing })), true, false, ['rego-missing-field']],
		['a failed built-in', answers(answerOf(silent, { builtinFailures })), true, false, ['rego-builtin-error']],
		['a denial beside a missing field', answers(answerOf(denies, { missing })), false, false, []],
	];
	const modules = [{ name: 'rule' }, { name: 'helper' }];
	for (const [name, engine, witness, strict, traps] of cases) {
		assert.equal((await judge(engine, 'witness', modules)).accepted, witness, name);
		assert.deepEqual(trapsOf(await judge(engine, 'witness', modules)), [], name);
		const node = await judge(engine, 'strict', modules);
		assert.equal(node.accepted, strict, name);
		assert.deepEqual(trapsOf(node), traps, name);
	}
});

test('the words are those that users of Witness know', async () => {
	const node = await judge(answers(answerOf(denies)), 'witness');
	assert.equal(
		node.reason,
		`rego policy evaluation failed for attestor type ${commandRunType}: policy was denied due to: Malicious Compiler`,
	);
	assert.deepEqual(node.rules[0]?.denials, ['Malicious Compiler']);
	const other = await judge(answers(answerOf({ kind: 'other', found: 'a boolean' })), 'witness');
	assert.match(other.reason, /invalid data from rego at data\.p\.deny, expected a set of texts but got a boolean/);
});

test('a mark `required` closes a rule in witness mode, and `required: false` lets fields be missing in strict mode', async () => {
	const reads = answers(answerOf(silent, { missing }));
	assert.equal((await judge(reads, 'witness', [{ name: 'rule', required: true }])).accepted, false);
	assert.equal((await judge(reads, 'strict', [{ name: 'rule', required: false }])).accepted, true);
	const fails = answers(answerOf(silent, { builtinFailures }));
	assert.equal((await judge(fails, 'strict', [{ name: 'rule', required: false }])).accepted, false);
	const off = answers(
		answerOf(denies),
		answerOf(nothing, { package: 'data.helper', modules: ['helper'], hasDeny: false }),
	);
	const marked = await judge(off, 'witness', [{ name: 'rule', required: true }, { name: 'helper' }]);
	assert.equal(marked.accepted, false);
	assert.deepEqual(trapsOf(marked), ['rego-denial-switched-off']);
});

test('a field that a helper of another package misses ends the rule that called it', async () => {
	const read = missing.map((one) => ({ ...one, module: 'helper' }));
	const failure = builtinFailures.map((one) => ({ ...one, module: 'helper' }));
	const helper = answerOf(silent, { package: 'data.helper', modules: ['helper'] });
	const misses = answers(answerOf(silent, { missing: read }), helper);
	const fails = answers(answerOf(silent, { builtinFailures: failure }), helper);
	const both = (rule?: RequiredMark, inHelper?: RequiredMark): Module[] => [
		{ name: 'rule', ...(rule !== undefined && { required: rule }) },
		{ name: 'helper', ...(inHelper !== undefined && { required: inHelper }) },
	];
	assert.deepEqual(trapsOf(await judge(misses, 'strict', both())), ['rego-missing-field']);
	assert.deepEqual(trapsOf(await judge(fails, 'strict', both())), ['rego-builtin-error']);
	assert.equal((await judge(misses, 'strict', both(false))).accepted, false, 'the helper carries no mark');
	assert.equal((await judge(misses, 'strict', both(undefined, false))).accepted, true);
	assert.equal((await judge(misses, 'witness', both())).accepted, true);
	assert.equal((await judge(misses, 'witness', both(true))).accepted, false);
});

test('a trap says where it is', async () => {
	const node = await judge(answers(answerOf(silent, { missing })), 'strict');
	assert.match(
		node.reason,
		/rule:3: input\.processes\[\*\]\.programdigest is missing \(2 times, first input\.processes\[0\]/,
	);
});

test('modules that cannot be evaluated reject, each with its own reason', async () => {
	const engine = fakeEngine({ kind: 'refused', reasons: ['rule:5:1: unexpected end'] });
	for (const mode of ['witness', 'strict'] as const) {
		const node = await judge(engine, mode, [{ name: 'rule' }, { name: 'other' }]);
		assert.equal(node.accepted, false);
		assert.equal(node.reason, 'rule:5:1: unexpected end');
		assert.deepEqual(
			node.rules.map(({ reason }) => reason),
			['rule:5:1: unexpected end', 'not evaluated'],
		);
	}
});

test('a later module of the same name replaces the earlier one in the real engine, and is evaluated beside it in strict mode', async () => {
	const engine = fakeEngine(({ modules }) => ({
		kind: 'answer',
		packages: modules.map(({ name, text }, i) =>
			answerOf(i === 0 && modules.length === 2 ? denies : silent, {
				package: `data.${text.at(-1)}${name}`,
				modules: [name],
			}),
		),
	}));
	const modules = [{ name: 'same' }, { name: 'same' }];
	assert.equal((await judge(engine, 'witness', modules)).accepted, true);
	const strict = await judge(engine, 'strict', modules);
	assert.equal(strict.accepted, false);
	assert.deepEqual(trapsOf(strict), ['rego-denial-switched-off']);
	assert.deepEqual(
		engine.asked[0]?.modules.map(({ name }) => name),
		['same#1', 'same#2'],
	);
});

test('Rego sees what Go would write: zero values, no unknown fields, whole numbers exact', async () => {
	const engine = fakeEngine({ kind: 'answer', packages: [answerOf(silent)] });
	await judge(engine, 'strict', [{ name: 'rule' }], {
		type: commandRunType,
		attestation: { processes: [{ processid: 4, uid: 0, comm: '' }], tracer: 'x' },
	});
	assert.deepEqual(engine.asked[0]?.input, { cmd: null, exitcode: 0, processes: [{ processid: 4, parentpid: 0 }] });
	assert.equal(engine.asked[0]?.nowNs, 5n);
});

test('an engine that cannot tell missing fields is said to', async () => {
	const engine = { ...answers(answerOf(silent)), tellsMissing: false };
	assert.match((await judge(engine, 'strict')).reason, /cannot tell missing fields/);
});

test('a token without its key cannot be written for Rego', async () => {
	const jwt = { type: 'https://witness.dev/attestations/jwt/v0.1', attestation: { claims: {} } };
	const node = await judge(answers(answerOf(silent)), 'witness', [{ name: 'rule' }], jwt);
	assert.equal(node.accepted, false);
	assert.match(node.reason, /verifiedBy\.jwk/);
	const without = await judge(answers(), 'witness', [], jwt);
	assert.equal(without.accepted, true);
});
