// Bodies with their names resolved, one statement per thing that holds or fails. What OPA evaluates before a negation (arguments of
// its calls) is lifted out of it here, so that `not startswith(input.x, "a")` is undefined, not true, where x is missing.
import type { Place } from '../errors.ts';
import type { Expression, Term, With } from '../syntax/ast.ts';
import type { EveryStatement, Node, Statement, WithTarget } from './ir.ts';
import { patternNames } from './names.ts';
import { liftFromNegation } from './negation.ts';
import { closureScope, resolveOperator, resolveTerm } from './resolve-term.ts';
import { findNode, nodeAt } from './rule-tree.ts';
import { declare, findGlobal, madeUp, nestedScope, type Scope } from './scope.ts';

/** Names of the body are declared already. */
export function resolveBody(body: readonly Expression[], scope: Scope): Statement[] {
	const statements: Statement[] = [];
	for (const expression of body) resolveExpression(expression, scope, statements);
	return statements;
}

function resolveExpression(expression: Expression, scope: Scope, into: Statement[]): void {
	const targets = expression.with.map((item) => resolveWith(item, scope, into)).filter((item) => item !== null);
	const wrap = (inner: Statement): Statement =>
		targets.length === 0 ? inner : { kind: 'with', targets, inner, place: expression.place };
	for (const statement of resolveStatement(expression, scope)) {
		if (!expression.negated) {
			into.push(wrap(statement));
			continue;
		}
		const { lifted, inner } = liftFromNegation(statement, () => madeUp(scope));
		for (const item of lifted) into.push(wrap(item));
		into.push(wrap({ kind: 'not', inner, place: expression.place }));
	}
}

function resolveStatement({ node, place }: Expression, scope: Scope): Statement[] {
	switch (node.kind) {
		case 'some':
			for (const name of node.names) declare(scope, name);
			return [];
		case 'term':
			// Printing is for the author at his desk; a program that is judged says nothing.
			if (isPrint(node.term, scope)) return [];
			return [termStatement(resolveTerm(node.term, scope), place)];
		case 'unify':
			return unifyNodes(resolveTerm(node.left, scope), resolveTerm(node.right, scope), place);
		case 'assign': {
			const right = resolveTerm(node.right, scope);
			declarePatterns([node.left], scope);
			return unifyNodes(resolveTerm(node.left, scope), right, place);
		}
		case 'someIn': {
			const domain = resolveTerm(node.domain, scope);
			declarePatterns(node.key === null ? [node.value] : [node.key, node.value], scope);
			const key = node.key === null ? null : resolveTerm(node.key, scope);
			return [{ kind: 'someIn', key, value: resolveTerm(node.value, scope), domain, place }];
		}
		case 'every':
			return [resolveEvery(node, place, scope)];
		default:
			return node satisfies never;
	}
}

function declarePatterns(patterns: readonly Term[], scope: Scope): void {
	const names = new Set<string>();
	for (const pattern of patterns) patternNames(pattern, names);
	for (const name of names) declare(scope, name);
}

const isPrint = (term: Term, scope: Scope): boolean =>
	term.kind === 'call' &&
	term.operator.length === 1 &&
	term.operator[0] === 'print' &&
	findGlobal(scope.module, 'print') === null;

/** A call with one argument more than it takes unifies the result with it: plus(1, 2, x). */
function termStatement(term: Node, place: Place): Statement {
	if (term.kind !== 'call') return { kind: 'term', term, place };
	const { target, args } = term;
	const arity = target.kind === 'builtin' ? target.builtin.arity : (target.node.group?.arity ?? args.length);
	const output = args[arity];
	if (args.length !== arity + 1 || output === undefined) return { kind: 'term', term, place };
	return {
		kind: 'unify',
		left: output,
		right: { ...term, args: args.slice(0, arity) },
		closed: false,
		output: true,
		place,
	};
}

/** Arrays and objects that face each other are unified item by item, so that each item can wait for what it needs. */
function unifyNodes(left: Node, right: Node, place: Place): Statement[] {
	const never: Statement = { kind: 'term', term: { kind: 'constant', value: false }, place };
	if (left.kind === 'array' && right.kind === 'array') {
		if (left.items.length !== right.items.length) return [never];
		return left.items.flatMap((item, i) => unifyNodes(item, right.items[i] as Node, place));
	}
	if (left.kind === 'object' && right.kind === 'object') {
		const pairs = pairEntries(left.entries, right.entries);
		if (pairs === 'unequal') return [never];
		if (pairs !== 'unknown') return pairs.flatMap(([a, b]) => unifyNodes(a, b, place));
	}
	return [{ kind: 'unify', left, right, closed: false, output: false, place }];
}

/** By constant keys; unknown where a key is none. */
function pairEntries(left: [Node, Node][], right: [Node, Node][]): [Node, Node][] | 'unequal' | 'unknown' {
	const values = new Map<unknown, Node>();
	for (const [key, value] of right) {
		if (key.kind !== 'constant' || typeof key.value === 'object') return 'unknown';
		values.set(key.value, value);
	}
	const pairs: [Node, Node][] = [];
	for (const [key, value] of left) {
		if (key.kind !== 'constant' || typeof key.value === 'object') return 'unknown';
		const other = values.get(key.value);
		if (other === undefined) return 'unequal';
		pairs.push([value, other]);
	}
	return left.length === values.size && left.length === right.length ? pairs : 'unequal';
}

function resolveEvery(
	node: Extract<Expression['node'], { kind: 'every' }>,
	place: Place,
	parent: Scope,
): EveryStatement {
	const domain = resolveTerm(node.domain, parent);
	const firstSlot = parent.slots.next;
	const head = nestedScope(parent);
	const key = node.key === null ? null : declare(head, node.key);
	const value = declare(head, node.value);
	const { scope } = closureScope([], node.body, head);
	return { kind: 'every', key, value, domain, body: resolveBody(node.body, scope), firstSlot, place };
}

/** The value is taken outside of what it replaces; null where the target cannot be replaced, which is a problem. */
function resolveWith({ target, value, place }: With, scope: Scope, into: Statement[]): WithTarget | null {
	const names = namesOf(target.head, target.path);
	const refuse = (message: string): null => {
		scope.module.resolution.problems.push({ code: 'compile', message, place });
		return null;
	};
	if (names === null) return refuse('with target must be a reference without variables');
	const [first = '', ...rest] = names;
	const global = findGlobal(scope.module, first);
	const isFunction = global === null || (global[0] === 'data' && isFunctionPath([...global.slice(1), ...rest], scope));
	if (isFunction) return resolveMock(names, value, place, scope, into);
	const path = [...global.slice(1), ...rest];
	const node = outside(resolveTerm(value, scope), place, scope, into);
	if (global[0] === 'input') return { kind: 'input', path, value: node };
	const { tree } = scope.module.resolution;
	const replaced = nodeAt(tree, tree.root, path);
	replaced.replaceable = true;
	return { kind: 'data', node: replaced, value: node };
}

function resolveMock(names: string[], value: Term, place: Place, scope: Scope, into: Statement[]): WithTarget | null {
	const replaced = resolveOperator(names, place, scope);
	if (replaced === null) return null;
	scope.module.resolution.mocked.add(replaced.name);
	const by = value.kind === 'variable' || value.kind === 'ref' ? functionOf(value, place, scope) : null;
	if (by !== null) return { kind: 'function', name: replaced.name, value: null, by };
	const node = outside(resolveTerm(value, scope), place, scope, into);
	return { kind: 'function', name: replaced.name, value: node, by: null };
}

function functionOf(term: Term, place: Place, scope: Scope): Extract<WithTarget, { kind: 'function' }>['by'] {
	const names = term.kind === 'ref' ? namesOf(term.head, term.path) : term.kind === 'variable' ? [term.name] : null;
	if (names === null) return null;
	const [first = '', ...rest] = names;
	const global = findGlobal(scope.module, first);
	const known =
		global === null ? isBuiltin(names.join('.'), scope) : isFunctionPath([...global.slice(1), ...rest], scope);
	return known ? (resolveOperator(names, place, scope)?.target ?? null) : null;
}

/** Refused ones too, so that they are refused by name. */
const isBuiltin = (name: string, { module: { resolution } }: Scope): boolean =>
	resolution.builtins.has(name) || resolution.refused.has(name);

function isFunctionPath(path: readonly string[], scope: Scope): boolean {
	return findNode(scope.module.resolution.tree.root, path)?.group?.kind === 'function';
}

function namesOf(head: Term, path: readonly Term[]): string[] | null {
	if (head.kind !== 'variable') return null;
	const names = [head.name];
	for (const part of path) {
		if (part.kind !== 'constant' || typeof part.value !== 'string') return null;
		names.push(part.value);
	}
	return names;
}

function outside(value: Node, place: Place, scope: Scope, into: Statement[]): Node {
	if (value.kind === 'constant' || value.kind === 'local') return value;
	const local = madeUp(scope);
	into.push({ kind: 'unify', left: local, right: value, closed: false, output: false, place });
	return local;
}
