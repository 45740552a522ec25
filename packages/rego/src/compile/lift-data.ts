// References below data, walked down the tree of rules while compiling as far as their keys are known.
import type { Place } from '../errors.ts';
import { baseAt } from '../eval/document.ts';
import { lookup } from '../eval/lookup.ts';
import { enter, type Frame, type Get, type Machine, type Next, step } from '../eval/machine.ts';
import { compareText } from '../value/compare.ts';
import { isObject, objectEntries, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';
import { type Bound, type ClauseContext, compose, type Op, temporary } from './context.ts';
import { compileGet } from './get.ts';
import type { Local, Node } from './ir.ts';
import { liftRef, refOn } from './lift.ts';
import { hasUnbound, visitLocals } from './locals.ts';
import type { DocNode } from './rule-tree.ts';

/** Of one child that a key may choose, for the memory that it takes. */
const childSteps = 50;

interface Body {
	bound: Bound;
	ops: Op[];
	ctx: ClauseContext;
}

export function liftData(from: DocNode, path: readonly Node[], start: number, place: Place, body: Body): Node {
	let node = from;
	for (let i = start; ; i++) {
		if (node.replaceable) return liftReplaceable(node, path, i, place, body);
		const found = stepDown(node, path, i, place, body);
		if ('below' in found) node = found.below;
		else return found.term;
	}
}

function stepDown(
	node: DocNode,
	path: readonly Node[],
	i: number,
	place: Place,
	body: Body,
): { below: DocNode } | { term: Node } {
	const part = path[i];
	const isLeaf = node.group !== null && node.group.kind !== 'function';
	if (isLeaf || part === undefined) return { term: valuePath({ kind: 'document', node }, path.slice(i), place, body) };
	if (part.kind === 'constant') {
		const below = typeof part.value === 'string' ? node.children.get(part.value) : undefined;
		if (below !== undefined) return { below };
		return { term: basePath(node, path, i, place, body) };
	}
	if (node.children.size === 0) {
		return { term: valuePath({ kind: 'base', path: node.path }, path.slice(i), place, body) };
	}
	const isKey = part.kind === 'local' || !hasUnbound(part, body.bound);
	// A pattern as key of a package is rare: the whole package is made, and iterated as a value.
	if (!isKey) return { term: valuePath({ kind: 'document', node }, path.slice(i), place, body) };
	return { term: liftChildren(node, path, i, place, body) };
}

/** A base document as far down as the keys are known. */
function basePath(node: DocNode, path: readonly Node[], from: number, place: Place, body: Body): Node {
	const known: (string | number)[] = [...node.path];
	let i = from;
	for (; i < path.length; i++) {
		const part = path[i] as Node;
		if (part.kind !== 'constant' || (typeof part.value !== 'string' && typeof part.value !== 'number')) break;
		known.push(part.value);
	}
	return valuePath({ kind: 'base', path: known }, path.slice(i), place, body);
}

const valuePath = (base: Node, path: readonly Node[], place: Place, { bound, ops, ctx }: Body): Node => {
	const node = refOn(base, [...path], place);
	return node.kind === 'ref' ? liftRef(node, bound, ops, ctx) : node;
};

/** One of several ways to a value, put into a local for what follows. */
function way(result: Local, body: Body, make: (inner: Body) => Node): (next: Next) => Next {
	spend(body.bound.size);
	const ops: Op[] = [];
	const inner: Body = { ...body, bound: new Set(body.bound), ops };
	const get = compileGet(make(inner), inner.bound, body.ctx);
	const { slot } = result;
	ops.push({
		kind: 'test',
		test: (m, f) => {
			const value = get(m, f);
			f[slot] = value;
			return value !== undefined;
		},
	});
	// Of `inner` only this is kept: what is bound may be thousands of slots.
	return (next) => compose(ops, next);
}

function bindPath(path: readonly Node[], result: Local, bound: Bound): void {
	for (const part of path) visitLocals(part, ({ slot }) => bound.add(slot));
	bound.add(result.slot);
}

/** A document that some `with` replaces: its value where it is replaced, its rules where not. */
function liftReplaceable(node: DocNode, path: readonly Node[], i: number, place: Place, body: Body): Node {
	const result = temporary(body.ctx);
	const rest = path.slice(i);
	const replaced = way(result, body, (inner) => valuePath({ kind: 'document', node }, rest, place, inner));
	const own = way(result, body, (inner) => {
		const found = stepDown(node, path, i, place, inner);
		return 'below' in found ? liftData(found.below, path, i + 1, place, inner) : found.term;
	});
	body.ops.push({
		kind: 'each',
		each: (next) => {
			const whenReplaced = replaced(next);
			const whenNot = own(next);
			return (m, f) => (m.scope.replaced?.has(node) ? whenReplaced(m, f) : whenNot(m, f));
		},
	});
	bindPath(rest, result, body.bound);
	return result;
}

/** A key that is known only while running: a lookup where it is bound, all children and base documents where not. */
function liftChildren(node: DocNode, path: readonly Node[], i: number, place: Place, body: Body): Node {
	const { ctx, bound } = body;
	// Every child is compiled for every such reference: a hostile module has thousands of both.
	spend(node.children.size * childSteps);
	const part = path[i] as Node;
	const rest = path.slice(i + 1);
	const result = temporary(ctx);
	const base = temporary(ctx);
	const isBound = !hasUnbound(part, bound);
	const inKey: Body = { ...body, bound: withLocals(bound, part, base.slot) };
	const children = [...node.children]
		.filter(([, child]) => child.group?.kind !== 'function')
		.map(([name, child]) => ({ name, way: way(result, inKey, (inner) => liftData(child, path, i + 1, place, inner)) }));
	const baseWay = way(result, inKey, (inner) => valuePath(base, rest, place, inner));
	const key = isBound ? compileGet(part, bound, ctx) : null;
	const keySlot = part.kind === 'local' ? part.slot : result.slot;
	const each = (next: Next): Next => {
		const ways = new Map(children.map((child) => [child.name, child.way(next)]));
		const choice: Choice = { node, ways, base: baseWay(next), baseSlot: base.slot };
		return key === null ? eachChild(choice, keySlot) : oneChild(choice, key);
	};
	body.ops.push({ kind: 'each', each });
	bindPath(path.slice(i), result, bound);
	return result;
}

/** A copy, with the locals of the key and one more. */
function withLocals(bound: Bound, key: Node, another: number): Bound {
	const all = new Set(bound).add(another);
	visitLocals(key, ({ slot }) => all.add(slot));
	return all;
}

interface Choice {
	node: DocNode;
	ways: ReadonlyMap<string, Next>;
	base: Next;
	baseSlot: number;
}

function oneChild(choice: Choice, key: Get): Next {
	return (m, f) => {
		const name = key(m, f);
		return name !== undefined && take(m, f, choice, name);
	};
}

function take(m: Machine, f: Frame, { node, ways, base, baseSlot }: Choice, name: Value): boolean {
	const way = typeof name === 'string' ? ways.get(name) : undefined;
	if (way !== undefined) return way(m, f);
	const documents = baseAt(m, node.path);
	f[baseSlot] = documents === undefined ? undefined : lookup(documents, name);
	return f[baseSlot] !== undefined && base(m, f);
}

function eachChild(choice: Choice, keySlot: number): Next {
	return (m, f) => {
		const names = new Set<Value>(choice.ways.keys());
		const documents = baseAt(m, choice.node.path);
		if (documents !== undefined && isObject(documents)) for (const [key] of objectEntries(documents)) names.add(key);
		enter(m, 1);
		let enough = false;
		for (const name of [...names].sort((a, b) => compareText(String(a), String(b)))) {
			step();
			f[keySlot] = name;
			enough = take(m, f, choice, name);
			if (enough) break;
		}
		m.nesting -= 1;
		return enough;
	};
}
