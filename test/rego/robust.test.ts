// Programs with mistakes are refused or evaluated; nothing throws, and nothing takes long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileModules, evaluateQuery } from '@affidavit/rego/rego.ts';
import type { Value } from '@affidavit/rego/value/value.ts';
import fc from 'fast-check';
import { brokenModules } from './mistakes.ts';
import { randomProgram } from './random-program.ts';

const seed = Number(process.env['AFFIDAVIT_REGO_SEED'] ?? 1);
const programs = Number(process.env['AFFIDAVIT_REGO_PROGRAMS'] ?? 20);
const rulesPerProgram = 12;
const mistakesPerProgram = 20;
const evaluationMsMax = 5_000;

test('programs with mistakes end in results or in problems', () => {
	let compiledOnes = 0;
	for (const { module, input } of fc.sample(randomProgram(rulesPerProgram), { numRuns: programs, seed })) {
		for (const text of brokenModules([module], mistakesPerProgram, seed)) {
			const begin = performance.now();
			const compiled = compileModules([{ name: 'm', text }], { version: 'v1' });
			if (compiled.kind === 'invalid') {
				assert.ok(compiled.problems.length > 0, text);
				for (const { message, place } of compiled.problems) assert.ok(message !== '' && place.row >= 1, text);
				continue;
			}
			compiledOnes++;
			const answer = evaluateQuery(compiled.program, 'x = data', { input: input as Value, nowNs: 0n, version: 'v1' });
			assert.ok(answer.kind === 'results' || answer.problem.message !== '', text);
			assert.ok(performance.now() - begin < evaluationMsMax, text);
		}
	}
	assert.ok(compiledOnes > 0);
});
