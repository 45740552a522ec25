// docs/rego.md tells limits, refusals and the score: it must not say anything else than the code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { builtins, refusedBuiltins } from '@affidavit/rego/builtins/registry.ts';
import { statementsMax } from '@affidavit/rego/compile/body.ts';
import { dependenciesMax } from '@affidavit/rego/compile/check-recursion.ts';
import { problemsMax } from '@affidavit/rego/compile/program.ts';
import { defaultLimits, missesMax, resultsMax } from '@affidavit/rego/eval/limits.ts';
import { nestingMax } from '@affidavit/rego/syntax/cursor.ts';
import { depthMax } from '@affidavit/rego/syntax/depth.ts';
import { textLengthMax, tokensMax } from '@affidavit/rego/syntax/lex.ts';
import { digitsMax } from '@affidavit/rego/syntax/number.ts';
import { pathMax } from '@affidavit/rego/syntax/parse-term.ts';
import { valueDepthMax } from '@affidavit/rego/value/work.ts';

const docs = readFileSync(new URL('../../docs/rego.md', import.meta.url), 'utf8');

/** The second column of the row that begins with `name`. */
function cell(name: string): string {
	const row = docs.split('\n').find((line) => line.startsWith(`| ${name}`));
	assert.ok(row !== undefined, `docs/rego.md has no row ${name}`);
	return (row.split('|')[2] ?? '').trim();
}

const limits: [row: string, value: number][] = [
	['characters of a module', textLengthMax],
	['tokens of a module', tokensMax],
	['brackets, bodies and calls', nestingMax],
	['levels of an expression', depthMax],
	['steps of a path', pathMax],
	['characters of a number', digitsMax],
	['ways in which the rules', dependenciesMax],
	['steps of one evaluation', defaultLimits.steps],
	['rules and functions within', defaultLimits.depth],
	['items that rules', defaultLimits.outputItems],
	['results of a query', resultsMax],
	['expressions of a body', statementsMax],
	['composites within', valueDepthMax],
	['missing reads', missesMax],
	['problems that', problemsMax],
];

for (const [row, value] of limits) {
	test(`the limit on ${row} is as documented`, () => assert.equal(cell(row), value.toLocaleString('en-US')));
}

test('the limit on text is as documented', () => {
	assert.equal(cell('text that built-ins make'), `${defaultLimits.outputBytes / 1024 / 1024} MiB`);
});

test('every refused built-in is named, alone or with its family', () => {
	for (const name of refusedBuiltins.keys()) {
		const families = name.split('.').map((_, i, parts) => `${parts.slice(0, i).join('.')}.*`);
		assert.ok(
			[name, ...families].some((shown) => docs.includes(`\`${shown}\``)),
			name,
		);
	}
});

test('every built-in that is known is named', () => {
	const missing = [...builtins.keys()].filter((name) => !name.startsWith('internal.') && !docs.includes(`\`${name}\``));
	assert.deepEqual(missing, []);
});
