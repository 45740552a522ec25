// Rules that need themselves. OPA refuses them: a policy always ends.
import type { Place, Problem } from '../errors.ts';
import { visitClause } from './check-walk.ts';
import type { ClauseIr, Node } from './ir.ts';
import type { DocNode, RuleGroup, RuleTree } from './rule-tree.ts';

/** References through variables may reach many rules; more than this many are not followed. */
export const dependenciesMax = 1_000_000;

/** `clausesOf` by the group's id. One problem per cycle found, which names it. */
export function recursionProblems(tree: RuleTree, clausesOf: readonly (readonly ClauseIr[])[]): Problem[] {
	const graph = new Map<RuleGroup, Set<RuleGroup>>();
	let steps = 0;
	const charge = (): boolean => ++steps <= dependenciesMax;
	for (const group of tree.groups) {
		const needed = new Set<RuleGroup>();
		graph.set(group, needed);
		for (const clause of clausesOf[group.id] ?? []) {
			visitClause(clause, {
				data: ({ path }) => collect(tree.root, path, 0, needed, charge),
				document: (node) => collect(node, [], 0, needed, charge),
				call: ({ target }) => {
					if (target.kind === 'function' && target.node.group !== null) needed.add(target.node.group);
				},
			});
		}
	}
	if (steps > dependenciesMax) return [tooMany(tree)];
	return cycles(graph);
}

function tooMany({ groups }: RuleTree): Problem {
	const place = placeOf(groups[0] as RuleGroup);
	return { code: 'limit', message: `rules may depend on one another in more than ${dependenciesMax} ways`, place };
}

const placeOf = ({ rules }: RuleGroup): Place => rules[0]?.rule.place ?? { module: '', row: 1, column: 1 };

/** All rules that a path below data may read: on the way, at its end, and below that. */
function collect(node: DocNode, path: readonly Node[], at: number, into: Set<RuleGroup>, charge: () => boolean): void {
	if (!charge()) return;
	if (node.group !== null) into.add(node.group);
	const step = path[at];
	if (step === undefined || step.kind !== 'constant') {
		for (const child of node.children.values()) collect(child, path, at + 1, into, charge);
		return;
	}
	const child = typeof step.value === 'string' ? node.children.get(step.value) : undefined;
	if (child !== undefined) collect(child, path, at + 1, into, charge);
}

/** More are not told. */
const cyclesMax = 20;

/** Depth-first without recursion: a policy may chain thousands of rules. */
function cycles(graph: ReadonlyMap<RuleGroup, ReadonlySet<RuleGroup>>): Problem[] {
	const problems: Problem[] = [];
	const done = new Set<RuleGroup>();
	for (const start of graph.keys()) {
		if (done.has(start) || problems.length >= cyclesMax) continue;
		const trail = new Map<RuleGroup, Iterator<RuleGroup>>();
		const stack: RuleGroup[] = [];
		const enter = (group: RuleGroup): void => {
			trail.set(group, (graph.get(group) ?? new Set<RuleGroup>()).values());
			stack.push(group);
		};
		enter(start);
		for (let group = stack.at(-1); group !== undefined && problems.length < cyclesMax; group = stack.at(-1)) {
			const next = trail.get(group)?.next();
			if (next === undefined || next.done === true) {
				done.add(group);
				trail.delete(group);
				stack.pop();
			} else if (trail.has(next.value)) problems.push(cycleProblem(stack.slice(stack.indexOf(next.value))));
			else if (!done.has(next.value)) enter(next.value);
		}
	}
	return problems;
}

const namesMax = 10;

function cycleProblem(cycle: readonly RuleGroup[]): Problem {
	const first = cycle[0] as RuleGroup;
	const names = [...cycle, first].map(({ name }) => name);
	const shown = names.length > namesMax ? [...names.slice(0, namesMax - 1), '…', first.name] : names;
	return { code: 'compile', message: `rule ${first.name} is recursive: ${shown.join(' -> ')}`, place: placeOf(first) };
}
