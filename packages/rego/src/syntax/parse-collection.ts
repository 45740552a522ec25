// Arrays, sets, objects and the comprehensions that begin like them.
import type { Place } from '../errors.ts';
import type { ObjectTerm, Term } from './ast.ts';
import { attempt, type Cursor, expect, expectedFailure, Failure, here, isAt, nested, take, takeIf } from './cursor.ts';
import { parseBody } from './parse-body.ts';
import { parseListItem } from './parse-operators.ts';
import { parseList, parseSuffixes, parseTerm } from './parse-term.ts';

/** {…} and […] with what follows; remembered, since the grammar has to try them as comprehensions first. */
export function parseBracketed(cursor: Cursor): Term {
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
