// What compiling shares: the program's documents, a clause's frame, and where each local's value was read from.
import type { Builtin } from '../builtins/builtin.ts';
import type { Place, Problem } from '../errors.ts';
import type { CompiledGroup, Documents } from '../eval/document.ts';
import type { Frame, Get, Machine, Next, Test } from '../eval/machine.ts';
import type { PathKey, ReadSite } from '../eval/read-site.ts';
import { spend } from '../value/work.ts';
import type { Local, Node } from './ir.ts';
import type { RuleTree } from './rule-tree.ts';

export interface ProgramContext extends Documents {
	tree: RuleTree;
	groups: CompiledGroup[];
	/** Functions that some `with` replaces. */
	mocked: ReadonlySet<string>;
	builtins: ReadonlyMap<string, Builtin>;
	problems: Problem[];
	/** Next index of a cached document: nodes of the tree, then closed comprehensions. */
	documents: number;
	/** Next index of an iteration that an index may answer. */
	joins: number;
}

export interface ClauseContext {
	program: ProgramContext;
	/** Slots of the frame so far. */
	slots: number;
	/** What a local's value was read from. */
	sources: Map<number, Pick<ReadSite, 'origin' | 'keys'>>;
	/** What is compiled: a key is both read by and told when it finds nothing, and keys may hold keys. */
	gets: Map<Node, Get>;
	/** Of the clause. */
	place: Place;
}

/** Slots that have a value at this point of a body. */
export type Bound = Set<number>;

/** A part of a body: a test, or an iteration that calls what follows for each row. */
export type Op = { kind: 'test'; test: Test } | { kind: 'each'; each: (next: Next) => Next };

export function temporary(ctx: ClauseContext, name = '$'): Local {
	return { kind: 'local', slot: ctx.slots++, name };
}

export const slotGet =
	(slot: number): Get =>
	(_m: Machine, f: Frame) =>
		f[slot];

/** Puts the parts together with what is done for each row at the end. */
export function compose(ops: readonly Op[], last: Next): Next {
	let next = last;
	let tests: Test[] = [];
	for (let i = ops.length - 1; i >= 0; i--) {
		const op = ops[i] as Op;
		if (op.kind === 'test') {
			tests.push(op.test);
			continue;
		}
		next = op.each(testing(tests.reverse(), next));
		tests = [];
	}
	return testing(tests.reverse(), next);
}

/** Tests run side by side, not within one another: a long body needs no deep stack. */
function testing(tests: readonly Test[], next: Next): Next {
	const [first, second, third] = tests;
	if (first === undefined) return next;
	if (second === undefined) return (m, f) => first(m, f) && next(m, f);
	if (third === undefined) return (m, f) => first(m, f) && second(m, f) && next(m, f);
	const cost = tests.length >> 1;
	return (m, f) => {
		spend(cost);
		for (const test of tests) if (!test(m, f)) return false;
		return next(m, f);
	};
}

export const yes: Next = () => true;

/** Where the value of a term is read from; calls and closures are known by what they gave only. */
export function siteOf(node: Node, place: Place, ctx: ClauseContext, getOf: (node: Node) => Get): ReadSite {
	switch (node.kind) {
		case 'input':
			return { origin: { kind: 'input' }, keys: [], place };
		case 'local': {
			const source = ctx.sources.get(node.slot) ?? {
				origin: { kind: 'value', base: slotGet(node.slot) } as const,
				keys: [],
			};
			return { ...source, place };
		}
		case 'ref': {
			const site = siteOf(node.base, place, ctx, getOf);
			return { ...site, keys: [...site.keys, ...node.path.map((part) => keyOf(part, getOf))] };
		}
		case 'document':
			return { origin: { kind: 'value', base: getOf(node) }, keys: [], place };
		default:
			return { origin: { kind: 'value', base: () => undefined }, keys: [], place };
	}
}

const keyOf = (part: Node, getOf: (node: Node) => Get): PathKey =>
	part.kind === 'constant' ? { kind: 'constant', key: part.value } : { kind: 'variable', get: getOf(part) };
