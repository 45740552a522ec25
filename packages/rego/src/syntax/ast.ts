// The syntax tree of a module, as the parser makes it. Spec: OPA's policy reference (grammar), v0 and v1.
import type { Place } from '../errors.ts';

export interface Module {
	/** What the policy calls it. */
	name: string;
	/** Path below data: package a.b["c"] is ['a', 'b', 'c']. */
	package: string[];
	imports: Import[];
	rules: Rule[];
	/** Whether rules must use `if` and `contains` (v1, or v0 with import rego.v1). */
	version: 'v0' | 'v1';
}

export interface Import {
	/** 'input' or 'data' first; future.keywords and rego.v1 are consumed by the parser. */
	path: string[];
	alias: string;
	place: Place;
}

/**
 * A rule. Heads may be references (a.b[x].c): `head` holds all of it but for the key of a partial set.
 * complete: head = value. set: head contains key. object: the last term of `head` is the key, or any term of it is a variable.
 */
export interface Rule {
	kind: 'complete' | 'set' | 'function';
	default: boolean;
	/** First the name (a string constant), then strings or any terms. `p[x] = y` is complete with head [p, x]. */
	head: [Constant, ...Term[]];
	/** Of a function. */
	args: Term[];
	/** The element of a partial set; null otherwise. */
	key: Term | null;
	/** Value of a complete rule or function; `true` where the source has none. null for a set. */
	value: Term | null;
	/** Empty: always true. */
	body: Expression[];
	/** Tried in order where the body is undefined; each with its own body and value. */
	else: Else[];
	place: Place;
}

export interface Else {
	value: Term;
	body: Expression[];
	place: Place;
}

export interface Expression {
	negated: boolean;
	node: Statement;
	with: With[];
	place: Place;
}

export interface With {
	/** A reference below input or data, or a function's name. */
	target: Ref;
	value: Term;
	place: Place;
}

export type Statement =
	/** True when defined and not false. */
	| { kind: 'term'; term: Term }
	| { kind: 'unify'; left: Term; right: Term }
	| { kind: 'assign'; left: Term; right: Term }
	| { kind: 'some'; names: string[] }
	| { kind: 'someIn'; key: Term | null; value: Term; domain: Term }
	| { kind: 'every'; key: string | null; value: string; domain: Term; body: Expression[] };

export type Term = Constant | Variable | Ref | ArrayTerm | SetTerm | ObjectTerm | Comprehension | Call | Template;

export interface Constant {
	kind: 'constant';
	/** bigint: an integer that a double cannot hold. */
	value: null | boolean | number | bigint | string;
	place: Place;
}

/** A wildcard has a name of its own that begins with $. Before resolution this may also be a rule's name, input or data. */
export interface Variable {
	kind: 'variable';
	name: string;
	place: Place;
}

/** head[path...]; `path` is never empty. a.b is a["b"]. */
export interface Ref {
	kind: 'ref';
	head: Term;
	path: Term[];
	place: Place;
}

export interface ArrayTerm {
	kind: 'array';
	items: Term[];
	place: Place;
}

export interface SetTerm {
	kind: 'set';
	items: Term[];
	place: Place;
}

export interface ObjectTerm {
	kind: 'object';
	entries: [Term, Term][];
	place: Place;
}

export interface Comprehension {
	kind: 'comprehension';
	of: 'array' | 'set' | 'object';
	/** Of an object comprehension; null otherwise. */
	key: Term | null;
	value: Term;
	body: Expression[];
	place: Place;
}

/**
 * A call. Operators are calls of OPA's built-ins: + plus, - minus, * mul, / div, % rem, & and, | or, == equal, != neq, < lt,
 * <= lte, > gt, >= gte, `x in y` internal.member_2, `k, v in y` internal.member_3.
 */
export interface Call {
	kind: 'call';
	/** ['startswith'], ['regex', 'match'], ['data', 'lib', 'f'] */
	operator: string[];
	args: Term[];
	place: Place;
}

/** $"text {term}": string interpolation. */
export interface Template {
	kind: 'template';
	parts: (string | Term)[];
	place: Place;
}
