// package and import. future.keywords and rego.v1 change how the rest is read and leave nothing in the tree.
import type { Import } from './ast.ts';
import {
	type Cursor,
	current,
	expectedFailure,
	failure,
	futureKeywords,
	here,
	isAt,
	isName,
	take,
	takeKeyword,
	variable,
} from './cursor.ts';
import { calleeName, parseSuffixes } from './parse-term.ts';
import type { Token } from './token.ts';

export function parsePackage(cursor: Cursor): string[] {
	take(cursor);
	return parsePath(cursor, 'the path of the package').names;
}

/** Names after one another: a.b["c"]. Keywords may be among them. */
function parsePath(cursor: Cursor, expected: string): { names: string[]; begin: Token } {
	const begin = current(cursor);
	if (begin.kind !== 'name' || (!isName(cursor) && !cursor.reserved.has(begin.text)))
		throw expectedFailure(cursor, expected);
	const place = here(cursor);
	take(cursor);
	const names = calleeName(parseSuffixes(cursor, variable(cursor, begin.text, place)));
	if (names === null) throw failure(cursor, `${expected} can only hold names and strings`, begin);
	if (isAt(cursor, '-')) throw expectedFailure(cursor, 'a new line');
	return { names, begin };
}

const roots = new Set(['input', 'data', 'future', 'rego']);

/** null for the imports that only change keywords. */
export function parseImport(cursor: Cursor): Import | null {
	const place = here(cursor);
	take(cursor);
	const { names, begin } = parsePath(cursor, 'the path of the import');
	const root = names[0] as string;
	if (!roots.has(root))
		throw failure(cursor, `an import must begin with input, data, future or rego, not with ${root}`, begin);
	const alias = takeKeyword(cursor, 'as') ? parseAlias(cursor) : null;
	if (root === 'future' || root === 'rego') {
		if (alias !== null) throw failure(cursor, `imports of ${root} cannot have an alias`, begin);
		if (root === 'rego') importRego(cursor, names, begin);
		else importFuture(cursor, names, begin);
		return null;
	}
	const last = names.at(-1) as string;
	if (alias === null && cursor.reserved.has(last)) {
		throw failure(cursor, `an import cannot end with the keyword ${last}; give it an alias`, begin);
	}
	return { path: names, alias: alias ?? last, place };
}

function parseAlias(cursor: Cursor): string {
	const token = current(cursor);
	if (!isName(cursor)) throw expectedFailure(cursor, 'a name after as');
	if (token.text === 'input' || token.text === 'data')
		throw failure(cursor, `${token.text} cannot be the alias of an import`);
	take(cursor);
	return token.text;
}

/** Of OPA's second version of the language. */
const laterKeywords = new Set(['not', 'and', 'or']);

function importFuture(cursor: Cursor, names: string[], begin: Token): void {
	const [, keywords, keyword] = names;
	if (keywords !== 'keywords' || names.length > 3)
		throw failure(cursor, 'the only import of future is future.keywords', begin);
	if (keyword !== undefined && laterKeywords.has(keyword)) {
		throw failure(cursor, `import future.keywords.${keyword} is not supported`, begin, 'unsupported');
	}
	if (keyword !== undefined && !futureKeywords.includes(keyword)) {
		throw failure(cursor, `there is no future.keywords.${keyword}; there are contains, every, if and in`, begin);
	}
	for (const name of keyword === undefined ? futureKeywords : [keyword]) cursor.keywords.add(name);
	if (keyword === 'every') cursor.keywords.add('in');
}

function importRego(cursor: Cursor, names: string[], begin: Token): void {
	if (names.length === 2 && names[1] === 'v1') {
		for (const name of futureKeywords) cursor.keywords.add(name);
		cursor.strict = true;
		return;
	}
	if (names.length === 2 && names[1] === 'v2')
		throw failure(cursor, 'import rego.v2 is not supported', begin, 'unsupported');
	throw failure(cursor, 'the only import of rego is rego.v1', begin);
}
