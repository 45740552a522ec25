// `npm run rego:conformance [-- --update] [-- --only CATEGORY]`: OPA's published cases through our evaluator.
// --update rewrites test/rego/expected-passes.json and the table of docs/rego.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadPublishedCases } from './published-cases.ts';
import { floorOf, markdownTable, type Score, scoreCases, totals } from './score.ts';

const floorFile = fileURLToPath(new URL('./expected-passes.json', import.meta.url));
const docsFile = fileURLToPath(new URL('../../docs/rego.md', import.meta.url));
const begin = '<!-- conformance: begin -->';
const end = '<!-- conformance: end -->';

const { values } = parseArgs({
	options: { update: { type: 'boolean', default: false }, only: { type: 'string' } },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const published = loadPublishedCases();
if (published.kind === 'absent') {
	say(`OPA's published cases are not here: ${published.reason}.`);
	process.exitCode = 2;
} else {
	const { only } = values;
	const score = scoreCases(only === undefined ? published.cases : published.cases.filter((c) => c.category === only));
	print(score);
	if (values.update && only === undefined) update(score);
}

function print(score: Score): void {
	for (const { name, reason } of score.failures) say(`FAILED ${name}\n       ${reason}`);
	for (const [reason, count] of [...score.refusals].sort((a, b) => b[1] - a[1])) say(`refused ${count}: ${reason}`);
	const { cases, passed, refused, failed } = totals(score);
	say(`${cases} cases: ${passed} passed, ${refused} refused by name, ${failed} failed`);
}

function update(score: Score): void {
	writeFileSync(floorFile, `${JSON.stringify(floorOf(score), null, '\t')}\n`);
	const docs = readFileSync(docsFile, 'utf8');
	const from = docs.indexOf(begin);
	const to = docs.indexOf(end);
	if (from === -1 || to === -1) throw new Error(`${docsFile} has no place for the table`);
	writeFileSync(docsFile, `${docs.slice(0, from + begin.length)}\n${markdownTable(score)}\n${docs.slice(to)}`);
}
