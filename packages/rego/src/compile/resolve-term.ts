// Terms with their names resolved. Ground composites become constants, so that a literal allow list is one set for all evaluations.
import type { Place } from '../errors.ts';
import type { Call, Comprehension, Expression, Ref, Template, Term } from '../syntax/ast.ts';
import { objectOf, RegoSet, type Value } from '../value/value.ts';
import type { CallNode, ComprehensionNode, Node } from './ir.ts';
import { bodyNames, declaredNames, directNames } from './names.ts';
import { resolveBody } from './resolve-body.ts';
import { type DocNode, findNode } from './rule-tree.ts';
import { declare, findGlobal, findLocal, globalNode, nestedScope, type Scope } from './scope.ts';

export function resolveTerm(term: Term, scope: Scope): Node {
	switch (term.kind) {
		case 'constant':
			return { kind: 'constant', value: term.value };
		case 'variable':
			return resolveName(term.name, term.place, scope);
		case 'ref':
			return resolveRef(term, scope);
		case 'array':
		case 'set':
			return composite(
				term.kind,
				term.items.map((item) => resolveTerm(item, scope)),
			);
		case 'object':
			return objectNode(term.entries.map(([key, value]) => [resolveTerm(key, scope), resolveTerm(value, scope)]));
		case 'comprehension':
			return resolveComprehension(term, scope);
		case 'call':
			return resolveCall(term, scope);
		case 'template':
			return resolveTemplate(term, scope);
		default:
			return term satisfies never;
	}
}

function composite(kind: 'array' | 'set', items: Node[]): Node {
	const values: Value[] = [];
	for (const item of items) {
		if (item.kind !== 'constant') return { kind, items };
		values.push(item.value);
	}
	return { kind: 'constant', value: kind === 'array' ? values : RegoSet.of(values) };
}

function objectNode(entries: [Node, Node][]): Node {
	const values: [Value, Value][] = [];
	for (const [key, value] of entries) {
		if (key.kind !== 'constant' || value.kind !== 'constant') return { kind: 'object', entries };
		values.push([key.value, value.value]);
	}
	return { kind: 'constant', value: objectOf(values) };
}

function resolveName(name: string, place: Place, scope: Scope): Node {
	const local = findLocal(scope, name);
	if (local !== undefined) return local;
	const path = findGlobal(scope.module, name);
	return path === null ? declare(scope, name) : globalNode(path, place);
}

function resolveRef(ref: Ref, scope: Scope): Node {
	const base = resolveTerm(ref.head, scope);
	const path = ref.path.map((part) => resolveTerm(part, scope));
	if (base.kind === 'data') return { kind: 'data', path: [...base.path, ...path], place: ref.place };
	if (base.kind === 'ref') return { kind: 'ref', base: base.base, path: [...base.path, ...path], place: ref.place };
	return { kind: 'ref', base, path, place: ref.place };
}

/** A closure's scope, with the names that it brings into being. */
export function closureScope(
	terms: readonly Term[],
	body: readonly Expression[],
	parent: Scope,
): { scope: Scope; firstSlot: number } {
	const scope = nestedScope(parent);
	const firstSlot = scope.slots.next;
	declareNames(terms, body, scope);
	return { scope, firstSlot };
}

/** The implicit ones; what the body declares comes into being where it is declared, not before. */
export function declareNames(terms: readonly Term[], body: readonly Expression[], scope: Scope): void {
	const declared = new Set<string>();
	declaredNames(body, declared);
	const names = new Set<string>();
	for (const term of terms) directNames(term, names);
	bodyNames(body, names);
	for (const name of names) {
		if (declared.has(name) || findLocal(scope, name) !== undefined) continue;
		if (findGlobal(scope.module, name) === null) declare(scope, name);
	}
}

function resolveComprehension(term: Comprehension, parent: Scope): ComprehensionNode {
	const heads = term.key === null ? [term.value] : [term.key, term.value];
	const { scope, firstSlot } = closureScope(heads, term.body, parent);
	const body = resolveBody(term.body, scope);
	const key = term.key === null ? null : resolveTerm(term.key, scope);
	const value = resolveTerm(term.value, scope);
	return { kind: 'comprehension', of: term.of, key, value, body, firstSlot, place: term.place };
}

function resolveTemplate({ parts, place }: Template, parent: Scope): Node {
	const resolved = parts.map((part): string | ComprehensionNode => {
		if (typeof part === 'string') return part;
		const { scope, firstSlot } = closureScope([part], [], parent);
		const value = resolveTerm(part, scope);
		return { kind: 'comprehension', of: 'set', key: null, value, body: [], firstSlot, place: part.place };
	});
	return { kind: 'template', parts: resolved, place };
}

function resolveCall(call: Call, scope: Scope): Node {
	const args = call.args.map((arg) => resolveTerm(arg, scope));
	const found = resolveOperator(call.operator, call.place, scope);
	if (found === null) return { kind: 'constant', value: false };
	return { kind: 'call', name: found.name, target: found.target, args, place: call.place };
}

/** The function or built-in of that name; null where there is none, which is then a problem of the program. */
export function resolveOperator(
	operator: readonly string[],
	place: Place,
	{ module }: Scope,
): Pick<CallNode, 'name' | 'target'> | null {
	const { tree, builtins, refused, problems } = module.resolution;
	const [first = '', ...rest] = operator;
	const global = findGlobal(module, first);
	if (global !== null) {
		const path = [...global, ...rest];
		const node = global[0] === 'data' ? functionAt(tree.root, path.slice(1)) : null;
		if (node !== null) return { name: path.join('.'), target: { kind: 'function', node } };
		// A rule or an import hides built-ins of its name, as in OPA.
		problems.push({ code: 'compile', message: `undefined function ${path.join('.')}`, place });
		return null;
	}
	const name = operator.join('.');
	const builtin = builtins.get(name);
	if (builtin !== undefined) return { name, target: { kind: 'builtin', builtin } };
	const reason = refused.get(name);
	problems.push(
		reason === undefined
			? { code: 'compile', message: `undefined function ${name}`, place }
			: { code: 'unsupported', message: `${name} is not supported: ${reason}`, place },
	);
	return null;
}

function functionAt(root: DocNode, path: readonly string[]): DocNode | null {
	const node = findNode(root, path);
	return node?.group?.kind === 'function' ? node : null;
}
