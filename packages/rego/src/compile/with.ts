// `with`: the statement sees other input, other documents or other functions; what follows it does not.
import { costs, type DataScope, type Frame, type Get, type Machine, type Mock, type Next } from '../eval/machine.ts';
import { isObject, objectEntries, objectGet, type PlainObject, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';
import { compileStatement } from './body.ts';
import { callWith, groupOf, runBuiltin } from './call.ts';
import { type Bound, type ClauseContext, compose, type Op, temporary } from './context.ts';
import { compileGet } from './get.ts';
import type { CallNode, Statement, WithTarget } from './ir.ts';
import type { DocNode } from './rule-tree.ts';

type Change = (m: Machine, f: Frame, scope: DataScope) => boolean;

export function compileWith(
	{ targets, inner, place }: Extract<Statement, { kind: 'with' }>,
	bound: Bound,
	ctx: ClauseContext,
): Op[] {
	const changes = targets.map((target) => compileTarget(target, place, bound, ctx));
	const outside = temporary(ctx).slot;
	const ops = compileStatement(inner, bound, ctx);
	const each = (next: Next): Next => {
		const leave: Next = (m, f) => {
			const inside = m.scope;
			m.scope = f[outside] as unknown as DataScope;
			const enough = next(m, f);
			f[outside] = m.scope as unknown as Value;
			m.scope = inside;
			return enough;
		};
		const run = compose(ops, leave);
		return (m, f) => {
			spend(costs.scope);
			const before = m.scope;
			const scope: DataScope = { ...before, documents: [] };
			for (const change of changes) if (!change(m, f, scope)) return false;
			f[outside] = before as unknown as Value;
			m.scope = scope;
			const enough = run(m, f);
			m.scope = before;
			return enough;
		};
	};
	return [{ kind: 'each', each }];
}

function compileTarget(target: WithTarget, place: CallNode['place'], bound: Bound, ctx: ClauseContext): Change {
	const get: Get = target.value === null ? () => undefined : compileGet(target.value, bound, ctx);
	switch (target.kind) {
		case 'input':
			return (m, f, scope) => {
				const value = get(m, f);
				if (value === undefined) return false;
				scope.input = withPath(scope.input, target.path, value);
				return true;
			};
		case 'data':
			return (m, f, scope) => {
				const value = get(m, f);
				if (value === undefined) return false;
				scope.replaced = replacing(scope.replaced, target.node, value);
				return true;
			};
		case 'function': {
			const by = target.by === null ? null : mockBy(target.by, place, ctx);
			return (m, f, scope) => {
				const value = by === null ? get(m, f) : null;
				if (value === undefined) return false;
				scope.mocks = new Map(scope.mocks ?? []).set(target.name, by ?? (() => value));
				return true;
			};
		}
		default:
			return target satisfies never;
	}
}

function mockBy(by: CallNode['target'], place: CallNode['place'], ctx: ClauseContext): Mock {
	if (by.kind === 'builtin') return (m, args) => runBuiltin(m, by.builtin, args, place);
	const { program } = ctx;
	return (m, args) => callWith(m, groupOf(program, by.node), args);
}

/** The copy may be kept, as the value of a row. */
const copiedKeySteps = 8;

/** A copy with another value at the path; what is no object on the way becomes one. */
function withPath(value: Value | undefined, path: readonly string[], replacement: Value): Value {
	const [name, ...rest] = path;
	if (name === undefined) return replacement;
	const isMap = value !== undefined && isObject(value);
	// Without a prototype, so that a key may be called __proto__.
	const copy: Record<string, Value> = Object.create(null) as Record<string, Value>;
	if (isMap) {
		for (const [key, item] of objectEntries(value)) {
			spend(copiedKeySteps);
			if (typeof key === 'string') copy[key] = item;
		}
	}
	copy[name] = withPath(isMap ? objectGet(value, name) : undefined, rest, replacement);
	return copy as PlainObject;
}

/** Below a document that is replaced already, its value changes; what was replaced below the new one is gone. */
function replacing(before: ReadonlyMap<DocNode, Value> | null, node: DocNode, value: Value): Map<DocNode, Value> {
	const replaced = new Map<DocNode, Value>();
	let isIn = false;
	for (const [other, known] of before ?? []) {
		const isAbove = other !== node && isPrefix(other.path, node.path);
		if (isAbove) {
			replaced.set(other, withPath(known, node.path.slice(other.path.length), value));
			isIn = true;
		} else if (!isPrefix(node.path, other.path)) replaced.set(other, known);
	}
	if (!isIn) replaced.set(node, value);
	return replaced;
}

const isPrefix = (short: readonly string[], long: readonly string[]): boolean =>
	short.length <= long.length && short.every((name, i) => name === long[i]);
