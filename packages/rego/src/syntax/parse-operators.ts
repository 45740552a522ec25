// Infix operators. From loosest to tightest: in, relations, |, &, + -, * / %; all lean left.
import type { Call, Term } from './ast.ts';
import { attempt, type Cursor, current, Failure, here, isAt, isKeyword, nested, take, takeKeyword } from './cursor.ts';
import { parseTerm } from './parse-term.ts';

const operators = new Map<string, { name: string; strength: number }>([
	['==', { name: 'equal', strength: 1 }],
	['!=', { name: 'neq', strength: 1 }],
	['<', { name: 'lt', strength: 1 }],
	['<=', { name: 'lte', strength: 1 }],
	['>', { name: 'gt', strength: 1 }],
	['>=', { name: 'gte', strength: 1 }],
	['|', { name: 'or', strength: 2 }],
	['&', { name: 'and', strength: 3 }],
	['+', { name: 'plus', strength: 4 }],
	['-', { name: 'minus', strength: 4 }],
	['*', { name: 'mul', strength: 5 }],
	['/', { name: 'div', strength: 5 }],
	['%', { name: 'rem', strength: 5 }],
]);

/** A term where `k, v in xs` may stand. */
export const parseOperators = (cursor: Cursor): Term => nested(cursor, () => parseMembership(cursor, true));

/** A term in a list, where a comma separates: f(a, b in c) has two arguments. */
export const parseListItem = (cursor: Cursor): Term => nested(cursor, () => parseMembership(cursor, false));

function parseMembership(cursor: Cursor, pairs: boolean): Term {
	const place = here(cursor);
	let left = parseInfix(cursor, 1);
	for (;;) {
		if (pairs && isAt(cursor, ',')) {
			const value = attempt(cursor, pairValue);
			if (!(value instanceof Failure)) {
				left = { kind: 'call', operator: ['internal', 'member_3'], args: [left, value, parseInfix(cursor, 1)], place };
				continue;
			}
			return left;
		}
		if (!takeKeyword(cursor, 'in')) return left;
		left = { kind: 'call', operator: ['internal', 'member_2'], args: [left, parseInfix(cursor, 1)], place };
	}
}

/** `, v in`: the v; fails where it is another comma. */
function pairValue(cursor: Cursor): Term {
	take(cursor);
	const value = parseInfix(cursor, 1);
	if (!isKeyword(cursor, 'in')) throw notAPair;
	take(cursor);
	return value;
}

/** Precedence climbing: operators at least as strong as `strengthMin`. */
function parseInfix(cursor: Cursor, strengthMin: number): Term {
	const place = here(cursor);
	let left = parseTerm(cursor);
	for (;;) {
		const operator = operators.get(current(cursor).kind);
		if (operator === undefined || operator.strength < strengthMin) return left;
		take(cursor);
		const right = parseInfix(cursor, operator.strength + 1);
		const call: Call = { kind: 'call', operator: [operator.name], args: [left, right], place };
		left = call;
	}
}

const notAPair = new Failure({ code: 'parse', message: 'expected in', place: { module: '', row: 1, column: 1 } }, 0);
