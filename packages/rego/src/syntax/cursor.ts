// Where the parser stands in the tokens, which names are keywords there, and how it gives up.
import type { Place, Problem, RegoErrorCode } from '../errors.ts';
import type { Constant, Term, Variable } from './ast.ts';
import { describeToken, type Token, type TokenKind } from './token.ts';

/** Brackets, bodies and calls within one another. */
export const nestingMax = 200;

export interface Cursor {
	readonly module: string;
	readonly tokens: readonly Token[];
	at: number;
	readonly keywords: Set<string>;
	/** What v1 demands of rules; also with `import rego.v1`. */
	strict: boolean;
	/** Whether $"…" is known: OPA has it in v1 only, whatever is imported. */
	readonly templates: boolean;
	/** Keywords of the language itself, which no rule or import may be named after. */
	reserved: ReadonlySet<string>;
	nesting: number;
	wildcards: number;
	/** What is being read, for messages: the rule deny begins at row 2. */
	unit: string | null;
	/** Terms in brackets by their first token: each is read once, however often the grammar backtracks. */
	readonly bracketed: Map<number, { term: Term; end: number } | Failure>;
	/** Problems after which reading goes on. */
	readonly problems: Problem[];
}

/** Thrown within the parser and caught by it; never leaves it. */
export class Failure {
	readonly problem: Problem;
	/** Index of the token it is about: of two failed readings, the one that got further tells more. */
	readonly at: number;
	constructor(problem: Problem, at: number) {
		this.problem = problem;
		this.at = at;
	}
}

export const current = (cursor: Cursor): Token => cursor.tokens[cursor.at] as Token;
export const following = (cursor: Cursor): Token => (cursor.tokens[cursor.at + 1] ?? current(cursor)) as Token;

export const placeOf = (cursor: Cursor, token: Token): Place => ({
	module: cursor.module,
	row: token.row,
	column: token.column,
});
export const here = (cursor: Cursor): Place => placeOf(cursor, current(cursor));

const isLast = ({ kind }: Token): boolean => kind === 'end' || kind === 'illegal' || kind === 'limit';

/** The token, and moves past it unless it is the last. */
export function take(cursor: Cursor): Token {
	const token = current(cursor);
	if (!isLast(token)) cursor.at++;
	return token;
}

export const isAt = (cursor: Cursor, kind: TokenKind): boolean => current(cursor).kind === kind;

export function takeIf(cursor: Cursor, kind: TokenKind): boolean {
	if (current(cursor).kind !== kind) return false;
	cursor.at++;
	return true;
}

export function expect(cursor: Cursor, kind: TokenKind, expected: string = kind): Token {
	if (current(cursor).kind !== kind) throw expectedFailure(cursor, expected);
	return take(cursor);
}

const isKeywordToken = (cursor: Cursor, token: Token): boolean =>
	token.kind === 'name' && cursor.keywords.has(token.text);

/** A keyword right before . or [ is the head of a reference: if.x, in["y"]. */
function isRefHead(cursor: Cursor, index: number): boolean {
	const next = cursor.tokens[index + 1];
	return next !== undefined && !next.spaced && (next.kind === '.' || next.kind === '[');
}

export const isKeyword = (cursor: Cursor, keyword: string): boolean =>
	current(cursor).text === keyword &&
	isKeywordToken(cursor, current(cursor)) &&
	// No term can begin where `as` stands.
	(keyword === 'as' || !isRefHead(cursor, cursor.at));

export function takeKeyword(cursor: Cursor, keyword: string): boolean {
	if (!isKeyword(cursor, keyword)) return false;
	cursor.at++;
	return true;
}

/** A name that is no keyword here, or a keyword that begins a reference. */
export function isName(cursor: Cursor): boolean {
	const token = current(cursor);
	return token.kind === 'name' && (!cursor.keywords.has(token.text) || isRefHead(cursor, cursor.at));
}

export function failure(
	cursor: Cursor,
	message: string,
	token: Token = current(cursor),
	code: RegoErrorCode = 'parse',
): Failure {
	return new Failure({ code, message, place: placeOf(cursor, token) }, cursor.at);
}

/** `expected X, found Y`; at the end of the module, and where `tellUnit`, also what is being read. */
export function expectedFailure(cursor: Cursor, expected: string, tellUnit = false): Failure {
	const token = current(cursor);
	const unit = cursor.unit === null ? '' : ` (${cursor.unit})`;
	if (token.kind === 'illegal' || token.kind === 'limit') {
		return failure(cursor, token.text, token, token.kind === 'limit' ? 'limit' : 'parse');
	}
	if (token.kind !== 'end') {
		const found = isKeywordToken(cursor, token)
			? `the keyword ${token.text}`
			: describeToken(token) + hint(cursor, token);
		return failure(cursor, `expected ${expected}, found ${found}${tellUnit ? unit : ''}`);
	}
	return failure(cursor, `expected ${expected} before the end of the module${unit}`);
}

/** Keywords in v1; in v0 names, until they are imported. */
export const futureKeywords: readonly string[] = ['contains', 'every', 'if', 'in'];

const hint = (cursor: Cursor, { kind, text }: Token): string =>
	kind === 'name' && futureKeywords.includes(text) && !cursor.keywords.has(text)
		? `, which is a keyword only after import rego.v1 or import future.keywords.${text}`
		: '';

/** Runs `read` one level deeper. */
export function nested<T>(cursor: Cursor, read: (cursor: Cursor) => T): T {
	if (cursor.nesting >= nestingMax) {
		throw failure(cursor, `nested more than ${nestingMax} levels deep`, current(cursor), 'limit');
	}
	cursor.nesting++;
	const result = read(cursor);
	cursor.nesting--;
	return result;
}

/** The reading, or the failure after which the cursor is back where it was. Limits are not tried again. */
export function attempt<T>(cursor: Cursor, read: (cursor: Cursor) => T): T | Failure {
	const { at, nesting, unit } = cursor;
	const problems = cursor.problems.length;
	try {
		return read(cursor);
	} catch (cause) {
		if (!(cause instanceof Failure) || cause.problem.code === 'limit') throw cause;
		cursor.at = at;
		cursor.nesting = nesting;
		cursor.unit = unit;
		cursor.problems.length = problems;
		return cause;
	}
}

export const constant = (value: Constant['value'], place: Place): Constant => ({ kind: 'constant', value, place });

/** _ is a variable of its own each time. */
export function variable(cursor: Cursor, name: string, place: Place): Variable {
	return { kind: 'variable', name: name === '_' ? `$${cursor.wildcards++}` : name, place };
}
