import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoted } from '@affidavit/rego/builtins/value-text.ts';
import { compileModules, evaluateQuery } from '@affidavit/rego/rego.ts';

test('texts are quoted as Go does', () => {
	assert.equal(quoted('a"b\\c'), '"a\\"b\\\\c"');
	assert.equal(quoted('é"\n\u0001'), '"é\\"\\n\\x01"');
	assert.equal(quoted('é😀', true), '"\\u00e9\\U0001f600"');
	assert.equal(quoted(''), '""');
});

test('long texts are quoted piece by piece, and no pair of surrogates is cut', () => {
	const long = `a${'😀'.repeat(70_000)}"`;
	assert.equal(quoted(long), `"a${'😀'.repeat(70_000)}\\""`);
	assert.equal(quoted('"'.repeat(200_000)).length, 400_002);
});

test('texts that double at each level run into a limit, not out of memory', () => {
	const levels = 26;
	const text = `package a\np := ${'$"{{y: y | some y in ['.repeat(levels)}1${']}}"'.repeat(levels)}`;
	const compiled = compileModules([{ name: 'm', text }], { version: 'v1' });
	assert.ok(compiled.kind === 'program');
	const begin = performance.now();
	const answer = evaluateQuery(compiled.program, 'x = data.a.p', { nowNs: 0n });
	assert.equal(answer.kind === 'error' && answer.problem.code, 'limit');
	assert.ok(performance.now() - begin < 5_000);
});
