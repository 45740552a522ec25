// Terms: scalars, variables, references, calls, collections, comprehensions, templates.
// The readers of terms, operators and bodies call one another, as the grammar does.
import type { Place } from '../errors.ts';
import type { Call, Constant, ObjectTerm, Ref, Term } from './ast.ts';
import {
	attempt,
	type Cursor,
	constant,
	current,
	expect,
	expectedFailure,
	Failure,
	failure,
	here,
	isAt,
	isName,
	nested,
	take,
	takeIf,
	variable,
} from './cursor.ts';
import { numberOf } from './number.ts';
import { parseBody } from './parse-body.ts';
import { parseListItem, parseOperators } from './parse-operators.ts';
import { parseTemplate } from './parse-template.ts';
import type { TokenKind } from './token.ts';

/** A term without operators around it, with what follows it directly: .name, [index], (arguments). */
export function parseTerm(cursor: Cursor): Term {
	const { kind } = current(cursor);
	if (kind === '{' || kind === '[') return parseBracketed(cursor);
	return parseSuffixes(cursor, parsePrimary(cursor));
}

function parsePrimary(cursor: Cursor): Term {
	const token = current(cursor);
	const place = here(cursor);
	switch (token.kind) {
		case 'string':
			take(cursor);
			return constant(token.text, place);
		case 'number':
		case '.':
			return parseNumber(cursor, false);
		case '-':
			return parseNegative(cursor);
		case '(':
			return parseParenthesized(cursor);
		case 'templatePart':
		case 'templateEnd':
			return parseTemplate(cursor);
		case 'name':
			return parseName(cursor);
		default:
			throw expectedFailure(cursor, 'a term');
	}
}

const scalars = new Map<string, null | boolean>([
	['null', null],
	['true', true],
	['false', false],
]);

function parseName(cursor: Cursor): Term {
	const place = here(cursor);
	const { text } = current(cursor);
	// Outside of rule heads `contains` is an ordinary name: a built-in is called so.
	if (isName(cursor) || text === 'contains') {
		take(cursor);
		return variable(cursor, text, place);
	}
	const scalar = scalars.get(text);
	if (scalar === undefined) throw expectedFailure(cursor, 'a term');
	take(cursor);
	return constant(scalar, place);
}

function parseNumber(cursor: Cursor, negative: boolean): Constant {
	const place = here(cursor);
	const dotted = takeIf(cursor, '.');
	if (!isAt(cursor, 'number')) throw expectedFailure(cursor, 'a number');
	const token = current(cursor);
	const number = numberOf(`${negative ? '-' : ''}${dotted ? '.' : ''}${token.text}`);
	if (number.kind === 'invalid') throw failure(cursor, number.reason, token, number.code);
	take(cursor);
	return constant(number.value, place);
}

/** -3 is a number; -x is 0 - x. */
function parseNegative(cursor: Cursor): Term {
	const place = here(cursor);
	take(cursor);
	if (current(cursor).kind !== 'name') return parseNumber(cursor, true);
	if (!isName(cursor) && current(cursor).text !== 'contains') throw expectedFailure(cursor, 'a number or a name');
	const term = parseSuffixes(cursor, parseName(cursor));
	return { kind: 'call', operator: ['minus'], args: [constant(0, place), term], place };
}

const parseParenthesized = (cursor: Cursor): Term =>
	nested(cursor, () => {
		take(cursor);
		const term = parseOperators(cursor);
		expect(cursor, ')');
		return term;
	});

export function parseSuffixes(cursor: Cursor, head: Term): Term {
	let term = head;
	for (;;) {
		const token = current(cursor);
		if (token.spaced || (token.kind !== '.' && token.kind !== '[' && token.kind !== '(')) return term;
		term = token.kind === '(' ? parseCall(cursor, term) : parseRef(cursor, term);
		if (term.kind === 'call' && current(cursor).kind === '(') return term;
	}
}

function parseRef(cursor: Cursor, head: Term): Ref {
	if (head.kind === 'constant' || head.kind === 'template')
		throw failure(cursor, 'a reference cannot begin with a scalar');
	const path: Term[] = head.kind === 'ref' ? [...head.path] : [];
	for (let next = current(cursor); !next.spaced && (next.kind === '.' || next.kind === '['); next = current(cursor)) {
		path.push(next.kind === '.' ? parseField(cursor) : parseIndex(cursor));
		checkPath(cursor, path);
	}
	return { kind: 'ref', head: head.kind === 'ref' ? head.head : head, path, place: head.place };
}

/** Rules form a tree by their paths, which is walked by recursion. */
export const pathMax = 200;

export function checkPath(cursor: Cursor, path: readonly Term[]): void {
	if (path.length > pathMax) throw failure(cursor, `a path has at most ${pathMax} steps`, current(cursor), 'limit');
}

export function parseField(cursor: Cursor): Constant {
	expect(cursor, '.');
	const place = here(cursor);
	// Keywords too: input.if
	const name = current(cursor);
	if (name.kind !== 'name' || name.spaced) throw expectedFailure(cursor, 'a name after .');
	take(cursor);
	return constant(name.text, place);
}

export const parseIndex = (cursor: Cursor): Term =>
	nested(cursor, () => {
		expect(cursor, '[');
		const index = parseOperators(cursor);
		expect(cursor, ']');
		return index;
	});

function parseCall(cursor: Cursor, callee: Term): Term {
	const operator = calleeName(callee);
	if (operator === null) throw failure(cursor, 'only a function, which is a name or a path of names, can be called');
	const { place } = callee;
	const args = parseArguments(cursor);
	if (args.length === 0 && operator.length === 1 && operator[0] === 'set') return { kind: 'set', items: [], place };
	const call: Call = { kind: 'call', operator, args, place };
	return call;
}

export const parseArguments = (cursor: Cursor): Term[] =>
	nested(cursor, () => {
		expect(cursor, '(');
		const args = parseList(cursor, ')');
		expect(cursor, ')');
		return args;
	});

export function calleeName(callee: Term): string[] | null {
	if (callee.kind === 'variable') return [callee.name];
	if (callee.kind !== 'ref' || callee.head.kind !== 'variable') return null;
	const names = [callee.head.name];
	for (const term of callee.path) {
		if (term.kind !== 'constant' || typeof term.value !== 'string') return null;
		names.push(term.value);
	}
	return names;
}

/** Items up to `end`, which is not taken; a comma may follow the last. */
function parseList(cursor: Cursor, end: TokenKind, first: Term[] = []): Term[] {
	const items = first;
	while (!isAt(cursor, end)) {
		items.push(parseListItem(cursor));
		if (isAt(cursor, end)) break;
		expect(cursor, ',', `, or ${end}`);
	}
	return items;
}

/** {…} and […] with what follows; remembered, since the grammar has to try them as comprehensions first. */
function parseBracketed(cursor: Cursor): Term {
	const start = cursor.at;
	const known = cursor.bracketed.get(start);
	if (known instanceof Failure) throw known;
	if (known !== undefined) {
		cursor.at = known.end;
		return known.term;
	}
	const read = attempt(cursor, () =>
		parseSuffixes(cursor, nested(cursor, isAt(cursor, '[') ? parseArray : parseSetOrObject)),
	);
	if (read instanceof Failure) {
		cursor.bracketed.set(start, read);
		throw read;
	}
	cursor.bracketed.set(start, { term: read, end: cursor.at });
	return read;
}

function parseArray(cursor: Cursor): Term {
	const place = here(cursor);
	take(cursor);
	if (takeIf(cursor, ']')) return { kind: 'array', items: [], place };
	const comprehension = takeIf(cursor, ',') ? null : parseComprehension(cursor, 'array', place);
	if (comprehension !== null && !(comprehension instanceof Failure)) return comprehension;
	const items = orFurther(cursor, comprehension, () => {
		const list = parseList(cursor, ']');
		expect(cursor, ']');
		return list;
	});
	return { kind: 'array', items, place };
}

function parseSetOrObject(cursor: Cursor): Term {
	const place = here(cursor);
	take(cursor);
	if (takeIf(cursor, '}')) return { kind: 'object', entries: [], place };
	const leadingComma = takeIf(cursor, ',');
	const comprehension = leadingComma ? null : parseComprehension(cursor, 'set', place);
	if (comprehension !== null && !(comprehension instanceof Failure)) return comprehension;
	return orFurther(cursor, comprehension, () => {
		const first = parseListItem(cursor);
		if (isAt(cursor, ':')) return parseObject(cursor, first, place, !leadingComma);
		if (!takeIf(cursor, ',') && !isAt(cursor, '}')) throw expectedFailure(cursor, ', or : or }');
		const items = parseList(cursor, '}', [first]);
		expect(cursor, '}');
		return { kind: 'set', items, place };
	});
}

/** Of two failed readings, the failure that got further. */
function orFurther<T>(cursor: Cursor, before: Failure | null, read: () => T): T {
	if (before === null) return read();
	const result = attempt(cursor, read);
	if (!(result instanceof Failure)) return result;
	throw result.at > before.at ? result : before;
}

/** `term | body`: null where no | follows the first term, a failure where what follows is no body: {a | b, c} is a set. */
function parseComprehension(cursor: Cursor, of: 'array' | 'set', place: Place): Term | Failure | null {
	const start = cursor.at;
	const value = attempt(cursor, parseTerm);
	if (value instanceof Failure || !isAt(cursor, '|')) {
		cursor.at = start;
		return null;
	}
	const body = attempt(cursor, () => {
		take(cursor);
		return parseBody(cursor, of === 'array' ? ']' : '}');
	});
	if (!(body instanceof Failure)) return { kind: 'comprehension', of, key: null, value, body, place };
	cursor.at = start;
	return body;
}

/** After the first key. */
function parseObject(cursor: Cursor, key: Term, place: Place, maybeComprehension: boolean): Term {
	expect(cursor, ':');
	const start = cursor.at;
	let tried: Failure | null = null;
	if (maybeComprehension) {
		const value = attempt(cursor, parseTerm);
		if (!(value instanceof Failure) && isAt(cursor, '|')) {
			const body = attempt(cursor, () => {
				take(cursor);
				return parseBody(cursor, '}');
			});
			if (!(body instanceof Failure)) return { kind: 'comprehension', of: 'object', key, value, body, place };
			tried = body;
		}
		cursor.at = start;
	}
	return orFurther(cursor, tried, () => parseEntries(cursor, key, place));
}

function parseEntries(cursor: Cursor, firstKey: Term, place: Place): ObjectTerm {
	const entries: [Term, Term][] = [[firstKey, parseListItem(cursor)]];
	while (!takeIf(cursor, '}')) {
		expect(cursor, ',', ', or }');
		if (takeIf(cursor, '}')) break;
		const key = parseListItem(cursor);
		expect(cursor, ':');
		entries.push([key, parseListItem(cursor)]);
	}
	return { kind: 'object', entries, place };
}
