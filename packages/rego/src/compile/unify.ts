// Unification. Which locals have a value is known while compiling: the others take what they meet, the rest is compared.
import type { Frame, Get, Machine, Test } from '../eval/machine.ts';
import type { PathKey, ReadSite } from '../eval/read-site.ts';
import { equalValues, longText } from '../value/compare.ts';
import { isArray, isObject, objectGet, objectSize, type Value } from '../value/value.ts';
import { type Bound, type ClauseContext, type Op, siteOf } from './context.ts';
import { compileGet } from './get.ts';
import type { Node, Statement } from './ir.ts';
import { lift } from './lift.ts';
import { hasUnbound } from './locals.ts';

export type Match = (m: Machine, f: Frame, value: Value) => boolean;
type Source = Pick<ReadSite, 'origin' | 'keys'> | null;

export function compileUnify(
	{ left, right, place }: Extract<Statement, { kind: 'unify' }>,
	bound: Bound,
	ctx: ClauseContext,
): Op[] {
	const ops: Op[] = [];
	const a = lift(left, bound, ops, ctx);
	const b = lift(right, bound, ops, ctx);
	if (!hasUnbound(a, bound) && !hasUnbound(b, bound)) {
		ops.push({ kind: 'test', test: equality(a, b, bound, ctx) });
		return ops;
	}
	const [pattern, source] = hasUnbound(b, bound) ? [b, a] : [a, b];
	const get = compileGet(source, bound, ctx);
	const site = sourceOf(source, place, bound, ctx);
	if (pattern.kind === 'local') {
		ops.push({ kind: 'test', test: assignment(pattern.slot, get) });
		bound.add(pattern.slot);
		if (site !== null) ctx.sources.set(pattern.slot, site);
		return ops;
	}
	const match = compileMatch(pattern, bound, ctx, site);
	ops.push({
		kind: 'test',
		test: (m, f) => {
			const value = get(m, f);
			return value !== undefined && match(m, f, value);
		},
	});
	return ops;
}

function sourceOf(node: Node, place: ReadSite['place'], bound: Bound, ctx: ClauseContext): Source {
	if (node.kind !== 'ref' && node.kind !== 'local' && node.kind !== 'input') return null;
	const { origin, keys } = siteOf(node, place, ctx, (part) => compileGet(part, bound, ctx));
	return { origin, keys };
}

const assignment =
	(slot: number, get: Get): Test =>
	(m, f) => {
		const value = get(m, f);
		f[slot] = value;
		return value !== undefined;
	};

/** Of two terms whose locals are bound. */
export function equality(a: Node, b: Node, bound: Bound, ctx: ClauseContext): Test {
	if (isPlain(b)) return equalsPlain(compileGet(a, bound, ctx), b.value);
	if (isPlain(a)) return equalsPlain(compileGet(b, bound, ctx), a.value);
	const left = compileGet(a, bound, ctx);
	const right = compileGet(b, bound, ctx);
	return (m, f) => {
		const value = left(m, f);
		if (value === undefined) return false;
		const other = right(m, f);
		return other !== undefined && equalValues(value, other);
	};
}

/** Constants that === compares. */
function isPlain(node: Node): node is { kind: 'constant'; value: string | boolean | null | number } {
	return node.kind === 'constant' && (node.value === null || /^(string|boolean|number)$/.test(typeof node.value));
}

function equalsPlain(get: Get, constant: Value): Test {
	if (typeof constant !== 'string' || constant.length < longText) return (m, f) => get(m, f) === constant;
	return (m, f) => {
		const value = get(m, f);
		return value !== undefined && equalValues(constant, value);
	};
}

/** Compares a value with a pattern and gives the pattern's unbound locals their parts of it. */
export function compileMatch(pattern: Node, bound: Bound, ctx: ClauseContext, source: Source): Match {
	if (!hasUnbound(pattern, bound)) {
		return matchEqual(compileGet(pattern, bound, ctx));
	}
	switch (pattern.kind) {
		case 'local': {
			const { slot } = pattern;
			bound.add(slot);
			if (source !== null) ctx.sources.set(slot, source);
			return matchAny(slot);
		}
		case 'array':
			return matchArray(pattern.items.map((item, i) => compileMatch(item, bound, ctx, below(source, i))));
		case 'object':
			return matchObject(
				pattern.entries.map(([key, item]) => [
					compileGet(key, bound, ctx),
					compileMatch(item, bound, ctx, key.kind === 'constant' ? below(source, key.value) : null),
				]),
			);
		default:
			// order.ts lets no other term through with a local that is not bound.
			throw new Error(`a ${pattern.kind} cannot bind a local`);
	}
}

const below = (source: Source, key: Value): Source => {
	const part: PathKey = { kind: 'constant', key };
	return source === null ? null : { origin: source.origin, keys: [...source.keys, part] };
};

const matchEqual =
	(get: Get): Match =>
	(m, f, value) => {
		const expected = get(m, f);
		return expected !== undefined && equalValues(expected, value);
	};

const matchAny =
	(slot: number): Match =>
	(_m, f, value) => {
		f[slot] = value;
		return true;
	};

const matchArray =
	(items: readonly Match[]): Match =>
	(m, f, value) => {
		if (!isArray(value) || value.length !== items.length) return false;
		for (let i = 0; i < items.length; i++) {
			if (!(items[i] as Match)(m, f, value[i] as Value)) return false;
		}
		return true;
	};

const matchObject =
	(entries: readonly (readonly [Get, Match])[]): Match =>
	(m, f, value) => {
		if (!isObject(value) || objectSize(value) !== entries.length) return false;
		for (const [getKey, match] of entries) {
			const key = getKey(m, f);
			const item = key === undefined ? undefined : objectGet(value, key);
			if (item === undefined || !match(m, f, item)) return false;
		}
		return true;
	};
