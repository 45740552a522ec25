// Rules that cannot stand beside one another at one path. Kinds and arities are the rule tree's; the rest is here.
import type { Problem } from '../errors.ts';
import type { Module, Rule } from '../syntax/ast.ts';
import { type DocNode, type RuleGroup, type RuleTree, splitHead } from './rule-tree.ts';

export function conflictProblems(tree: RuleTree, modules: readonly Module[]): Problem[] {
	const problems: Problem[] = [];
	const packages = new Map<string, Module>();
	for (const module of modules) packages.set(pathKey(module.package), module);
	const visit = (node: DocNode): void => {
		if (node.group !== null) {
			checkDefaults(node.group, problems);
			checkExtent(node, node.group, problems);
			checkPackages(node, node.group, packages, problems);
			checkElements(node.group, problems);
		}
		for (const child of node.children.values()) visit(child);
	};
	visit(tree.root);
	return problems;
}

const pathKey = (path: readonly string[]): string => path.map((name) => JSON.stringify(name)).join('.');

function checkDefaults({ name, rules }: RuleGroup, problems: Problem[]): void {
	const defaults = rules.filter(({ rule }) => rule.default);
	if (defaults.length < 2) return;
	const rows = defaults.map(({ rule }) => `${rule.place.module}:${rule.place.row}`).join(', ');
	const { place } = (defaults[1] as (typeof defaults)[0]).rule;
	problems.push({ code: 'compile', message: `multiple default rules ${name} found at ${rows}`, place });
}

/** p = 1 beside p.q = 2: the first leaves no room for the second. Objects (p[x] = y) do, but not for functions. */
function checkExtent(node: DocNode, group: RuleGroup, problems: Problem[]): void {
	const below = node.children.size === 0 ? null : firstBelow(node, group.kind === 'object');
	if (below === null || group.rules.length === 0) return;
	const [{ rule }] = group.rules as [RuleGroup['rules'][0]];
	problems.push({
		code: 'compile',
		message: `rule ${group.name} conflicts with ${below.name} below it`,
		place: rule.place,
	});
}

function firstBelow(node: DocNode, functionsOnly: boolean): RuleGroup | null {
	for (const child of node.children.values()) {
		const { group } = child;
		if (group !== null && group.rules.length > 0 && (!functionsOnly || group.kind === 'function')) return group;
		const below = firstBelow(child, functionsOnly);
		if (below !== null) return below;
	}
	return null;
}

function checkPackages(
	{ path }: DocNode,
	group: RuleGroup,
	packages: ReadonlyMap<string, Module>,
	problems: Problem[],
): void {
	const owner = packages.get(pathKey(path));
	const fixed = group.rules.find(({ rule }) => splitHead(rule).keys.length === 0);
	if (owner === undefined || fixed === undefined) return;
	const message = `the package of ${owner.name} has the path of the rule ${group.name}`;
	problems.push({ code: 'compile', message, place: fixed.rule.place });
}

/** p[x] = y beside p[x] contains y: one makes values, the other sets. */
function checkElements({ kind, name, rules }: RuleGroup, problems: Problem[]): void {
	if (kind !== 'object') return;
	const first = rules[0]?.rule.kind;
	const other = rules.find(({ rule }) => rule.kind !== first);
	if (first === undefined || other === undefined) return;
	const message = `conflicting rules ${name} found: ${describe(first)} and ${describe(other.rule.kind)} under one path`;
	problems.push({ code: 'compile', message, place: other.rule.place });
}

const describe = (kind: Rule['kind']): string => (kind === 'set' ? 'sets' : 'single values');
