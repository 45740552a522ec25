// Bodies: expressions that must all hold, separated by line ends or semicolons.
import type { Expression, Ref, Statement, Term, With } from './ast.ts';
import {
	attempt,
	type Cursor,
	current,
	expect,
	expectedFailure,
	Failure,
	failure,
	here,
	isAt,
	isKeyword,
	isName,
	nested,
	take,
	takeIf,
	takeKeyword,
	variable,
} from './cursor.ts';
import { parseOperators } from './parse-operators.ts';
import { parseTerm } from './parse-term.ts';

/** Up to `end`, which is taken too. */
export const parseBody = (cursor: Cursor, end: '}' | ']'): Expression[] =>
	nested(cursor, () => {
		if (isAt(cursor, end)) throw failure(cursor, 'a body must hold at least one expression');
		const body: Expression[] = [];
		for (;;) {
			body.push(parseExpression(cursor));
			if (takeIf(cursor, ';')) continue;
			if (takeIf(cursor, end)) return body;
			if (isAt(cursor, 'end')) throw expectedFailure(cursor, end);
			// A { here is often the next rule's: the } before it is missing.
			if (!current(cursor).newline) throw expectedFailure(cursor, `a new line, ; or ${end}`, true);
		}
	});

export function parseExpression(cursor: Cursor): Expression {
	const place = here(cursor);
	const negated = takeKeyword(cursor, 'not');
	for (const keyword of ['some', 'every']) {
		if (negated && isKeyword(cursor, keyword)) throw failure(cursor, `not cannot stand before ${keyword}`);
	}
	const node = negated && isAt(cursor, '{') ? parseNegatedBraces(cursor) : parseStatement(cursor);
	return { negated, node, with: parseWiths(cursor), place };
}

/** `not { … }` over a body is of OPA's second version of the language; over a set or an object it is a term. */
function parseNegatedBraces(cursor: Cursor): Statement {
	const token = current(cursor);
	const statement = attempt(cursor, parseStatement);
	if (!(statement instanceof Failure)) return statement;
	if (attempt(cursor, parseBracedBody) instanceof Failure) throw statement;
	throw failure(cursor, 'not before a body in braces is not supported', token, 'unsupported');
}

export function parseBracedBody(cursor: Cursor): Expression[] {
	expect(cursor, '{');
	return parseBody(cursor, '}');
}

function parseStatement(cursor: Cursor): Statement {
	if (takeKeyword(cursor, 'some')) return parseSome(cursor);
	if (takeKeyword(cursor, 'every')) return parseEvery(cursor);
	const left = parseOperators(cursor);
	if (takeIf(cursor, ':=')) return { kind: 'assign', left, right: parseOperators(cursor) };
	if (takeIf(cursor, '=')) return { kind: 'unify', left, right: parseOperators(cursor) };
	return calledOperator(left) ?? { kind: 'term', term: left };
}

/** eq(x, y) and assign(x, y) are = and := in the form of calls. */
function calledOperator(term: Term): Statement | null {
	if (term.kind !== 'call' || term.operator.length !== 1 || term.args.length !== 2) return null;
	const [left, right] = term.args as [Term, Term];
	if (term.operator[0] === 'eq') return { kind: 'unify', left, right };
	return term.operator[0] === 'assign' ? { kind: 'assign', left, right } : null;
}

function parseSome(cursor: Cursor): Statement {
	const membership = attempt(cursor, () => {
		const domain = parseMembership(cursor);
		if (domain === null) throw expectedFailure(cursor, 'in');
		return domain;
	});
	if (!(membership instanceof Failure)) return { kind: 'someIn', ...membership };
	const names: string[] = [];
	do {
		if (!isName(cursor)) throw expectedFailure(cursor, 'a variable after some');
		const { text } = take(cursor);
		names.push(variable(cursor, text, here(cursor)).name);
		// The failure above says more than that a line should end here.
		if (current(cursor).kind !== ',' && !endsDeclaration(cursor)) throw membership;
	} while (takeIf(cursor, ','));
	return { kind: 'some', names };
}

function endsDeclaration(cursor: Cursor): boolean {
	const { kind, newline } = current(cursor);
	return newline || kind === ';' || kind === '}' || kind === ']' || kind === ')' || kind === 'end';
}

interface Membership {
	key: Term | null;
	value: Term;
	domain: Term;
}

/** `x in xs` or `k, v in xs`; null where it is another term. */
function parseMembership(cursor: Cursor): Membership | null {
	const term = parseOperators(cursor);
	if (term.kind !== 'call' || term.operator[0] !== 'internal') return null;
	const [first, second, third] = term.args as [Term, Term, Term | undefined];
	if (term.operator[1] === 'member_2') return { key: null, value: first, domain: second };
	return third === undefined ? null : { key: first, value: second, domain: third };
}

function parseEvery(cursor: Cursor): Statement {
	const membership = parseMembership(cursor);
	if (membership === null) throw expectedFailure(cursor, 'in: every x in xs { … }');
	const { key, value, domain } = membership;
	if (value.kind !== 'variable') throw failure(cursor, 'the value of every must be a variable');
	if (key !== null && key.kind !== 'variable') throw failure(cursor, 'the key of every must be a variable');
	expect(cursor, '{', '{ with the body of every');
	return { kind: 'every', key: key?.name ?? null, value: value.name, domain, body: parseBody(cursor, '}') };
}

function parseWiths(cursor: Cursor): With[] {
	const withs: With[] = [];
	for (let place = here(cursor); takeKeyword(cursor, 'with'); place = here(cursor)) {
		const target = parseTarget(cursor);
		if (!takeKeyword(cursor, 'as')) throw expectedFailure(cursor, 'as');
		withs.push({ target, value: parseOperators(cursor), place });
	}
	return withs;
}

/** A reference, of an empty path where it is a single name. */
function parseTarget(cursor: Cursor): Ref {
	if (!isName(cursor)) throw expectedFailure(cursor, 'input, data or the name of a function after with');
	const token = current(cursor);
	const term = parseTerm(cursor);
	if (term.kind === 'ref') return term;
	if (term.kind === 'variable') return { kind: 'ref', head: term, path: [], place: term.place };
	throw failure(cursor, 'expected a path after with', token);
}
