// Rules: heads of every form, bodies, chained bodies, else. The result of one declaration may be several rules.
import type { Constant, Else, Expression, Rule, Term } from './ast.ts';
import { checkDefault } from './check-default.ts';
import {
	attempt,
	type Cursor,
	constant,
	current,
	expectedFailure,
	Failure,
	failure,
	following,
	here,
	isAt,
	isKeyword,
	isName,
	take,
	takeIf,
	takeKeyword,
	variable,
} from './cursor.ts';
import { parseBracedBody, parseExpression } from './parse-body.ts';
import { parseOperators } from './parse-operators.ts';
import { checkPath, parseArguments, parseField, parseIndex } from './parse-term.ts';
import type { Token } from './token.ts';

interface Head {
	path: [Constant, ...Term[]];
	/** null: no function. */
	args: Term[] | null;
	/** After `contains`. */
	key: Term | null;
	/** After = or := */
	value: Term | null;
	begin: Token;
	/** White space stands before the first [ or (. */
	spaced: boolean;
}

export function parseRules(cursor: Cursor): Rule[] {
	const begin = current(cursor);
	const isDefault = takeKeyword(cursor, 'default');
	if (!isName(cursor)) throw notARule(cursor, isDefault);
	cursor.unit = `the rule ${current(cursor).text.slice(0, 60)} begins at row ${begin.row}`;
	const head = parseHead(cursor);
	const rules = isDefault ? [checkDefault(cursor, parseDefault(head), begin)] : parseDeclaration(cursor, head);
	cursor.unit = null;
	return rules;
}

function notARule(cursor: Cursor, isDefault: boolean): Failure {
	const { kind, text } = current(cursor);
	if (kind === 'name' && (isDefault || ruleNameFollowers.has(following(cursor).text))) {
		return failure(cursor, `the keyword ${text} cannot be used as the name of a rule`);
	}
	return expectedFailure(cursor, isDefault ? 'the name of a rule after default' : 'a rule');
}

const ruleNameFollowers = new Set([':=', '=', 'if', 'contains', '(']);

function parseHead(cursor: Cursor): Head {
	const begin = current(cursor);
	const place = here(cursor);
	take(cursor);
	const path: [Constant, ...Term[]] = [constant(variable(cursor, begin.text, place).name, place)];
	let args: Term[] | null = null;
	let spacedHead = false;
	// White space may stand before the first [ or ( of a head that a body follows, unlike anywhere else.
	for (let first = true; args === null; first = false) {
		const { kind, spaced } = current(cursor);
		if (spaced && !first) break;
		spacedHead ||= spaced && (kind === '.' || kind === '[' || kind === '(');
		if (kind === '.') path.push(parseField(cursor));
		else if (kind === '[') path.push(parseIndex(cursor));
		else if (kind === '(') args = parseArguments(cursor);
		else break;
		checkPath(cursor, path);
	}
	// `set()` is the empty set wherever it stands.
	if (args?.length === 0 && path.length === 1 && begin.text === 'set')
		throw failure(cursor, 'set() cannot be the name of a rule');
	const head: Head = { path, args, key: null, value: null, begin, spaced: spacedHead };
	if (takeKeyword(cursor, 'contains')) {
		if (args !== null) throw failure(cursor, 'contains makes a set; a function cannot be one');
		head.key = parseOperators(cursor);
	} else if (takeIf(cursor, '=') || takeIf(cursor, ':=')) head.value = parseOperators(cursor);
	return head;
}

const parseDefault = (head: Head): Rule => ({ ...completeRule(head, []), default: true });

const trueAt = (head: Head): Constant => constant(true, head.path[0].place);

function completeRule(head: Head, body: Expression[]): Rule {
	return {
		kind: head.args !== null && head.args.length > 0 ? 'function' : 'complete',
		default: false,
		head: head.path,
		args: head.args ?? [],
		key: null,
		value: head.value ?? trueAt(head),
		body,
		else: [],
		place: head.path[0].place,
	};
}

function setRule(head: Head, path: [Constant, ...Term[]], key: Term, body: Expression[]): Rule {
	return { ...completeRule(head, body), kind: 'set', head: path, key, value: null };
}

function parseDeclaration(cursor: Cursor, head: Head): Rule[] {
	const hasIf = takeKeyword(cursor, 'if');
	if (!hasIf && !isAt(cursor, '{')) return [bodilessRule(cursor, head)];
	const body = hasIf ? parseIfBody(cursor) : parseBracedBody(cursor);
	if (!hasIf) demandStrictly(cursor, head, 'the keyword if is required before the body of');
	const rule = ruleOf(cursor, head, hasIf, body);
	if (isKeyword(cursor, 'else')) {
		demandElse(cursor, rule, hasIf);
		while (isKeyword(cursor, 'else')) rule.else.push(parseElse(cursor, head));
		if (isAt(cursor, '{')) throw expectedFailure(cursor, 'else before a further body');
	}
	const rules = [rule];
	// p { … } { … }: the same head again.
	while (isAt(cursor, '{')) {
		const place = here(cursor);
		rules.push({
			...rule,
			args: rule.args.map((arg) => freshWildcard(cursor, arg)),
			body: parseBracedBody(cursor),
			place,
		});
	}
	return rules;
}

function demandElse(cursor: Cursor, { kind, head }: Rule, hasIf: boolean): void {
	if (kind === 'set') throw failure(cursor, 'else cannot follow a rule that makes a set');
	if (head.some((term) => term.kind !== 'constant')) {
		throw failure(cursor, 'else cannot follow a rule with variables in its head');
	}
	// As in OPA: without if, p.q is read as p with the key q.
	if (kind === 'complete' && !hasIf && head.length === 2) {
		throw failure(cursor, 'else cannot follow a rule that makes an object');
	}
}

const freshWildcard = (cursor: Cursor, term: Term): Term =>
	term.kind === 'variable' && term.name.startsWith('$') ? variable(cursor, '_', term.place) : term;

/** After `if`: one expression, or a body in braces where these do not read as another value than a set. */
function parseIfBody(cursor: Cursor): Expression[] {
	if (!isAt(cursor, '{')) return [parseExpression(cursor)];
	const start = cursor.at;
	const single = attempt(cursor, parseExpression);
	if (!(single instanceof Failure) && !isSetLiteral(single)) return [single];
	cursor.at = start;
	return parseBracedBody(cursor);
}

/** A set is never false: { x } after `if` is a body. */
const isSetLiteral = ({ node }: Expression): boolean => node.kind === 'term' && node.term.kind === 'set';

/** A body was read: which kind of rule the head makes. */
function ruleOf(cursor: Cursor, head: Head, hasIf: boolean, body: Expression[]): Rule {
	if (head.key !== null) return setRule(head, head.path, head.key, body);
	const [name, key] = head.path;
	// v0: p[x] { … } is a set, p[x] = y { … } an object; a longer head is one value.
	if (hasIf || head.args !== null || head.value !== null || head.path.length !== 2 || key === undefined)
		return completeRule(head, body);
	demandStrictly(cursor, head, 'the keyword contains is required before the element of');
	return setRule(head, [name], key, body);
}

function bodilessRule(cursor: Cursor, head: Head): Rule {
	if (head.key !== null) return setRule(head, head.path, head.key, []);
	if (head.spaced) throw expectedFailure(cursor, `a body of the rule ${String(head.path[0].value)}`);
	if (head.value === null && head.args?.length === 0)
		throw failure(cursor, `the rule ${String(head.path[0].value)} must take at least one argument`);
	if (head.value !== null || head.args !== null) return completeRule(head, []);
	const [name, key] = head.path;
	if (key === undefined) throw expectedFailure(cursor, `a value or a body of the rule ${String(name.value)}`);
	if (head.path.length > 2) {
		demandStrictly(cursor, head, 'a value or a body is required of');
		return completeRule(head, []);
	}
	demandStrictly(cursor, head, 'the keyword contains is required before the element of');
	return setRule(head, [name], key, []);
}

/** Of one module; more would not help whoever reads them. */
const problemsMax = 100;

/** What only v1 demands is noted, and reading goes on. */
function demandStrictly(cursor: Cursor, { begin, path }: Head, demand: string): void {
	if (!cursor.strict || cursor.problems.length >= problemsMax) return;
	const place = { module: cursor.module, row: begin.row, column: begin.column };
	cursor.problems.push({ code: 'parse', message: `${demand} the rule ${String(path[0].value)} (Rego v1)`, place });
}

function parseElse(cursor: Cursor, head: Head): Else {
	const place = here(cursor);
	take(cursor);
	let value: Term = trueAt(head);
	if (takeIf(cursor, '=') || takeIf(cursor, ':=')) value = parseOperators(cursor);
	else if (!isAt(cursor, '{') && !isKeyword(cursor, 'if'))
		throw expectedFailure(cursor, 'a value or a body after else');
	if (takeKeyword(cursor, 'if')) {
		return { value, body: isAt(cursor, '{') ? parseBracedBody(cursor) : [parseExpression(cursor)], place };
	}
	if (!isAt(cursor, '{')) return { value, body: [], place };
	demandStrictly(cursor, head, 'the keyword if is required before the body after else of');
	return { value, body: parseBracedBody(cursor), place };
}
