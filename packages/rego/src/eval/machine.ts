// The state of one evaluation. Compiled programs are functions of a machine and a frame.
import type { BuiltinContext } from '../builtins/builtin.ts';
import type { DocNode } from '../compile/rule-tree.ts';
import type { Key, Value } from '../value/value.ts';
import { LimitReached, spend, work } from '../value/work.ts';
import type { InputPaths } from './input-paths.ts';
import type { Limits } from './limits.ts';
import { kindsOf, type Miss, type Misses, mergeMisses, noMisses } from './misses.ts';
import type { ReadSite } from './read-site.ts';
import type { Position } from './run.ts';

/** Values of a clause's locals by slot; ir.ts names the first slots. */
export type Frame = (Value | undefined)[];

/** A value, or undefined; never iterates. */
export type Get = (m: Machine, f: Frame) => Value | undefined;
export type Test = (m: Machine, f: Frame) => boolean;
/** What follows in a body. True: enough was found, stop iterating. */
export type Next = (m: Machine, f: Frame) => boolean;

export interface CachedDocument {
	value: Value | undefined;
	misses: Misses | null;
	/** What they were added to last; there they are already. */
	toldTo: Misses | null;
	pending: boolean;
}

/** A function's stand-in, by `with`: a value, or another function. */
export type Mock = (m: Machine, args: readonly Value[]) => Value | undefined;

/** What `with` replaces. Documents are cached for as long as nothing is replaced. */
export interface DataScope {
	input: Value | undefined;
	documents: (CachedDocument | undefined)[];
	replaced: ReadonlyMap<DocNode, Value> | null;
	mocks: ReadonlyMap<string, Mock> | null;
}

export interface Machine {
	scope: DataScope;
	/** Base documents. */
	readonly data: Value | undefined;
	misses: Misses | null;
	readonly at: Position;
	/** Three per rule or function that is being evaluated, one per iteration. */
	nesting: number;
	readonly nestingMax: number;
	itemsLeft: number;
	bytesLeft: number;
	readonly strictBuiltinErrors: boolean;
	readonly builtinContext: BuiltinContext;
	/** Frames of functions that are not being evaluated, by group. */
	readonly idleFrames: (Frame | null | undefined)[];
	/** Iterations that may be joined by an index, by site. */
	readonly joins: (Join | undefined)[];
	/** Items of arrays that were asked for membership, by array; null when they were asked once. */
	readonly members: WeakMap<object, Set<Key> | null>;
	/** Keys of large objects in Rego's order. */
	readonly sortedKeys: WeakMap<object, readonly string[]>;
	/** Objects whose keys were iterated: they vary in the paths of what is missing. */
	readonly iterated: WeakSet<object>;
	/** By place and path. */
	readonly missKinds: Map<string, Miss>;
	/** By site of input and number of keys that were read. */
	readonly siteMisses: Map<ReadSite, (Miss | undefined)[]>;
	readonly inputPaths: InputPaths;
}

/** The collection that a join saw last, and its index once it was seen twice. */
export interface Join {
	collection: object;
	index: Map<Value, Value[]> | null;
	misses: Misses | null;
}

export interface MachineOptions {
	input: Value | undefined;
	data: Value | undefined;
	nowNs: bigint;
	limits: Limits;
	strictBuiltinErrors: boolean;
	inputPaths: InputPaths;
	at: Position;
}

export function createMachine(options: MachineOptions): Machine {
	const { input, data, nowNs, limits, strictBuiltinErrors, inputPaths, at } = options;
	return {
		scope: { input, documents: [], replaced: null, mocks: null },
		data,
		misses: null,
		at,
		nesting: 0,
		nestingMax: limits.depth * 3,
		itemsLeft: limits.outputItems,
		bytesLeft: limits.outputBytes,
		strictBuiltinErrors,
		builtinContext: { nowNs, charge, compiled: new Map() },
		idleFrames: [],
		joins: [],
		members: new WeakMap(),
		sortedKeys: new WeakMap(),
		iterated: new WeakSet(),
		missKinds: new Map(),
		siteMisses: new Map(),
		inputPaths,
	};
}

/** An item that a built-in visits takes longer than a row. */
const chargedStep = 2;

/** What built-ins call; NaN and Infinity are too much as well. */
function charge(steps: number): void {
	work.left -= steps * chargedStep;
	if (!(work.left >= 0)) throw new LimitReached('steps');
}

/** One row. */
export function step(): void {
	if (--work.left < 0) throw new LimitReached('steps');
}

/** Steps of what takes longer than a row, so that the limit bounds the time as well. */
export const costs = { document: 10, call: 4, closure: 4, miss: 10, knownMiss: 2, scope: 30 };

export function enter(m: Machine, weight: number): void {
	m.nesting += weight;
	if (m.nesting > m.nestingMax) throw new LimitReached('depth');
}

export function addItem(m: Machine): void {
	if (--m.itemsLeft < 0) throw new LimitReached('outputItems');
}

/** A set or object takes the memory of several items before it has any. */
export function addCollection(m: Machine, size: number): void {
	m.itemsLeft -= collectionItems + size;
	if (m.itemsLeft < 0) throw new LimitReached('outputItems');
}

const collectionItems = 3;

export function addBytes(m: Machine, units: number): void {
	m.bytesLeft -= units;
	if (m.bytesLeft < 0) throw new LimitReached('outputBytes');
}

export function absorb(m: Machine, misses: Misses, how: 'sum' | 'most'): void {
	spend(costs.knownMiss * kindsOf(misses));
	m.misses = mergeMisses(m.misses ?? noMisses(), misses, how);
}
