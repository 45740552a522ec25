// What a name stands for in one place of a module: a local, input, data, a rule of the package, an import.
import type { Builtin } from '../builtins/builtin.ts';
import type { Place, Problem } from '../errors.ts';
import type { Module } from '../syntax/ast.ts';
import { firstFreeSlot, type Local, type Node } from './ir.ts';
import type { DocNode, RuleTree } from './rule-tree.ts';

/** What the whole program shares while it is resolved. */
export interface Resolution {
	tree: RuleTree;
	builtins: ReadonlyMap<string, Builtin>;
	/** Name of a built-in that OPA knows and we refuse, with the reason. */
	refused: ReadonlyMap<string, string>;
	/** Functions that some `with` replaces. */
	mocked: Set<string>;
	problems: Problem[];
}

export interface ModuleScope {
	resolution: Resolution;
	package: string[];
	/** First names of the package's rules, of any module. */
	rules: ReadonlySet<string>;
	/** Alias to path. */
	imports: ReadonlyMap<string, string[]>;
}

/** A body, with the bodies around it; `slots` is shared by all bodies of a clause. */
export interface Scope {
	module: ModuleScope;
	parent: Scope | null;
	locals: Map<string, Local>;
	slots: { next: number; wildcards: number };
}

/** A function's arguments have the first slots. */
export const clauseScope = (module: ModuleScope, arity: number): Scope => ({
	module,
	parent: null,
	locals: new Map(),
	slots: { next: firstFreeSlot + arity, wildcards: 0 },
});

export const nestedScope = (parent: Scope): Scope => ({ ...parent, parent, locals: new Map() });

export function moduleScope(resolution: Resolution, module: Module): ModuleScope {
	let node: DocNode | undefined = resolution.tree.root;
	for (const name of module.package) node = node?.children.get(name);
	const rules = new Set<string>();
	for (const [name, child] of node?.children ?? []) if (hasRules(child, module.package)) rules.add(name);
	const imports = new Map(module.imports.map(({ alias, path }) => [alias, path]));
	return { resolution, package: module.package, rules, imports };
}

/** Whether a rule of exactly this package, not of a package below it, is at the node or under it. */
function hasRules(node: DocNode, owner: readonly string[]): boolean {
	const own = node.group?.rules.some(({ module }) => samePath(module.package, owner));
	if (own === true) return true;
	for (const child of node.children.values()) if (hasRules(child, owner)) return true;
	return false;
}

const samePath = (a: readonly string[], b: readonly string[]): boolean =>
	a.length === b.length && a.every((name, i) => name === b[i]);

export function newLocal(scope: Scope, name: string): Local {
	return { kind: 'local', slot: scope.slots.next++, name };
}

export const madeUpName = '$local';

export const madeUp = (scope: Scope): Local => newLocal(scope, `${madeUpName}${scope.slots.wildcards++}`);

export function declare(scope: Scope, name: string): Local {
	const local = newLocal(scope, name);
	scope.locals.set(name, local);
	return local;
}

export function findLocal(scope: Scope, name: string): Local | undefined {
	for (let at: Scope | null = scope; at !== null; at = at.parent) {
		const local = at.locals.get(name);
		if (local !== undefined) return local;
	}
	return undefined;
}

/** What a name means that no body declares; null for an implicit variable. */
export function findGlobal(module: ModuleScope, name: string): string[] | null {
	const imported = module.imports.get(name);
	if (imported !== undefined) return imported;
	// In v0 a rule may be called input or data, and hides the document.
	if (module.rules.has(name)) return ['data', ...module.package, name];
	return name === 'input' || name === 'data' ? [name] : null;
}

/** A document by its path, which begins with input or data. */
export function globalNode(path: readonly string[], place: Place): Node {
	const keys = path.slice(1).map((value): Node => ({ kind: 'constant', value }));
	if (path[0] === 'data') return { kind: 'data', path: keys, place };
	const input: Node = { kind: 'input', place };
	return keys.length === 0 ? input : { kind: 'ref', base: input, path: keys, place };
}
