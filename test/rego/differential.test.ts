// Programs made at random give the same document here and in an `opa` binary.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem } from '@affidavit/rego/errors.ts';
import { compileModules, evaluateQuery } from '@affidavit/rego/rego.ts';
import type { Value } from '@affidavit/rego/value/value.ts';
import fc from 'fast-check';
import { openOpa } from '../interop/opa.ts';
import { toPlain } from './answer-json.ts';
import { runOpa } from './opa-run.ts';
import type { Version } from './published-cases.ts';
import { type RandomProgram, randomProgram } from './random-program.ts';

const opa = openOpa();
const skip = opa.kind === 'absent' ? opa.reason : false;
const programs = Number(process.env['AFFIDAVIT_REGO_PROGRAMS'] ?? 6);
const seed = Number(process.env['AFFIDAVIT_REGO_SEED'] ?? 1);
const rulesPerProgram = 80;

type Document = Record<string, unknown>;

/** Every other program is v0 that imports v1, as policies of Witness are. */
const inV0 = ({ module, input }: RandomProgram): RandomProgram => ({
	module: module.replace('package test\n', 'package test\nimport rego.v1\n'),
	input,
});

function ours({ module, input }: RandomProgram, version: Version): Document {
	const compiled = compileModules([{ name: 'test.rego', text: module }], { version });
	if (compiled.kind === 'invalid') assert.fail(compiled.problems.map(describeProblem).join('\n'));
	const answer = evaluateQuery(compiled.program, 'x = data.test', { input: input as Value, nowNs: 0n, version: 'v1' });
	if (answer.kind === 'error') assert.fail(describeProblem(answer.problem));
	return toPlain(answer.results[0]?.get('x') ?? {}) as Document;
}

function theirs({ module, input }: RandomProgram, version: Version, folder: string): Document {
	const files = { 'test.rego': module, 'input.json': JSON.stringify(input) };
	const args = ['eval', '-d', 'test.rego', '-i', 'input.json', '--format', 'json', 'data.test'];
	if (version === 'v0') args.push('--v0-compatible');
	const { stdout, stderr } = runOpa(folder, files, args);
	const printed = JSON.parse(stdout) as { result?: { expressions: { value: Document }[] }[]; errors?: unknown };
	const value = printed.result?.[0]?.expressions[0]?.value;
	if (value === undefined) assert.fail(`opa: ${JSON.stringify(printed.errors)} ${stderr}`);
	return value;
}

test('programs at random: the same document as opa', { skip }, () => {
	assert.ok(opa.kind === 'opa');
	for (const [i, sample] of fc.sample(randomProgram(rulesPerProgram), { numRuns: programs, seed }).entries()) {
		const version = i % 2 === 0 ? 'v1' : 'v0';
		const program = version === 'v1' ? sample : inV0(sample);
		const expected = theirs(program, version, opa.folder);
		const got = ours(program, version);
		for (const name of new Set([...Object.keys(expected), ...Object.keys(got)])) {
			const source = program.module
				.split('\n')
				.filter((line) => line.includes(`${name} `) || line.startsWith(`${name}[`));
			const context = `${source.join('\n')}\ninput: ${JSON.stringify(program.input)}\nseed: ${seed}`;
			assert.deepEqual(got[name], expected[name], context);
		}
	}
});
