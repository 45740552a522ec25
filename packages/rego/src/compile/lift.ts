// Takes the iterations out of a term: each becomes a part of the body that runs before it, and leaves a local in its place.
import { iterate } from '../eval/iterate.ts';
import { enter, type Next, step, type Test } from '../eval/machine.ts';
import { isArray, type Value } from '../value/value.ts';
import { compileCall } from './call.ts';
import { type Bound, type ClauseContext, type Op, siteOf, temporary } from './context.ts';
import { compileGet } from './get.ts';
import type { CallNode, Local, Node, RefNode } from './ir.ts';
import { liftData } from './lift-data.ts';
import { hasUnbound } from './locals.ts';
import { compileMatch, type Match } from './unify.ts';

export function lift(node: Node, bound: Bound, ops: Op[], ctx: ClauseContext): Node {
	switch (node.kind) {
		case 'ref': {
			const base = lift(node.base, bound, ops, ctx);
			const path = node.path.map((part) => lift(part, bound, ops, ctx));
			return liftRef({ ...node, base: simple(base, bound, ops, ctx), path }, bound, ops, ctx);
		}
		case 'data': {
			const path = node.path.map((part) => lift(part, bound, ops, ctx));
			return liftData(ctx.program.tree.root, path, 0, node.place, { bound, ops, ctx });
		}
		case 'array':
		case 'set':
			return { ...node, items: node.items.map((item) => lift(item, bound, ops, ctx)) };
		case 'object':
			return {
				...node,
				entries: node.entries.map(([key, value]): [Node, Node] => [
					lift(key, bound, ops, ctx),
					lift(value, bound, ops, ctx),
				]),
			};
		case 'call': {
			const call: CallNode = { ...node, args: node.args.map((arg) => lift(arg, bound, ops, ctx)) };
			const isRelation = call.target.kind === 'builtin' && call.target.builtin.relation === true;
			return isRelation ? liftRelation(call, bound, ops, ctx) : call;
		}
		default:
			return node;
	}
}

/** What a reference starts from is computed once, so that the name of a missing field can be found from it. */
function simple(base: Node, bound: Bound, ops: Op[], ctx: ClauseContext): Node {
	if (base.kind === 'local' || base.kind === 'input' || base.kind === 'document' || base.kind === 'constant') {
		return base;
	}
	if (base.kind === 'ref' || base.kind === 'base') return base;
	const local = temporary(ctx);
	const { slot } = local;
	const get = compileGet(base, bound, ctx);
	bound.add(slot);
	ops.push({
		kind: 'test',
		test: (m, f) => {
			const value = get(m, f);
			f[slot] = value;
			return value !== undefined;
		},
	});
	return local;
}

/** One iteration for each key that is not bound yet; the rest of the path is looked up in its rows. */
export function liftRef(node: RefNode, bound: Bound, ops: Op[], ctx: ClauseContext): Node {
	const at = node.path.findIndex((part) => hasUnbound(part, bound));
	if (at < 0) return node;
	const part = node.path[at] as Node;
	const container = refOn(node.base, node.path.slice(0, at), node.place);
	const getOf = (inner: Node) => compileGet(inner, bound, ctx);
	const rows = getOf(container);
	const key = part.kind === 'local' ? part : temporary(ctx);
	const value = temporary(ctx);
	const site = siteOf(container, node.place, ctx, getOf);
	const withKey = { ...site, keys: [...site.keys, { kind: 'variable', get: getOf(key) } as const] };
	ops.push({ kind: 'each', each: iterate(rows, key.slot, value.slot, withKey) });
	bound.add(key.slot);
	bound.add(value.slot);
	ctx.sources.set(value.slot, { origin: withKey.origin, keys: withKey.keys });
	if (key !== part) {
		const match = compileMatch(part, bound, ctx, null);
		ops.push({ kind: 'test', test: matchSlot(match, key.slot) });
	}
	const rest = node.path.slice(at + 1);
	return rest.length === 0 ? value : liftRef({ ...node, base: value, path: rest }, bound, ops, ctx);
}

export const matchSlot =
	(match: Match, slot: number): Test =>
	(m, f) =>
		match(m, f, f[slot] as Value);

export function refOn(base: Node, path: Node[], place: RefNode['place']): Node {
	if (path.length === 0) return base;
	if (base.kind === 'ref') return { ...base, path: [...base.path, ...path] };
	return { kind: 'ref', base, path, place };
}

/** Each tuple of a relation is a row. */
function liftRelation(call: CallNode, bound: Bound, ops: Op[], ctx: ClauseContext): Local {
	const value = temporary(ctx);
	const { slot } = value;
	const get = compileCall(call, bound, ctx);
	bound.add(slot);
	const each =
		(next: Next): Next =>
		(m, f) => {
			const tuples = get(m, f);
			if (tuples === undefined || !isArray(tuples)) return false;
			enter(m, 1);
			let enough = false;
			for (let i = 0; i < tuples.length && !enough; i++) {
				step();
				f[slot] = tuples[i];
				enough = next(m, f);
			}
			m.nesting -= 1;
			return enough;
		};
	ops.push({ kind: 'each', each });
	return value;
}
