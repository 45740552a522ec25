// Rego's source to its syntax tree, v0 and v1. Spec: OPA's policy reference (grammar).
import type { Problem } from '../errors.ts';
import type { Expression, Import, Module } from './ast.ts';
import { type Cursor, expectedFailure, Failure, failure, isAt, isKeyword, takeIf } from './cursor.ts';
import { depthProblem } from './depth.ts';
import { lex } from './lex.ts';
import { parseExpression } from './parse-body.ts';
import { parseImport, parsePackage } from './parse-header.ts';
import { parseRules } from './parse-rule.ts';

export interface ParseOptions {
	version: 'v0' | 'v1';
}

export type ParsedModule = { kind: 'module'; module: Module } | { kind: 'invalid'; problems: Problem[] };
export type ParsedQuery = { kind: 'query'; query: Expression[] } | { kind: 'invalid'; problems: Problem[] };

const keywordsV0 = ['package', 'import', 'as', 'default', 'else', 'not', 'some', 'with', 'null', 'true', 'false'];
const keywordsV1 = [...keywordsV0, 'if', 'contains', 'in', 'every'];

/** `source.name` is what problems call the module. */
export function parseModule(source: { name: string; text: string }, options: ParseOptions): ParsedModule {
	const cursor = cursorOver(source.name, source.text, options);
	return reading(cursor, () => {
		const module = parseStatements(cursor, options.version);
		const problem = depthProblem(module.rules);
		if (problem !== null) cursor.problems.push(problem);
		return cursor.problems.length > 0 ? { kind: 'invalid', problems: cursor.problems } : { kind: 'module', module };
	});
}

/** Expressions as they stand in a body, without the braces; for tests and tools. */
export function parseQuery(text: string, options: ParseOptions, name = 'query'): ParsedQuery {
	const cursor = cursorOver(name, text, options);
	return reading(cursor, () => {
		const query: Expression[] = [];
		do {
			query.push(parseExpression(cursor));
			takeIf(cursor, ';');
		} while (!isAt(cursor, 'end'));
		const problem = depthProblem(query);
		return problem === null ? { kind: 'query', query } : { kind: 'invalid', problems: [problem] };
	});
}

function cursorOver(module: string, text: string, { version }: ParseOptions): Cursor {
	const strict = version === 'v1';
	const names = strict ? keywordsV1 : keywordsV0;
	return {
		module,
		tokens: lex(text),
		at: 0,
		keywords: new Set(names),
		strict,
		templates: strict,
		reserved: new Set(names),
		nesting: 0,
		wildcards: 0,
		unit: null,
		bracketed: new Map(),
		problems: [],
	};
}

/** The one place where the parser's giving up becomes a result. */
function reading<T>(cursor: Cursor, read: () => T): T | { kind: 'invalid'; problems: Problem[] } {
	try {
		return read();
	} catch (cause) {
		if (!(cause instanceof Failure)) throw cause;
		return { kind: 'invalid', problems: [...cursor.problems, cause.problem] };
	}
}

function parseStatements(cursor: Cursor, version: 'v0' | 'v1'): Module {
	if (isAt(cursor, 'end')) throw failure(cursor, 'the module is empty');
	if (!isKeyword(cursor, 'package')) throw expectedFailure(cursor, 'package at the beginning of the module');
	const module: Module = { name: cursor.module, package: parsePackage(cursor), imports: [], rules: [], version };
	const imports: Import[] = module.imports;
	while (!isAt(cursor, 'end')) {
		// Brackets of a rule are read; the next rule has its own.
		cursor.bracketed.clear();
		if (isKeyword(cursor, 'package')) throw failure(cursor, 'a module has one package, at its beginning');
		if (isKeyword(cursor, 'import')) {
			const imported = parseImport(cursor);
			if (imported !== null) imports.push(imported);
			continue;
		}
		for (const rule of parseRules(cursor)) module.rules.push(rule);
	}
	module.version = cursor.strict ? 'v1' : 'v0';
	return module;
}
