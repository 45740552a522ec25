// The rules of all modules by their path below data; several modules may add to one package, several rules to one document.
import type { Problem } from '../errors.ts';
import type { Module, Rule, Term } from '../syntax/ast.ts';

export interface DocNode {
	/** Index of its cached document. */
	id: number;
	/** Below data. */
	path: string[];
	children: Map<string, DocNode>;
	group: RuleGroup | null;
	/** Whether a rule is here or below, so that there is a document even where no rule has a value. */
	ruled: boolean;
	/** Whether some `with` of the program replaces this document. */
	replaceable: boolean;
}

/** All rules of one document. */
export interface RuleGroup {
	/** Index of its compiled form. */
	id: number;
	/** object: at least one head continues with a variable after the group's path; its elements may be sets. */
	kind: 'complete' | 'set' | 'object' | 'function';
	/** data.a.b */
	name: string;
	node: DocNode;
	rules: { module: Module; rule: Rule }[];
	/** Of a function. */
	arity: number;
}

export interface RuleTree {
	root: DocNode;
	groups: RuleGroup[];
	/** How many nodes there are; their ids are below it. */
	nodes: number;
}

const docNode = (id: number, path: string[]): DocNode => ({
	id,
	path,
	children: new Map(),
	group: null,
	ruled: false,
	replaceable: false,
});

/** The node of a path, made where there is none. */
export function nodeAt(tree: RuleTree, from: DocNode, path: readonly string[]): DocNode {
	let node = from;
	for (const name of path) {
		let child = node.children.get(name);
		if (child === undefined) {
			child = docNode(tree.nodes++, [...node.path, name]);
			node.children.set(name, child);
		}
		node = child;
	}
	return node;
}

/** The node of a path that must exist; null where the tree has none. */
export function findNode(root: DocNode, path: readonly string[]): DocNode | null {
	let node: DocNode | undefined = root;
	for (const name of path) {
		node = node.children.get(name);
		if (node === undefined) return null;
	}
	return node;
}

const textOf = (term: Term): string | null =>
	term.kind === 'constant' && typeof term.value === 'string' ? term.value : null;

/** The head's names up to its first variable, and the terms that follow. */
export function splitHead(rule: Rule): { names: string[]; keys: Term[] } {
	const names: string[] = [];
	for (const term of rule.head) {
		const name = textOf(term);
		if (name === null) break;
		names.push(name);
	}
	return { names, keys: rule.head.slice(names.length) };
}

export function buildRuleTree(modules: readonly Module[]): { tree: RuleTree; problems: Problem[] } {
	const tree: RuleTree = { root: docNode(0, []), groups: [], nodes: 1 };
	const problems: Problem[] = [];
	for (const module of modules) {
		const base = nodeAt(tree, tree.root, module.package);
		// A package without rules is an empty object.
		markRuled(tree.root, module.package);
		for (const rule of module.rules) addRule(tree, base, module, rule, problems);
	}
	return { tree, problems };
}

function addRule(tree: RuleTree, base: DocNode, module: Module, rule: Rule, problems: Problem[]): void {
	const { names, keys } = splitHead(rule);
	const node = nodeAt(tree, base, names);
	markRuled(tree.root, node.path);
	const kind = rule.kind === 'function' ? 'function' : keys.length > 0 ? 'object' : rule.kind;
	node.group ??= {
		id: tree.groups.length,
		kind,
		name: ['data', ...node.path].join('.'),
		node,
		rules: [],
		arity: rule.args.length,
	};
	const group = node.group;
	if (group.id === tree.groups.length) tree.groups.push(group);
	// A set whose elements p[x] = y share the path is a conflict that only the document's builder can tell apart.
	if (group.kind !== kind || (kind === 'function' && group.arity !== rule.args.length)) {
		problems.push({
			code: 'compile',
			message: `conflicting rules named ${group.name} found: a ${group.kind} rule and a ${kind} rule`,
			place: rule.place,
		});
		return;
	}
	group.rules.push({ module, rule });
}

function markRuled(root: DocNode, path: readonly string[]): void {
	let node: DocNode | undefined = root;
	root.ruled = true;
	for (const name of path) {
		node = node?.children.get(name);
		if (node !== undefined) node.ruled = true;
	}
}
