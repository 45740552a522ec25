// Calls with as many arguments as the function takes, and replacements (`with`) of what can be replaced.
import type { Problem } from '../errors.ts';
import { visitClause } from './check-walk.ts';
import type { CallNode, ClauseIr, Statement } from './ir.ts';
import { findNode, type RuleTree } from './rule-tree.ts';

export function callProblems(tree: RuleTree, clauses: readonly ClauseIr[]): Problem[] {
	const problems: Problem[] = [];
	for (const clause of clauses) {
		visitClause(clause, {
			call: (node) => checkArity(node, problems),
			with: (statement) => checkTargets(statement, tree, problems),
		});
	}
	return problems;
}

/** A call with one argument more, for the result, is an equation by now. */
function checkArity({ name, target, args, place }: CallNode, problems: Problem[]): void {
	const arity = target.kind === 'builtin' ? target.builtin.arity : (target.node.group?.arity ?? 0);
	if (args.length === arity) return;
	if (target.kind === 'builtin' && target.builtin.variadic === true && args.length > arity) return;
	const message = `${name} takes ${count(arity, 'argument')}, not ${args.length}`;
	problems.push({ code: 'compile', message, place });
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

type WithStatement = Extract<Statement, { kind: 'with' }>;

function checkTargets({ targets, place }: WithStatement, tree: RuleTree, problems: Problem[]): void {
	for (const target of targets) {
		const message =
			target.kind === 'data'
				? refusedDocument(target.node.path, tree)
				: target.kind === 'function'
					? refusedFunction(target.name)
					: null;
		if (message !== null) problems.push({ code: 'compile', message, place });
	}
}

/** Part of what a rule makes cannot be replaced, only all of it. */
function refusedDocument(path: readonly string[], tree: RuleTree): string | null {
	for (let length = 1; length < path.length; length++) {
		const group = findNode(tree.root, path.slice(0, length))?.group ?? null;
		if (group !== null) return `with cannot replace a part of ${group.name}, which a rule makes`;
	}
	return null;
}

const irreplaceable = new Set(['eq', 'walk', 'print', 'rego.metadata.chain', 'rego.metadata.rule']);

const refusedFunction = (name: string): string | null =>
	irreplaceable.has(name) || name.startsWith('internal.') ? `with cannot replace the built-in ${name}` : null;
