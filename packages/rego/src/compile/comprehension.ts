// Comprehensions. One that uses nothing from around it is computed once, like a rule.

import type { Place } from '../errors.ts';
import { abort, keyConflict } from '../eval/abort.ts';
import { cached } from '../eval/document.ts';
import {
	absorb,
	addCollection,
	addItem,
	costs,
	enter,
	type Frame,
	type Get,
	type Machine,
	type Next,
} from '../eval/machine.ts';
import { kept, type Misses } from '../eval/misses.ts';
import { equalValues } from '../value/compare.ts';
import { RegoMap, RegoSet, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';
import { compileBody } from './body.ts';
import { type Bound, type ClauseContext, compose, type Op, temporary } from './context.ts';
import { compileGet } from './get.ts';
import type { ComprehensionNode } from './ir.ts';
import { lift } from './lift.ts';
import { hasFreeLocals } from './locals.ts';

export function compileComprehension(node: ComprehensionNode, around: Bound, ctx: ClauseContext): Get {
	const bound = new Set(around);
	const heads = node.key === null ? [node.value] : [node.key, node.value];
	const ops = compileBody(node.body, heads, bound, ctx);
	if (ops === null) return () => undefined;
	const into = temporary(ctx).slot;
	const add = adder(node, into, bound, ctx, ops);
	const run = compose(ops, add);
	const make = makers[node.of];
	const get: Get = (m, f) => {
		const collection = make();
		addCollection(m, 0);
		const before = f[into];
		f[into] = collection;
		const outer = m.misses;
		m.misses = null;
		enter(m, 2);
		spend(costs.closure);
		run(m, f);
		m.nesting -= 2;
		f[into] = before;
		const own: Misses | null = m.misses;
		m.misses = outer;
		if (own !== null) absorb(m, kept(own), 'sum');
		return collection;
	};
	if (hasFreeLocals(node)) return get;
	const id = ctx.program.documents++;
	return (m, f) => cached(m, id, null, () => get(m, f));
}

const makers: Record<ComprehensionNode['of'], () => Value> = {
	array: () => [],
	set: () => new RegoSet(),
	object: () => new RegoMap(),
};

/** Lifts the heads into `ops`, so it comes before these are composed. */
function adder(node: ComprehensionNode, into: number, bound: Bound, ctx: ClauseContext, ops: Op[]): Next {
	const key = node.key === null ? null : compileGet(lift(node.key, bound, ops, ctx), bound, ctx);
	const value = compileGet(lift(node.value, bound, ops, ctx), bound, ctx);
	switch (node.of) {
		case 'array':
			return (m, f) => {
				const item = value(m, f);
				if (item === undefined) return false;
				addItem(m);
				(f[into] as Value[]).push(item);
				return false;
			};
		case 'set':
			return (m, f) => {
				const item = value(m, f);
				if (item !== undefined) addElement(m, f[into] as RegoSet, item);
				return false;
			};
		case 'object':
			return (m, f) => {
				const name = key?.(m, f);
				const item = name === undefined ? undefined : value(m, f);
				if (name !== undefined && item !== undefined) addEntry(m, f, into, name, item, node.place);
				return false;
			};
		default:
			return node.of satisfies never;
	}
}

export function addElement(m: Machine, set: RegoSet, item: Value): void {
	const before = set.size;
	set.add(item);
	if (set.size > before) addItem(m);
}

function addEntry(m: Machine, f: Frame, into: number, key: Value, value: Value, place: Place): void {
	const map = f[into] as RegoMap;
	const before = map.get(key);
	if (before === undefined) {
		addItem(m);
		map.set(key, value);
	} else if (!equalValues(before, value)) abort('conflict', keyConflict, place);
}
