// One published case through our evaluator, and whether the answer is OPA's.
import { describeProblem, type Problem, type RegoErrorCode } from '@affidavit/rego/errors.ts';
import { compileModules, evaluateQuery } from '@affidavit/rego/rego.ts';
import { compareValues, equalValues } from '@affidavit/rego/value/compare.ts';
import { isArray, objectOf, RegoSet, type Value } from '@affidavit/rego/value/value.ts';
import { excerpt, toJson } from './answer-json.ts';
import type { PublishedCase } from './published-cases.ts';

export type Outcome =
	| { kind: 'passed' }
	/** Outside the declared subset; the reason names the construct or the built-in. */
	| { kind: 'refused'; reason: string }
	| { kind: 'failed'; reason: string };

/** Of time.now_ns; no published case depends on it. */
const nowNs = 1_700_000_000_000_000_000n;

export function runCase(published: PublishedCase): Outcome {
	const sources = published.modules.map((text, i) => ({ name: `test-${i}.rego`, text }));
	const compiled = compileModules(sources, { version: published.version });
	if (compiled.kind === 'invalid') return stopped(compiled.problems, published);
	const input = published.inputTerm === null ? published.input : termValue(published.inputTerm);
	// OPA parses the queries of its cases as v1, whatever the modules are.
	const answer = evaluateQuery(compiled.program, published.query, {
		...(input === undefined ? {} : { input }),
		...(published.data === null ? {} : { data: published.data }),
		nowNs,
		strictBuiltinErrors: published.strictError,
		version: 'v1',
	});
	if (answer.kind === 'error') return stopped([answer.problem], published);
	if (published.wantErrorCode !== null)
		return { kind: 'failed', reason: `no error, but ${published.wantErrorCode} is due` };
	return compared(published, answer.results);
}

function termValue(term: string): Value {
	const compiled = compileModules([], { version: 'v1' });
	if (compiled.kind === 'invalid') throw new Error('no modules do not compile');
	const answer = evaluateQuery(compiled.program, `x = ${term}`, { nowNs, version: 'v1' });
	const value = answer.kind === 'results' ? answer.results[0]?.get('x') : undefined;
	if (value === undefined) throw new Error(`input_term has no value: ${term}`);
	return value;
}

const codes = new Map<string, readonly RegoErrorCode[]>([
	['eval_builtin_error', ['builtin']],
	['eval_type_error', ['builtin']],
	['eval_conflict_error', ['conflict']],
	['any', ['builtin', 'conflict']],
]);

/** A function that OPA's own test program registers, and OPA does not know. */
const ofTheTestSuite = new Set(['undefined function test.sleep']);

function stopped(problems: readonly Problem[], { wantErrorCode }: PublishedCase): Outcome {
	const refused = problems.find(({ code, message }) => code === 'unsupported' || ofTheTestSuite.has(message));
	if (refused !== undefined) return { kind: 'refused', reason: refused.message };
	const wanted = wantErrorCode === null ? [] : (codes.get(wantErrorCode) ?? []);
	if (problems.some(({ code }) => wanted.includes(code))) return { kind: 'passed' };
	return {
		kind: 'failed',
		reason: problems.map((problem) => `${problem.code}: ${describeProblem(problem)}`).join('; '),
	};
}

type Row = ReadonlyMap<string, Value>;

function compared(published: PublishedCase, rows: readonly Row[]): Outcome {
	const { wantResult, sortBindings, ignoreGeneratedVars } = published;
	if (wantResult === null) return { kind: 'failed', reason: 'the case wants nothing' };
	const got = RegoSet.of(rows.map((row) => rowValue(row, sortBindings, ignoreGeneratedVars)));
	const want = RegoSet.of(wantResult.map((row) => objectOf(Object.entries(row))));
	if (equalValues(got, want)) return { kind: 'passed' };
	return { kind: 'failed', reason: `got ${excerpt(got)}, want ${excerpt(want)}` };
}

/** A result as JSON, in which a set is an array in Rego's order. */
function rowValue(row: Row, sortBindings: boolean, ignoreGeneratedVars: boolean): Value {
	const entries: [string, Value][] = [];
	for (const [name, value] of row) {
		if (ignoreGeneratedVars && name.startsWith('__localq')) continue;
		const json = toJson(value);
		entries.push([name, sortBindings && isArray(json) ? [...json].sort(compareValues) : json]);
	}
	return objectOf(entries);
}
