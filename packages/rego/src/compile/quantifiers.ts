// not, some-in and every.
import { eachRow, iterate } from '../eval/iterate.ts';
import { absorb, costs, enter, type Get, type Next, type Test } from '../eval/machine.ts';
import { flipped, type Misses } from '../eval/misses.ts';
import { type ReadSite, reportMiss } from '../eval/read-site.ts';
import type { Value } from '../value/value.ts';
import { spend } from '../value/work.ts';
import { compileBody, compileStatement } from './body.ts';
import { type Bound, type ClauseContext, compose, type Op, siteOf, temporary, yes } from './context.ts';
import { compileGet } from './get.ts';
import type { EveryStatement, Local, Node, Statement } from './ir.ts';
import { lift } from './lift.ts';
import { compileMatch } from './unify.ts';

/** A read that misses inside makes the negation true: that is no silent pass, so it counts the other way round. */
export function compileNot(inner: Statement, bound: Bound, ctx: ClauseContext): Op {
	const holds = compose(compileStatement(inner, new Set(bound), ctx), yes);
	const test: Test = (m, f) => {
		const outer = m.misses;
		m.misses = null;
		enter(m, 2);
		spend(costs.closure);
		const found = holds(m, f);
		m.nesting -= 2;
		const own: Misses | null = m.misses;
		m.misses = outer;
		if (own !== null) absorb(m, flipped(own), 'sum');
		return !found;
	};
	return { kind: 'test', test };
}

/** The domain, and the site of its items: its own with the key that varies. */
function domainOf(
	domain: Node,
	key: Local,
	place: ReadSite['place'],
	bound: Bound,
	ops: Op[],
	ctx: ClauseContext,
): { rows: Get; site: ReadSite } {
	const node = lift(domain, bound, ops, ctx);
	const getOf = (part: Node) => compileGet(part, bound, ctx);
	const site = siteOf(node, place, ctx, getOf);
	return { rows: getOf(node), site: { ...site, keys: [...site.keys, { kind: 'variable', get: getOf(key) }] } };
}

export function compileSomeIn(
	{ key, value, domain, place }: Extract<Statement, { kind: 'someIn' }>,
	bound: Bound,
	ctx: ClauseContext,
): Op[] {
	const ops: Op[] = [];
	const keyLocal = newLocalOf(key, bound, ctx);
	const { rows, site } = domainOf(domain, keyLocal, place, bound, ops, ctx);
	const valueLocal = newLocalOf(value, bound, ctx);
	ops.push({ kind: 'each', each: iterate(rows, keyLocal.slot, valueLocal.slot, site) });
	bound.add(keyLocal.slot);
	bound.add(valueLocal.slot);
	ctx.sources.set(valueLocal.slot, site);
	const patterns = [
		[key, keyLocal, null],
		[value, valueLocal, site],
	] as const;
	for (const [pattern, local, source] of patterns) {
		if (pattern === null || pattern === local) continue;
		const match = compileMatch(lift(pattern, bound, ops, ctx), bound, ctx, source);
		ops.push({ kind: 'test', test: (m, f) => match(m, f, f[local.slot] as Value) });
	}
	return ops;
}

/** The pattern itself where it is a local without a value yet. */
const newLocalOf = (pattern: Node | null, bound: Bound, ctx: ClauseContext): Local =>
	pattern?.kind === 'local' && !bound.has(pattern.slot) ? pattern : temporary(ctx);

export function compileEvery(statement: EveryStatement, bound: Bound, ctx: ClauseContext): Op[] {
	const ops: Op[] = [];
	const key = statement.key ?? temporary(ctx);
	const { value, place } = statement;
	const { rows, site } = domainOf(statement.domain, key, place, bound, ops, ctx);
	ctx.sources.set(value.slot, site);
	const inner = new Set(bound).add(key.slot).add(value.slot);
	const body = compileBody(statement.body, [], inner, ctx);
	if (body === null) return [];
	const holds = compose(body, yes);
	const fails: Next = (m, f) => !holds(m, f);
	const last = site.keys.length - 1;
	const test: Test = (m, f) => {
		const items = rows(m, f);
		if (items === undefined) return false;
		if (typeof items !== 'object' || items === null) {
			f[key.slot] = undefined;
			reportMiss(m, f, site, last, items);
			return false;
		}
		return !eachRow(m, f, items, key.slot, value.slot, fails);
	};
	return [...ops, { kind: 'test', test }];
}
