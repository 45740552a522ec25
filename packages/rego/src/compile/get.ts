// Terms without anything to iterate, compiled: a function of machine and frame that gives one value, or undefined.
import { baseAt, type Documents, documentAt } from '../eval/document.ts';
import { field, lookup } from '../eval/lookup.ts';
import { addCollection, addItem, type Frame, type Get, type Machine } from '../eval/machine.ts';
import { type ReadSite, reportMiss } from '../eval/read-site.ts';
import { RegoMap, RegoSet, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';
import { compileCall } from './call.ts';
import { compileComprehension } from './comprehension.ts';
import { type Bound, type ClauseContext, siteOf, slotGet } from './context.ts';
import type { Node, RefNode } from './ir.ts';
import type { DocNode } from './rule-tree.ts';
import { compileTemplate } from './template.ts';

/**
 * All locals of the node are bound, and its references iterate nothing (lift.ts sees to both). What is returned is made in functions
 * of its own: a closure keeps all that its function's closures use, and `bound` may be thousands of slots.
 */
export function compileGet(node: Node, bound: Bound, ctx: ClauseContext): Get {
	let get = ctx.gets.get(node);
	if (get === undefined) {
		get = compileNode(node, bound, ctx);
		ctx.gets.set(node, get);
	}
	return get;
}

function compileNode(node: Node, bound: Bound, ctx: ClauseContext): Get {
	switch (node.kind) {
		case 'constant':
			return constantGet(node.value);
		case 'local':
			return slotGet(node.slot);
		case 'input':
			return inputGet({ origin: { kind: 'input' }, keys: [], place: node.place });
		case 'document':
			return documentGet(ctx.program, node.node);
		case 'base':
			return baseGet(node.path);
		case 'ref':
			return refGet(node, bound, ctx);
		case 'array':
			return arrayGet(node.items.map((item) => compileGet(item, bound, ctx)));
		case 'set':
			return setGet(node.items.map((item) => compileGet(item, bound, ctx)));
		case 'object':
			return objectGetter(
				node.entries.map(([key, value]) => [compileGet(key, bound, ctx), compileGet(value, bound, ctx)]),
			);
		case 'call':
			return compileCall(node, bound, ctx);
		case 'comprehension':
			return compileComprehension(node, bound, ctx);
		case 'template':
			return compileTemplate(node, bound, ctx);
		case 'data':
			// lift.ts turns these into documents.
			throw new Error('a reference below data was not lifted');
		default:
			return node satisfies never;
	}
}

const constantGet =
	(value: Value): Get =>
	() =>
		value;

const documentGet =
	(program: Documents, node: DocNode): Get =>
	(m) =>
		documentAt(m, program, node);

const baseGet =
	(path: readonly (string | number)[]): Get =>
	(m) =>
		baseAt(m, path);

function inputGet(site: ReadSite): Get {
	return (m, f) => m.scope.input ?? reportMiss(m, f, site, -1, null);
}

function refGet(node: RefNode, bound: Bound, ctx: ClauseContext): Get {
	const base = compileGet(node.base, bound, ctx);
	const site = siteOf(node, node.place, ctx, (part) => compileGet(part, bound, ctx));
	const before = site.keys.length - node.path.length;
	const names = node.path.map((part) => (part.kind === 'constant' ? part.value : null));
	if (names.every((name) => typeof name === 'string')) return namesGet(base, names, site, before);
	const keys = node.path.map((part) => compileGet(part, bound, ctx));
	return keysGet(base, keys, site, before);
}

function keysGet(base: Get, keys: readonly Get[], site: ReadSite, before: number): Get {
	const cost = keys.length >= longList ? keys.length : 0;
	return (m, f) => {
		let value = base(m, f);
		if (value === undefined) return undefined;
		if (cost > 0) spend(cost);
		for (let i = 0; i < keys.length; i++) {
			const key = (keys[i] as Get)(m, f);
			if (key === undefined) return undefined;
			const found = lookup(value, key);
			if (found === undefined) return reportMiss(m, f, site, before + i, value);
			value = found;
		}
		return value;
	};
}

function namesGet(base: Get, names: readonly string[], site: ReadSite, before: number): Get {
	const [only] = names;
	if (names.length === 1 && only !== undefined) {
		return (m, f) => {
			const value = base(m, f);
			if (value === undefined) return undefined;
			const found = field(value, only);
			return found === undefined ? reportMiss(m, f, site, before, value) : found;
		};
	}
	const cost = names.length >= longList ? names.length : 0;
	return (m, f) => {
		let value = base(m, f);
		if (value === undefined) return undefined;
		if (cost > 0) spend(cost);
		for (let i = 0; i < names.length; i++) {
			const found = field(value, names[i] as string);
			if (found === undefined) return reportMiss(m, f, site, before + i, value);
			value = found;
		}
		return value;
	};
}

/** Shorter lists and paths cost no more than the row that they are of. */
const longList = 16;

/** undefined where one of them is. */
export function evaluateAll(m: Machine, f: Frame, gets: readonly Get[]): Value[] | undefined {
	const values: Value[] = [];
	if (gets.length >= longList) spend(gets.length);
	for (const get of gets) {
		const value = get(m, f);
		if (value === undefined) return undefined;
		values.push(value);
	}
	return values;
}

function arrayGet(items: readonly Get[]): Get {
	return (m, f) => {
		addItem(m);
		return evaluateAll(m, f, items);
	};
}

function setGet(items: readonly Get[]): Get {
	return (m, f) => {
		addCollection(m, items.length);
		const values = evaluateAll(m, f, items);
		return values === undefined ? undefined : RegoSet.of(values);
	};
}

function objectGetter(entries: readonly (readonly [Get, Get])[]): Get {
	return (m, f) => {
		addCollection(m, entries.length);
		if (entries.length >= longList) spend(entries.length);
		const map = new RegoMap();
		for (const [getKey, getValue] of entries) {
			const key = getKey(m, f);
			const value = key === undefined ? undefined : getValue(m, f);
			if (key === undefined || value === undefined) return undefined;
			map.set(key, value);
		}
		return map;
	};
}
