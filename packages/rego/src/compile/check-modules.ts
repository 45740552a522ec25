// All static checks, in the two places where the compiler asks for them. Unsafe variables are found where bodies are ordered.
import type { Problem } from '../errors.ts';
import type { Module } from '../syntax/ast.ts';
import { assignmentProblems } from './check-assignments.ts';
import { callProblems } from './check-calls.ts';
import { conflictProblems } from './check-conflicts.ts';
import { nameProblems } from './check-names.ts';
import { operandProblems } from './check-operands.ts';
import { recursionProblems } from './check-recursion.ts';
import { strictProblems } from './check-strict.ts';
import type { ClauseIr } from './ir.ts';
import type { RuleTree } from './rule-tree.ts';

/** Of each stage; more would not help whoever reads them. */
const problemsMax = 100;

/** Before names are resolved. */
export const checkModules = (modules: readonly Module[], tree: RuleTree): Problem[] =>
	[
		...modules.flatMap(assignmentProblems),
		...modules.flatMap(strictProblems),
		...modules.flatMap(nameProblems),
		...conflictProblems(tree, modules),
	].slice(0, problemsMax);

/** After names are resolved; `clausesOf` by the id of the rule group. */
export const checkClauses = (tree: RuleTree, clausesOf: readonly (readonly ClauseIr[])[]): Problem[] =>
	[
		...callProblems(tree, clausesOf.flat()),
		...operandProblems(clausesOf.flat()),
		...recursionProblems(tree, clausesOf),
	].slice(0, problemsMax);
