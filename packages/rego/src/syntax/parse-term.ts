// Terms: scalars, variables, references, calls.
// The readers of terms, operators and bodies call one another, as the grammar does.
import type { Call, Constant, Ref, Term } from './ast.ts';
import {
	type Cursor,
	constant,
	current,
	expect,
	expectedFailure,
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
import { parseBracketed } from './parse-collection.ts';
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
export function parseList(cursor: Cursor, end: TokenKind, first: Term[] = []): Term[] {
	const items = first;
	while (!isAt(cursor, end)) {
		items.push(parseListItem(cursor));
		if (isAt(cursor, end)) break;
		expect(cursor, ',', `, or ${end}`);
	}
	return items;
}
