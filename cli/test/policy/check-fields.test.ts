import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { attestorType } from '@affidavit/attest/policy/attestors/registry.ts';
import { commandRunType, materialType } from '@affidavit/attest/type-uris.ts';
import { parseModule } from '@affidavit/rego/syntax/parse.ts';
import { unknownReads } from '../../src/policy/check-fields.ts';

function reads(body: string, type = commandRunType, head = 'package a\n'): string[] {
	const parsed = parseModule({ name: 'm', text: `${head}deny[msg] {\n${body}\nmsg := "x"\n}\n` }, { version: 'v0' });
	assert.ok(parsed.kind === 'module', JSON.stringify(parsed));
	const shape = attestorType(type)?.shape;
	assert.ok(shape);
	return unknownReads(parsed.module, shape).map(({ row, path }) => `${row} ${path}`);
}

suite('found', () => {
	const cases: [string, string, string[]][] = [
		['a field of the input', 'input.exitCode != 0', ['3 input.exitCode']],
		['a field that Witness drops', 'input.processes[_].uid == 0', ['3 input.processes[_].uid']],
		['through a variable', 'p := input.processes[i]\np.args == 1', ['4 p.args']],
		['through unification', 'p = input.processes[_]\np.uid', ['4 p.uid']],
		['below a text', 'input.processes[_].program.name', ['3 input.processes[_].program.name']],
		['under not', 'not input.user', ['3 input.user']],
		['in a call', 'count(input.files) == 0', ['3 input.files']],
		['in a comprehension', 'xs := {x | x := input.processes[_].path}\ncount(xs) > 0', ['3 input.processes[_].path']],
		['a field of a list', 'input.processes.program', ['3 input.processes.program']],
	];
	for (const [what, body, expected] of cases) test(what, () => assert.deepEqual(reads(body), expected));

	test('through an import', () => {
		assert.deepEqual(reads('ps[_].uid', commandRunType, 'package a\nimport input.processes as ps\n'), ['4 ps[_].uid']);
	});
	test('with `in`', () => {
		assert.deepEqual(
			reads('some p in input.processes\np.uid', commandRunType, 'package a\nimport future.keywords.in\n'),
			['5 p.uid'],
		);
	});
});

suite('left alone', () => {
	const cases: [string, string, string?][] = [
		['fields that are there', 'input.processes[_].programdigest.sha256 == input.cmd[0]'],
		['any path of files', 'input["main.go"].sha256 == "x"', materialType],
		['files that a process opened', 'input.processes[_].openedfiles["/etc/passwd"].sha256'],
		['a variable that is bound twice', 'p := input.processes[_]\nq := [p | p := input.cmd[_]]\np.uid == q'],
		['a key that is computed', 'input[sprintf("%s", ["x"])]'],
		['another input', 'helper with input as {"uid": 1}'],
		['data', 'data.a.uid'],
	];
	for (const [what, body, type] of cases) test(what, () => assert.deepEqual(reads(body, type), []));
});
