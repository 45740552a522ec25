// What names mean, resolved: the tree that is ordered and compiled. Locals are numbered slots of one frame per clause.
import type { Builtin } from '../builtins/builtin.ts';
import type { Place } from '../errors.ts';
import type { Value } from '../value/value.ts';
import type { DocNode } from './rule-tree.ts';

export type Node =
	| { kind: 'constant'; value: Value }
	| Local
	| { kind: 'input'; place: Place }
	| RefNode
	| DataNode
	| { kind: 'array'; items: Node[] }
	| { kind: 'set'; items: Node[] }
	| { kind: 'object'; entries: [Node, Node][] }
	| ComprehensionNode
	| CallNode
	/** The document of a node of the rule tree: its rules, or all below it. */
	| { kind: 'document'; node: DocNode }
	/** A base document, where the tree has no rules. */
	| { kind: 'base'; path: (string | number)[] }
	/** Parts of a string interpolation; each term is a set comprehension of its values. */
	| { kind: 'template'; parts: (string | ComprehensionNode)[]; place: Place };

export interface Local {
	kind: 'local';
	slot: number;
	/** As the source has it; $... for wildcards and made-up ones. */
	name: string;
}

/** A reference into a value; `path` is never empty. */
export interface RefNode {
	kind: 'ref';
	base: Node;
	path: Node[];
	place: Place;
}

/** A reference below data: virtual and base documents. */
export interface DataNode {
	kind: 'data';
	path: Node[];
	place: Place;
}

export interface ComprehensionNode {
	kind: 'comprehension';
	of: 'array' | 'set' | 'object';
	key: Node | null;
	value: Node;
	body: Statement[];
	/** Slots from this one on are its own; lower ones are of the body around it. */
	firstSlot: number;
	place: Place;
}

export interface CallNode {
	kind: 'call';
	/** For messages and `with`: startswith, data.lib.f */
	name: string;
	target: { kind: 'builtin'; builtin: Builtin } | { kind: 'function'; node: DocNode };
	args: Node[];
	place: Place;
}

export type Statement =
	| { kind: 'term'; term: Node; place: Place }
	/** `closed`: binds nothing by its references, lifted out of a negation. `output`: a call with its result as last argument. */
	| { kind: 'unify'; left: Node; right: Node; closed: boolean; output: boolean; place: Place }
	| { kind: 'not'; inner: Statement; place: Place }
	| { kind: 'with'; targets: WithTarget[]; inner: Statement; place: Place }
	| { kind: 'someIn'; key: Node | null; value: Node; domain: Node; place: Place }
	| EveryStatement;

export interface EveryStatement {
	kind: 'every';
	key: Local | null;
	value: Local;
	domain: Node;
	body: Statement[];
	firstSlot: number;
	place: Place;
}

export type WithTarget =
	| { kind: 'input'; path: string[]; value: Node }
	| { kind: 'data'; node: DocNode; value: Node }
	/** `value` replaces the result, `by` the function. */
	| { kind: 'function'; name: string; value: Node | null; by: CallNode['target'] | null };

/** One way to a rule's value; `otherwise` is tried where the body has none. */
export interface ClauseIr {
	/** Patterns of a function's arguments. */
	args: Node[];
	body: Statement[];
	/** Keys of a general head after its constant prefix. */
	path: Node[];
	/** Element of a partial set. */
	element: Node | null;
	value: Node | null;
	slots: number;
	otherwise: ClauseIr[];
	place: Place;
}

/** Frame slots with a meaning of their own; a function's arguments follow, then locals. */
export const callerSlot = 0;
export const callSlot = 1;
export const resultSlot = 2;
export const firstFreeSlot = 3;
