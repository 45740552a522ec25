import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { RegoAnswer, RegoSource } from '@affidavit/attest/policy/rego-engine.ts';
import { openOpa } from '../../../../test/interop/opa.ts';
import { openOpaEngine } from '../../../src/verify/opa/engine.ts';
import { runOpa } from '../../../src/verify/opa/process.ts';
import { temporaryFolder } from '../../run-cli.ts';

const opa = openOpa();
const path = opa.kind === 'opa' ? opa.path : '';
const ask = async (modules: RegoSource[], input: unknown): Promise<RegoAnswer> =>
	(await openOpaEngine(path)).evaluate({ modules, input, nowNs: 0n });

const module = (text: string, name = 'rule'): RegoSource => ({ name, text });
const compiler = module(
	'package a\ndeny[msg] { input.x[_] == 1; msg := "one" }\ndeny[msg] { input.x[_] == 2; msg := "two" }',
);

suite('the opa binary as a Rego engine', { skip: opa.kind === 'absent' ? opa.reason : false }, () => {
	test('it says its version, and that it tells no missing reads', async () => {
		const engine = await openOpaEngine(path);
		assert.match(engine.name, /^opa \d+\.\d+\.\d+/);
		assert.equal(engine.tellsMissing, false);
	});

	test('each package answers for itself, in the order of the modules', async () => {
		const answer = await ask(
			[
				compiler,
				module('package helper\nallowed = true', 'helper'),
				module('package a\ndeny[msg] { input.y; msg := "y" }', 'more'),
				module('package b["c-d"]\nimport rego.v1\ndeny := true', 'bool'),
			],
			{ x: [2, 1], y: true },
		);
		assert.ok(answer.kind === 'answer');
		assert.deepEqual(
			answer.packages.map((p) => [p.package, p.modules, p.hasDeny, p.deny]),
			[
				['data.a', ['rule', 'more'], true, { kind: 'reasons', reasons: ['one', 'two', 'y'] }],
				['data.helper', ['helper'], false, { kind: 'undefined' }],
				['data.b["c-d"]', ['bool'], true, { kind: 'other', found: 'a boolean' }],
			],
		);
	});

	test('no denial is an empty set, an undefined deny is undefined', async () => {
		const answer = await ask([compiler, module('package c\ndeny = "x" { input.gone }', 'c')], {});
		assert.ok(answer.kind === 'answer');
		assert.deepEqual(
			answer.packages.map((p) => p.deny),
			[{ kind: 'reasons', reasons: [] }, { kind: 'undefined' }],
		);
	});

	test('numbers that a double cannot hold stay exact', async () => {
		const answer = await ask([module('package n\ndeny[msg] { msg := sprintf("%d", [input.n]) }')], { n: 2n ** 80n });
		assert.ok(answer.kind === 'answer');
		assert.deepEqual(answer.packages[0]?.deny, { kind: 'reasons', reasons: [String(2n ** 80n)] });
	});

	for (const [what, text, reason] of [
		['a module that does not parse', 'package a\ndeny[msg] {', /^rule:2:\d+: /],
		[
			'http.send',
			'package a\ndeny[msg] { http.send({"method": "get", "url": "http://127.0.0.1"}); msg := "x" }',
			/^rule:2:\d+: undefined function http\.send/,
		],
		[
			'a name lookup',
			'package a\ndeny[msg] { net.lookup_ip_addr("localhost"); msg := "x" }',
			/undefined function net\.lookup_ip_addr/,
		],
		['the environment', 'package a\ndeny[msg] { msg := opa.runtime().env.PATH }', /undefined function opa\.runtime/],
		['a conflict', 'package a\ndeny = 1 { true }\ndeny = 2 { true }', /^rule:\d+:\d+: /],
	] as const)
		test(`refused: ${what}`, async () => {
			const answer = await ask([module(text)], {});
			assert.ok(answer.kind === 'refused', JSON.stringify(answer));
			assert.match(answer.reasons[0] as string, reason);
		});

	test('a run that takes too long is stopped', async () => {
		const query = 'count([x | x := numbers.range(1, 100000)[_]; y := numbers.range(1, 100000)[_]; x == y])';
		const outcome = await runOpa({ cwd: '/', args: ['eval', query], stdin: '' }, path, {
			timeMsMax: 300,
			outputBytesMax: 1_000,
		});
		assert.deepEqual(outcome, { kind: 'stopped', reason: 'opa: stopped after 300 ms' });
	});

	test('a run that writes too much is stopped', async () => {
		const outcome = await runOpa({ cwd: '/', args: ['eval', 'numbers.range(1, 10000)'], stdin: '' }, path, {
			timeMsMax: 10_000,
			outputBytesMax: 1_000,
		});
		assert.deepEqual(outcome, { kind: 'stopped', reason: 'opa: wrote over 1000 bytes' });
	});
});

test('no opa on the PATH is wrong use', async (t) => {
	await assert.rejects(openOpaEngine(temporaryFolder(t)), { code: 'usage', message: /no `opa` on the PATH/ });
});

test('an opa that is another program is wrong use', async (t) => {
	const dir = temporaryFolder(t);
	writeFileSync(join(dir, 'opa'), '#!/bin/sh\necho Hello\n');
	chmodSync(join(dir, 'opa'), 0o755);
	await assert.rejects(openOpaEngine(`${dir}:/bin`), { code: 'usage', message: /does not tell a version/ });
});
