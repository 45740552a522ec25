// Which names a body brings into being: declared ones (some, :=) and the implicit ones that occur in it outside of closures.
import type { Expression, Statement, Term } from '../syntax/ast.ts';

/** Names that occur in the term itself, not in the bodies of comprehensions and interpolations. */
export function directNames(term: Term, into: Set<string>): void {
	switch (term.kind) {
		case 'constant':
		case 'comprehension':
		case 'template':
			return;
		case 'variable':
			into.add(term.name);
			return;
		case 'ref':
			directNames(term.head, into);
			for (const part of term.path) directNames(part, into);
			return;
		case 'array':
		case 'set':
			for (const item of term.items) directNames(item, into);
			return;
		case 'object':
			for (const [key, value] of term.entries) {
				directNames(key, into);
				directNames(value, into);
			}
			return;
		case 'call':
			for (const arg of term.args) directNames(arg, into);
			return;
		default:
			term satisfies never;
	}
}

/** Variables that a pattern binds: bare ones, and those in arrays and in values of objects. */
export function patternNames(term: Term, into: Set<string>): void {
	if (term.kind === 'variable') into.add(term.name);
	else if (term.kind === 'array') for (const item of term.items) patternNames(item, into);
	else if (term.kind === 'object') for (const [, value] of term.entries) patternNames(value, into);
}

export function declaredNames(body: readonly Expression[], into: Set<string>): void {
	for (const { node } of body) {
		if (node.kind === 'some') for (const name of node.names) into.add(name);
		else if (node.kind === 'assign') patternNames(node.left, into);
		else if (node.kind === 'someIn') {
			if (node.key !== null) patternNames(node.key, into);
			patternNames(node.value, into);
		}
	}
}

export function bodyNames(body: readonly Expression[], into: Set<string>): void {
	for (const expression of body) {
		statementNames(expression.node, into);
		for (const { value } of expression.with) directNames(value, into);
	}
}

function statementNames(node: Statement, into: Set<string>): void {
	switch (node.kind) {
		case 'term':
			directNames(node.term, into);
			return;
		case 'unify':
		case 'assign':
			directNames(node.left, into);
			directNames(node.right, into);
			return;
		case 'some':
			for (const name of node.names) into.add(name);
			return;
		case 'someIn':
			if (node.key !== null) directNames(node.key, into);
			directNames(node.value, into);
			directNames(node.domain, into);
			return;
		case 'every':
			directNames(node.domain, into);
			return;
		default:
			node satisfies never;
	}
}
