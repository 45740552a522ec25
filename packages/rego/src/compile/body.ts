// A body: ordered, then compiled statement by statement.
import type { Problem } from '../errors.ts';
import type { Get, Test } from '../eval/machine.ts';
import type { Bound, ClauseContext, Op } from './context.ts';
import { compileGet } from './get.ts';
import type { Node, Statement } from './ir.ts';
import { compileJoin, compileRowJoin } from './join.ts';
import { lift } from './lift.ts';
import { orderBody, outputsOf, type Unsafe } from './order.ts';
import { compileEvery, compileNot, compileSomeIn } from './quantifiers.ts';
import { madeUpName } from './scope.ts';
import { compileUnify, equality } from './unify.ts';
import { compileWith } from './with.ts';

/** Statements of one body; ordering them takes the square of it. */
export const statementsMax = 2_000;

/** How many expressions after a row are looked at for an equation on it. */
const joinedDistanceMax = 20;

/** `heads` are used after the body. null where something is unsafe, which is a problem of the program then. */
export function compileBody(
	body: readonly Statement[],
	heads: readonly Node[],
	bound: Bound,
	ctx: ClauseContext,
): Op[] | null {
	const { problems } = ctx.program;
	const first = body[0];
	if (first !== undefined && body.length > statementsMax) {
		problems.push({ code: 'limit', message: `a body has at most ${statementsMax} expressions`, place: first.place });
		return null;
	}
	const place = first?.place ?? ctx.place;
	const uses = heads.map((term): Statement => ({ kind: 'term', term, place }));
	const { ordered, unsafe } = orderBody(body, new Set(bound));
	const known = new Set(bound);
	for (const statement of ordered) for (const slot of outputsOf(statement, known) ?? []) known.add(slot);
	const open = [...unsafe, ...orderBody(uses, known).unsafe];
	if (open.length > 0) {
		problems.push(...unsafeProblems(open));
		return null;
	}
	return compileOrdered(ordered, bound, ctx);
}

/** Made-up locals are unsafe only because of others, or of wildcards. */
function unsafeProblems(open: readonly Unsafe[]): Problem[] {
	const named = open.filter(({ local }) => !local.name.startsWith(madeUpName));
	const places = new Map((named.length > 0 ? named : open).map(({ local, place }) => [shownName(local.name), place]));
	return [...places].map(([name, place]) => ({ code: 'compile', message: `var ${name} is unsafe`, place }));
}

const shownName = (name: string): string => (name.startsWith('$') ? '_' : name);

/** A row and a later equation on its field are one join. */
function compileOrdered(ordered: readonly Statement[], bound: Bound, ctx: ClauseContext): Op[] {
	const ops: Op[] = [];
	const waiting = [...ordered];
	for (let statement = waiting.shift(); statement !== undefined; statement = waiting.shift()) {
		ops.push(...(joinLater(statement, waiting, bound, ctx) ?? compileStatement(statement, bound, ctx)));
	}
	return ops;
}

function joinLater(statement: Statement, later: Statement[], bound: Bound, ctx: ClauseContext): Op[] | null {
	if (statement.kind !== 'unify') return null;
	const near = later.slice(0, joinedDistanceMax);
	for (const [i, test] of near.entries()) {
		const ops = compileRowJoin(statement, test, bound, ctx);
		if (ops === null) continue;
		later.splice(i, 1);
		return ops;
	}
	return null;
}

export function compileStatement(statement: Statement, bound: Bound, ctx: ClauseContext): Op[] {
	switch (statement.kind) {
		case 'term':
			return compileTerm(statement, bound, ctx);
		case 'unify':
			return compileJoin(statement.left, statement.right, bound, ctx) ?? compileUnify(statement, bound, ctx);
		case 'not':
			return [compileNot(statement.inner, bound, ctx)];
		case 'with':
			return compileWith(statement, bound, ctx);
		case 'someIn':
			return compileSomeIn(statement, bound, ctx);
		case 'every':
			return compileEvery(statement, bound, ctx);
		default:
			return statement satisfies never;
	}
}

function compileTerm({ term }: Extract<Statement, { kind: 'term' }>, bound: Bound, ctx: ClauseContext): Op[] {
	const ops: Op[] = [];
	const isEqual = term.kind === 'call' && term.name === 'equal' && !ctx.program.mocked.has('equal');
	if (isEqual && term.args.length === 2) {
		const [left, right] = term.args as [Node, Node];
		const join = compileJoin(left, right, bound, ctx);
		if (join !== null) return join;
		const a = lift(left, bound, ops, ctx);
		const b = lift(right, bound, ops, ctx);
		ops.push({ kind: 'test', test: equality(a, b, bound, ctx) });
		return ops;
	}
	const get = compileGet(lift(term, bound, ops, ctx), bound, ctx);
	ops.push({ kind: 'test', test: holds(get) });
	return ops;
}

const holds =
	(get: Get): Test =>
	(m, f) => {
		const value = get(m, f);
		return value !== undefined && value !== false;
	};
