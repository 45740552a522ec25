// A query: a body without a head. Its rows are the values of the variables that it names.
import type { Next } from '../eval/machine.ts';
import type { Expression } from '../syntax/ast.ts';
import { compileBody } from './body.ts';
import { type ClauseContext, compose, type Op, type ProgramContext } from './context.ts';
import type { ClauseIr, Local, Statement } from './ir.ts';
import { resolveBody } from './resolve-body.ts';
import { declareNames } from './resolve-term.ts';
import { clauseScope, type Resolution } from './scope.ts';

export interface QueryIr {
	body: Statement[];
	names: Local[];
	slots: number;
	place: Expression['place'];
}

export interface Query {
	names: readonly Local[];
	slots: number;
	/** Calls `row` for each way in which the query holds. */
	run: (row: Next) => Next;
}

export function resolveQuery(query: readonly Expression[], resolution: Resolution): QueryIr {
	const scope = clauseScope({ resolution, package: [], rules: new Set(), imports: new Map() }, 0);
	declareNames([], query, scope);
	const body = resolveBody(query, scope);
	const names = [...scope.locals.values()].filter(({ name }) => !name.startsWith('$'));
	const place = query[0]?.place ?? { module: 'query', row: 1, column: 1 };
	return { body, names, slots: scope.slots.next, place };
}

/** The query as the static checks see it. */
export const queryClause = ({ body, slots, place }: QueryIr): ClauseIr => ({
	args: [],
	body,
	path: [],
	element: null,
	value: null,
	slots,
	otherwise: [],
	place,
});

export function compileQuery(ir: QueryIr, program: ProgramContext): Query | null {
	const ctx: ClauseContext = { program, slots: ir.slots, sources: new Map(), gets: new Map(), place: ir.place };
	const ops: Op[] | null = compileBody(ir.body, [], new Set(), ctx);
	if (ops === null) return null;
	return { names: ir.names, slots: ctx.slots, run: (row) => compose(ops, row) };
}
