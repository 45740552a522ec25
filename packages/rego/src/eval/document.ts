// Values of the documents below data: complete rules, sets, objects, whole packages, with base documents under them.
import { resultSlot } from '../compile/ir.ts';
import type { DocNode } from '../compile/rule-tree.ts';
import type { Place } from '../errors.ts';
import { canonicalKey } from '../value/canonical.ts';
import { equalValues } from '../value/compare.ts';
import { isObject, type Key, objectEntries, RegoMap, RegoSet, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';
import { abort, completeConflict, functionConflict } from './abort.ts';
import { type DocumentBuilder, documentBuilder } from './document-builder.ts';
import { lookup } from './lookup.ts';
import {
	absorb,
	addItem,
	type CachedDocument,
	costs,
	enter,
	type Frame,
	type Machine,
	type Next,
	step,
} from './machine.ts';
import { excused, kept, type Misses, mergeMisses, noMisses } from './misses.ts';

export interface CompiledClause {
	/** Complete rules and functions leave their value in the frame; sets and objects add to what is there. */
	run: Next;
	slots: number;
	otherwise: CompiledClause[];
	place: Place;
}

export interface CompiledGroup {
	id: number;
	kind: 'complete' | 'set' | 'object' | 'function';
	node: DocNode;
	name: string;
	arity: number;
	clauses: CompiledClause[];
	/** Of a function with many clauses. */
	index: ClauseIndex | null;
	/** default */
	fallback: CompiledClause | null;
	/** Every clause gives the same constant, so the first that holds is enough. */
	constant: boolean;
	/** Of the largest frame that a clause needs. */
	slots: number;
	place: Place;
}

/** Clauses by the value of the argument in `slot`; `open` for values that no clause names. */
export interface ClauseIndex {
	slot: number;
	lists: ReadonlyMap<Key, readonly CompiledClause[]>;
	open: readonly CompiledClause[];
}

/** What documents are made from. */
export interface Documents {
	groups: readonly CompiledGroup[];
}

const frameOf = (slots: number): Frame => new Array<Value | undefined>(slots).fill(undefined);

/** The document of a node: what its rules say, or an object of all below it over the base document. */
export function documentAt(m: Machine, program: Documents, node: DocNode): Value | undefined {
	if (node.replaceable && m.scope.replaced !== null) {
		const value = m.scope.replaced.get(node);
		if (value !== undefined) return value;
	}
	return cached(m, node.id, node.path, () => computeDocument(m, program, node));
}

/** Computed once for as long as nothing is replaced; its misses count for everyone who reads it. */
export function cached(
	m: Machine,
	id: number,
	path: readonly string[] | null,
	compute: () => Value | undefined,
): Value | undefined {
	const { documents } = m.scope;
	const known = documents[id];
	if (known !== undefined) {
		if (known.pending) recursive(m, path);
		if (known.misses !== null) tell(m, known, known.misses);
		return known.value;
	}
	const document: CachedDocument = { value: undefined, misses: null, toldTo: null, pending: true };
	documents[id] = document;
	const outer = m.misses;
	m.misses = null;
	enter(m, 3);
	spend(costs.document);
	document.value = compute();
	m.nesting -= 3;
	document.misses = m.misses;
	document.pending = false;
	m.misses = outer;
	if (document.misses !== null) tell(m, document, document.misses);
	return document.value;
}

/** Once for all rows of a loop that read the document. */
function tell(m: Machine, document: CachedDocument, misses: Misses): void {
	if (m.misses !== null && m.misses === document.toldTo) return;
	absorb(m, misses, 'most');
	document.toldTo = m.misses;
}

function recursive(m: Machine, path: readonly string[] | null): never {
	const name = path === null ? 'comprehension' : ['data', ...path].join('.');
	abort('compile', `rule ${name} is recursive`, m.at.place);
}

function computeDocument(m: Machine, program: Documents, node: DocNode): Value | undefined {
	const group = node.group === null ? undefined : program.groups[node.group.id];
	if (group === undefined) return packageDocument(m, program, node);
	switch (group.kind) {
		case 'complete':
			return ruleValue(m, group, frameOf(group.slots));
		case 'set':
			return setOf(m, group);
		case 'object': {
			const builder = documentBuilder(group);
			collectInto(m, program, node, builder, []);
			return builder.build();
		}
		case 'function':
			return undefined;
		default:
			return group.kind satisfies never;
	}
}

/** The value of a complete rule, or of a function whose arguments are in the frame. */
export function ruleValue(m: Machine, group: CompiledGroup, frame: Frame): Value | undefined {
	const outer = m.misses;
	const { place } = m.at;
	let value: Value | undefined;
	let failed: Misses | null = null;
	let succeeded: Misses | null = null;
	for (const clause of group.index === null ? group.clauses : clausesFor(group.index, frame)) {
		m.misses = null;
		m.at.place = clause.place;
		step();
		const found = runChain(m, clause, frame);
		if (m.misses !== null) {
			if (found === undefined) failed = mergeMisses(failed ?? noMisses(), m.misses, 'sum');
			else succeeded = mergeMisses(succeeded ?? noMisses(), m.misses, 'sum');
		}
		if (found === undefined) continue;
		if (value === undefined) {
			value = found;
			if (group.constant) break;
		} else if (!equalValues(value, found)) {
			abort('conflict', group.kind === 'function' ? functionConflict : completeConflict, clause.place);
		}
	}
	let own = value === undefined ? failed : succeeded;
	if (value === undefined && group.fallback !== null) {
		value = runClause(m, group.fallback, frame);
		// A default in place of what a missing field kept from being said excuses nothing.
		if (failed !== null) own = kept(failed);
	}
	m.misses = outer;
	m.at.place = place;
	if (own !== null) absorb(m, own, 'sum');
	return value;
}

function clausesFor({ slot, lists, open }: ClauseIndex, frame: Frame): readonly CompiledClause[] {
	const value = frame[slot];
	// The index has scalars only.
	if (value === undefined || (typeof value === 'object' && value !== null)) return open;
	return lists.get(canonicalKey(value)) ?? open;
}

/** A clause, then its `else` bodies; what ended those before the one that holds is excused. */
function runChain(m: Machine, clause: CompiledClause, frame: Frame): Value | undefined {
	let value = runClause(m, clause, frame);
	for (const other of clause.otherwise) {
		if (value !== undefined) break;
		const before: Misses | null = m.misses;
		m.misses = null;
		value = runClause(m, other, frame);
		if (value === undefined && before !== null) m.misses = mergeMisses(before, m.misses ?? noMisses(), 'sum');
	}
	if (value !== undefined && m.misses !== null) m.misses = excused(m.misses);
	return value;
}

function runClause(m: Machine, clause: CompiledClause, frame: Frame): Value | undefined {
	frame[resultSlot] = undefined;
	clause.run(m, frame);
	return frame[resultSlot];
}

function setOf(m: Machine, group: CompiledGroup): RegoSet {
	const set = new RegoSet();
	runAll(m, group, set);
	return set;
}

/** Rows that a missing field ended make the collection smaller. */
function runAll(m: Machine, group: CompiledGroup, collection: RegoSet | DocumentBuilder): void {
	const frame = frameOf(group.slots);
	frame[resultSlot] = collection as unknown as Value;
	const outer = m.misses;
	m.misses = null;
	const { place } = m.at;
	for (const clause of group.clauses) {
		m.at.place = clause.place;
		clause.run(m, frame);
	}
	m.at.place = place;
	const own: Misses | null = m.misses;
	m.misses = outer;
	if (own !== null) absorb(m, kept(own), 'sum');
}

/** Everything at and below the node, at its place below the document that is built. */
function collectInto(
	m: Machine,
	program: Documents,
	node: DocNode,
	builder: DocumentBuilder,
	prefix: readonly Value[],
): void {
	const group = node.group === null ? undefined : program.groups[node.group.id];
	if (group?.kind === 'function') return;
	if (group !== undefined && group.kind !== 'object') {
		const value = documentAt(m, program, node);
		if (value === undefined) return;
		if (value instanceof RegoSet && group.kind === 'set') builder.addSet(prefix, value, group.place);
		else builder.add(prefix, value, group.place);
		return;
	}
	if (group !== undefined) {
		const before = builder.prefix;
		builder.prefix = prefix;
		runAll(m, group, builder);
		builder.prefix = before;
	}
	for (const [name, child] of node.children) collectInto(m, program, child, builder, [...prefix, name]);
}

function packageDocument(m: Machine, program: Documents, node: DocNode): Value | undefined {
	const base = baseAt(m, node.path);
	if (node.children.size === 0) return base ?? (node.ruled ? new RegoMap() : undefined);
	const document = new RegoMap();
	if (base !== undefined && isObject(base)) for (const [key, value] of objectEntries(base)) document.set(key, value);
	for (const [name, child] of node.children) {
		if (child.group?.kind === 'function') continue;
		// As in OPA, the base document stands where a rule has the same name.
		if (child.group !== null && !child.replaceable && document.has(name)) continue;
		const value = documentAt(m, program, child);
		if (value === undefined) continue;
		addItem(m);
		document.set(name, value);
	}
	return document.size > 0 || node.ruled ? document : base;
}

/** Numbers in the path are keys of objects too: data.x[2] is data.x["2"]. */
export function baseAt(m: Machine, path: readonly (string | number)[]): Value | undefined {
	let value = m.data;
	for (const name of path) {
		if (value === undefined) return undefined;
		value = lookup(value, isObject(value) ? String(name) : name);
	}
	return value;
}
