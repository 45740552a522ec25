// Modules to a program: the tree of rules, names, order and safety, closures. A program holds no state of an evaluation.
import type { Builtin } from '../builtins/builtin.ts';
import { builtins, refusedBuiltins } from '../builtins/registry.ts';
import type { Problem } from '../errors.ts';
import type { CompiledClause, CompiledGroup } from '../eval/document.ts';
import type { Position } from '../eval/run.ts';
import type { Expression, Module } from '../syntax/ast.ts';
import { compareValues, equalValues } from '../value/compare.ts';
import { checkClauses, checkModules } from './check-modules.ts';
import { compileClause } from './clause.ts';
import { clauseIndex } from './clause-index.ts';
import type { ProgramContext } from './context.ts';
import type { ClauseIr } from './ir.ts';
import { compileQuery, type Query, queryClause, resolveQuery } from './query.ts';
import { resolveRule } from './resolve-rule.ts';
import { buildRuleTree, type RuleGroup } from './rule-tree.ts';
import { type ModuleScope, moduleScope, type Resolution } from './scope.ts';

export interface Program extends ProgramContext {
	modules: readonly Module[];
	/** Null where the program was compiled without one. */
	query: Query | null;
}

export type Compiled = { kind: 'program'; program: Program } | { kind: 'invalid'; problems: Problem[] };

/** Problems by module, row and column; problems found twice once. */
export const problemsMax = 100;

export function compileProgram(
	modules: readonly Module[],
	query: readonly Expression[] | null,
	at: Position,
): Compiled {
	const { tree, problems } = buildRuleTree(modules);
	problems.push(...checkModules(modules, tree));
	if (problems.length > 0) return invalid(problems);
	const mocked = new Set<string>();
	const resolution: Resolution = { tree, builtins, refused: refusedBuiltins, mocked, problems };
	const scopes = new Map<Module, ModuleScope>();
	for (const module of modules) scopes.set(module, moduleScope(resolution, module));
	const resolved = tree.groups.map((group) =>
		group.rules.map(({ module, rule }) => ({
			isDefault: rule.default,
			ir: resolveRule(rule, scopes.get(module) as ModuleScope),
		})),
	);
	const queryIr = query === null ? null : resolveQuery(query, resolution);
	const clausesOf = resolved.map((rules) => rules.map(({ ir }) => ir));
	if (queryIr !== null) clausesOf.push([queryClause(queryIr)]);
	problems.push(...checkClauses(tree, clausesOf));
	if (problems.length > 0) return invalid(problems);
	const program: Program = {
		tree,
		groups: [],
		mocked,
		problems,
		builtins: builtins as ReadonlyMap<string, Builtin>,
		documents: tree.nodes,
		joins: 0,
		modules,
		query: null,
	};
	// Calls hold on to the group that they call, so all are there before the first is compiled.
	program.groups.push(...tree.groups.map(emptyGroup));
	program.groups.forEach((group, i) => {
		at.place = group.place;
		compileGroup(group, resolved[i] ?? [], program);
	});
	if (queryIr !== null) program.query = compileQuery(queryIr, program);
	return problems.length > 0 ? invalid(problems) : { kind: 'program', program };
}

function emptyGroup({ id, kind, node, name, arity, rules }: RuleGroup): CompiledGroup {
	const place = rules[0]?.rule.place ?? { module: '', row: 1, column: 1 };
	return { id, kind, node, name, arity, clauses: [], index: null, fallback: null, constant: false, slots: 0, place };
}

function compileGroup(
	group: CompiledGroup,
	rules: readonly { isDefault: boolean; ir: ClauseIr }[],
	program: ProgramContext,
): void {
	for (const { isDefault, ir } of rules) {
		const clause = compileClause(ir, group.kind, program);
		if (isDefault) group.fallback = clause;
		else group.clauses.push(clause);
	}
	group.slots = Math.max(...[...group.clauses, group.fallback].map(slotsOf));
	const irs = rules.filter(({ isDefault }) => !isDefault).map(({ ir }) => ir);
	group.constant = isConstant(irs);
	if (group.kind === 'function') group.index = clauseIndex(irs, group.clauses);
}

const slotsOf = (clause: CompiledClause | null): number =>
	clause === null ? 0 : Math.max(clause.slots, ...clause.otherwise.map(slotsOf));

/** Whether every clause gives one and the same constant. */
function isConstant(clauses: readonly ClauseIr[]): boolean {
	const first = clauses[0]?.value;
	if (first === undefined || first === null || first.kind !== 'constant') return false;
	return clauses.every(
		({ value, otherwise }) =>
			otherwise.length === 0 && value?.kind === 'constant' && equalValues(value.value, first.value),
	);
}

function invalid(problems: readonly Problem[]): Compiled {
	const order = (problem: Problem) => [problem.place.module, problem.place.row, problem.place.column, problem.message];
	const sorted = [...problems].sort((a, b) => compareValues(order(a), order(b)));
	const unique = sorted.filter(
		(problem, i) => i === 0 || compareValues(order(problem), order(sorted[i - 1] as Problem)) !== 0,
	);
	return { kind: 'invalid', problems: unique.slice(0, problemsMax) };
}
