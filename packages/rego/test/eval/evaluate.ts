// What the tests of the evaluator ask: the document of a rule, as plain JSON with sets as sorted arrays.
import assert from 'node:assert/strict';
import { describeProblem } from '../../src/errors.ts';
import { compileModules, type EvaluateOptions, evaluateDocuments } from '../../src/rego.ts';
import { isArray, isObject, isSet, objectEntries, type Value } from '../../src/value/value.ts';

export function plain(value: Value | undefined): unknown {
	if (value === undefined) return undefined;
	if (isSet(value)) return value.items().map(plain);
	if (isArray(value)) return value.map(plain);
	if (!isObject(value)) return value;
	return Object.fromEntries(objectEntries(value).map(([key, item]) => [JSON.stringify(plain(key)), plain(item)]));
}

export interface Asked extends Partial<EvaluateOptions> {
	/** Package t; sources with a package of their own are taken as they stand. */
	modules: string | string[];
	path?: string[];
	version?: 'v0' | 'v1';
}

export const programOf = (modules: string | string[], version: 'v0' | 'v1' = 'v0') =>
	compileModules(
		[modules].flat().map((text, i) => ({
			name: `m${i}.rego`,
			text: text.startsWith('package') ? text : `package t\n${text}`,
		})),
		{ version },
	);

export function evaluate({ modules, path = ['t', 'p'], version = 'v0', ...options }: Asked) {
	const compiled = programOf(modules, version);
	if (compiled.kind === 'invalid') assert.fail(compiled.problems.map(describeProblem).join('; '));
	return evaluateDocuments(compiled.program, [path], { nowNs: 0n, ...options });
}

/** The value of data.t.p, undefined where it has none; `error: code` where the evaluation stops. */
export function answer(asked: Asked): unknown {
	const result = evaluate(asked);
	return result.kind === 'error' ? `error: ${result.problem.code}` : plain(result.documents[0]?.value);
}

/** `path row×count example` of each missing read, `builtin name row×count` of each refusal. */
export function shortfalls(asked: Asked): string[] {
	const result = evaluate({ path: ['t', 'deny'], ...asked });
	if (result.kind === 'error') assert.fail(result.problem.message);
	return (result.documents[0]?.shortfalls ?? [])
		.map(({ kind, subject, example, row, count }) =>
			kind === 'read' ? `${subject} ${row}x${count} ${example}` : `builtin ${subject} ${row}x${count}`,
		)
		.sort();
}

export function problemsOf(modules: string | string[], version: 'v0' | 'v1' = 'v0'): string[] {
	const compiled = programOf(modules, version);
	return compiled.kind === 'invalid' ? compiled.problems.map(describeProblem) : [];
}
