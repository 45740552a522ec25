// One clause of a rule: its arguments, its body, and what each row of it adds to the rule's document.
import { abort, completeConflict } from '../eval/abort.ts';
import type { CompiledClause } from '../eval/document.ts';
import type { DocumentBuilder } from '../eval/document-builder.ts';
import { addItem, type Get, type Next } from '../eval/machine.ts';
import { equalValues } from '../value/compare.ts';
import type { RegoSet } from '../value/value.ts';
import { compileBody } from './body.ts';
import { addElement } from './comprehension.ts';
import { type Bound, type ClauseContext, compose, type Op, type ProgramContext } from './context.ts';
import { compileGet, evaluateAll } from './get.ts';
import { type ClauseIr, firstFreeSlot, type Local, type Node, resultSlot, type Statement } from './ir.ts';
import { lift } from './lift.ts';

export type RuleKind = 'complete' | 'set' | 'object' | 'function';

export function compileClause(ir: ClauseIr, kind: RuleKind, program: ProgramContext): CompiledClause {
	const ctx: ClauseContext = { program, slots: ir.slots, sources: new Map(), gets: new Map(), place: ir.place };
	const bound: Bound = new Set();
	const run = compileRun(ir, kind, bound, ctx);
	const otherwise = ir.otherwise.map((other) => compileClause(other, kind, program));
	return { run, slots: ctx.slots, otherwise, place: ir.place };
}

function compileRun(ir: ClauseIr, kind: RuleKind, bound: Bound, ctx: ClauseContext): Next {
	const heads = [...ir.path, ir.element, ir.value].filter((node) => node !== null);
	const body = compileBody([...takeArguments(ir, bound, ctx), ...ir.body], heads, bound, ctx);
	if (body === null) return () => false;
	const last = compileHead(ir, kind, bound, body, ctx);
	return compose(body, last);
}

/** Patterns of arguments are ordered with the body: one may need a local that another binds. */
function takeArguments({ args, place }: ClauseIr, bound: Bound, ctx: ClauseContext): Statement[] {
	return args.map((left, index) => {
		const slot = firstFreeSlot + index;
		bound.add(slot);
		ctx.sources.set(slot, { origin: { kind: 'argument', index, slot }, keys: [] });
		const right: Local = { kind: 'local', slot, name: '$argument' };
		return { kind: 'unify', left, right, closed: false, output: false, place };
	});
}

/** What a row does; lifts the head's terms into `ops`. */
function compileHead(ir: ClauseIr, kind: RuleKind, bound: Bound, ops: Op[], ctx: ClauseContext): Next {
	const getOf = (node: Node): Get => compileGet(lift(node, bound, ops, ctx), bound, ctx);
	const { place } = ir;
	if (kind === 'object') {
		const path = ir.path.map(getOf);
		const leaf = getOf((ir.element ?? ir.value) as Node);
		return objectRow(path, leaf, ir.element !== null, place);
	}
	if (kind === 'set') {
		const element = getOf(ir.element as Node);
		return (m, f) => {
			const value = element(m, f);
			if (value !== undefined) addElement(m, f[resultSlot] as RegoSet, value);
			return false;
		};
	}
	const node = ir.value as Node;
	const value = getOf(node);
	if (node.kind === 'constant') {
		return (_m, f) => {
			f[resultSlot] = node.value;
			return true;
		};
	}
	return valueRow(value, place);
}

/** All rows must give one value. */
function valueRow(get: Get, place: ClauseIr['place']): Next {
	return (m, f) => {
		const value = get(m, f);
		if (value === undefined) return false;
		const before = f[resultSlot];
		if (before === undefined) f[resultSlot] = value;
		else if (!equalValues(before, value)) abort('conflict', completeConflict, place);
		return false;
	};
}

function objectRow(path: readonly Get[], leaf: Get, isElement: boolean, place: ClauseIr['place']): Next {
	return (m, f) => {
		const keys = evaluateAll(m, f, path);
		const value = keys === undefined ? undefined : leaf(m, f);
		if (keys === undefined || value === undefined) return false;
		addItem(m);
		const builder = f[resultSlot] as unknown as DocumentBuilder;
		const full = builder.prefix.length === 0 ? keys : [...builder.prefix, ...keys];
		if (isElement) builder.addElement(full, value, place);
		else builder.add(full, value, place);
		return false;
	};
}
