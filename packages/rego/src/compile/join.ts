// `xs[i].name == value`, tried again and again for other values: from the second time on the same collection is asked by an index.

import { eachRow } from '../eval/iterate.ts';
import { lookup } from '../eval/lookup.ts';
import { absorb, type Frame, type Get, type Join, type Machine, type Next, step } from '../eval/machine.ts';
import type { Misses } from '../eval/misses.ts';
import { type ReadSite, reportMiss } from '../eval/read-site.ts';
import { canonicalKey } from '../value/canonical.ts';
import { equalValues } from '../value/compare.ts';
import { isArray, objectSize, type RegoObject, RegoSet, type Value } from '../value/value.ts';
import { type Bound, type ClauseContext, type Op, siteOf, temporary } from './context.ts';
import { compileGet } from './get.ts';
import type { Local, Node, Statement } from './ir.ts';
import { lift, refOn } from './lift.ts';
import { hasUnbound } from './locals.ts';

/** Smaller collections are scanned. */
const joinedMin = 32;

interface Side {
	container: Node;
	key: Local;
	rest: Node[];
	place: ReadSite['place'];
}

/** null where the sides are of another kind. */
export function compileJoin(left: Node, right: Node, bound: Bound, ctx: ClauseContext): Op[] | null {
	if (!hasUnbound(right, bound) && right.kind !== 'constant') return joinSides(left, right, bound, ctx);
	if (!hasUnbound(left, bound) && left.kind !== 'constant') return joinSides(right, left, bound, ctx);
	return null;
}

function splitAtKey(node: Node, bound: Bound): Side | null {
	if (node.kind !== 'ref' && node.kind !== 'data') return null;
	if (node.kind === 'ref' && hasUnbound(node.base, bound)) return null;
	const at = node.path.findIndex((part) => hasUnbound(part, bound));
	const key = node.path[at];
	const rest = node.path.slice(at + 1);
	if (key?.kind !== 'local' || !rest.every((part) => part.kind === 'constant')) return null;
	const before = node.path.slice(0, at);
	const { place } = node;
	if (node.kind === 'ref') return { container: refOn(node.base, before, place), key, rest, place };
	return { container: { kind: 'data', path: before, place }, key, rest, place };
}

function joinSides(rows: Node, other: Node, bound: Bound, ctx: ClauseContext): Op[] | null {
	const side = splitAtKey(rows, bound);
	if (side === null || !isJoinable(rows, ctx)) return null;
	return joinOps(side, temporary(ctx), other, bound, ctx);
}

const isJoinable = (rows: Node, ctx: ClauseContext): boolean => rows.kind !== 'data' || isOneDocument(rows.path, ctx);

/** `q := xs[i]` with a later `q.name == value`: the same join. */
export function compileRowJoin(row: Statement, test: Statement, bound: Bound, ctx: ClauseContext): Op[] | null {
	if (row.kind !== 'unify' || row.left.kind !== 'local' || bound.has(row.left.slot)) return null;
	const sides = ctx.program.mocked.has('equal') ? null : equation(test);
	const side = splitAtKey(row.right, bound);
	if (sides === null || side === null || side.rest.length > 0 || !isJoinable(row.right, ctx)) return null;
	const local = row.left;
	for (const [field, other] of [sides, [sides[1], sides[0]] as const]) {
		const isField = field.kind === 'ref' && field.base.kind === 'local' && field.base.slot === local.slot;
		if (!isField || !field.path.every((part) => part.kind === 'constant')) continue;
		if (other.kind === 'constant' || hasUnbound(other, bound)) continue;
		return joinOps({ ...side, rest: field.path }, local, other, bound, ctx);
	}
	return null;
}

function equation(statement: Statement): readonly [Node, Node] | null {
	if (statement.kind === 'unify') return [statement.left, statement.right];
	if (statement.kind !== 'term' || statement.term.kind !== 'call' || statement.term.name !== 'equal') return null;
	const [left, right] = statement.term.args;
	return left === undefined || right === undefined ? null : [left, right];
}

function joinOps(side: Side, value: Local, other: Node, bound: Bound, ctx: ClauseContext): Op[] {
	const ops: Op[] = [];
	const container = lift(side.container, bound, ops, ctx);
	const getOf = (node: Node) => compileGet(node, bound, ctx);
	const probe = getOf(lift(other, bound, ops, ctx));
	const containerSite = siteOf(container, side.place, ctx, getOf);
	bound.add(side.key.slot);
	bound.add(value.slot);
	const site: ReadSite = {
		...containerSite,
		keys: [...containerSite.keys, { kind: 'variable', get: getOf(side.key) }],
	};
	ctx.sources.set(value.slot, { origin: site.origin, keys: site.keys });
	const plan: Plan = {
		id: ctx.program.joins++,
		rows: getOf(container),
		probe,
		item: getOf(refOn(value, side.rest, side.place)),
		keySlot: side.key.slot,
		valueSlot: value.slot,
		probeSlot: temporary(ctx).slot,
		isWhole: side.rest.length === 0,
		site,
	};
	ops.push({ kind: 'each', each: (next) => join(plan, next) });
	return ops;
}

/** Whether the key is one of a document, not of packages. */
function isOneDocument(path: readonly Node[], ctx: ClauseContext): boolean {
	let node = ctx.program.tree.root;
	for (const part of path) {
		if (node.group !== null) return node.group.kind !== 'function';
		const below =
			part.kind === 'constant' && typeof part.value === 'string' ? node.children.get(part.value) : undefined;
		if (below === undefined) return node.children.size === 0 || part.kind === 'constant';
		node = below;
	}
	return false;
}

interface Plan {
	id: number;
	rows: Get;
	probe: Get;
	item: Get;
	keySlot: number;
	valueSlot: number;
	probeSlot: number;
	isWhole: boolean;
	site: ReadSite;
}

function join(plan: Plan, next: Next): Next {
	const { keySlot, valueSlot, probeSlot, item } = plan;
	const whenEqual: Next = (m, f) => {
		const value = item(m, f);
		if (value === undefined) return false;
		const probe = f[probeSlot] as Value;
		return equalValues(value, probe) && next(m, f);
	};
	return (m, f) => {
		const rows = plan.rows(m, f);
		const probe = rows === undefined ? undefined : plan.probe(m, f);
		if (rows === undefined || probe === undefined) return false;
		if (typeof rows !== 'object' || rows === null) {
			f[keySlot] = undefined;
			reportMiss(m, f, plan.site, plan.site.keys.length - 1, rows);
			return false;
		}
		if (plan.isWhole && rows instanceof RegoSet) {
			f[keySlot] = probe;
			f[valueSlot] = probe;
			return rows.has(probe) && next(m, f);
		}
		const known = sizeOf(rows) < joinedMin ? undefined : m.joins[plan.id];
		if (known?.collection !== rows) {
			m.joins[plan.id] = { collection: rows, index: null, misses: null };
			f[probeSlot] = probe;
			return eachRow(m, f, rows, keySlot, valueSlot, whenEqual);
		}
		return eachMatch(m, f, known, indexed(m, f, known, plan), probe, plan, next);
	};
}

const sizeOf = (rows: Value): number =>
	isArray(rows) ? rows.length : rows instanceof RegoSet ? rows.size : objectSize(rows as RegoObject);

function eachMatch(
	m: Machine,
	f: Frame,
	known: Join,
	index: Map<Value, Value[]>,
	probe: Value,
	{ keySlot, valueSlot }: Plan,
	next: Next,
): boolean {
	// Rows without the field miss it now as they did when the index was made.
	if (known.misses !== null) absorb(m, known.misses, 'sum');
	step();
	const keys = index.get(canonicalKey(probe));
	if (keys === undefined) return false;
	for (const key of keys) {
		step();
		f[keySlot] = key;
		f[valueSlot] = lookup(known.collection as Value, key);
		if (next(m, f)) return true;
	}
	return false;
}

function indexed(m: Machine, f: Frame, known: Join, { item, keySlot, valueSlot }: Plan): Map<Value, Value[]> {
	if (known.index !== null) return known.index;
	const index = new Map<Value, Value[]>();
	const outer = m.misses;
	m.misses = null;
	eachRow(m, f, known.collection as Value, keySlot, valueSlot, (_m, frame) => {
		const value = item(m, frame);
		if (value === undefined) return false;
		const id = canonicalKey(value);
		const keys = index.get(id);
		if (keys === undefined) index.set(id, [frame[keySlot] as Value]);
		else keys.push(frame[keySlot] as Value);
		return false;
	});
	known.misses = m.misses as Misses | null;
	m.misses = outer;
	known.index = index;
	return index;
}
