// What can be wrong with a module, a query or an evaluation. Closed list.

export type RegoErrorCode =
	/** Not Rego: unexpected token, unbalanced brackets, keyword without its import. */
	| 'parse'
	/** Rego, but it cannot mean anything: unsafe variable, recursion, conflicting rules, unknown function, wrong arity. */
	| 'compile'
	/** Rego that OPA knows and this evaluator does not: refused by name. */
	| 'unsupported'
	/** Two rules give one document different values. */
	| 'conflict'
	/** A built-in refused its arguments; an error only where built-in errors are strict. */
	| 'builtin'
	/** Steps, depth, items or bytes beyond a named limit. */
	| 'limit';

/** Place in a module; row and column count from 1. */
export interface Place {
	module: string;
	row: number;
	column: number;
}

export interface Problem {
	code: RegoErrorCode;
	/** One sentence without the place. */
	message: string;
	place: Place;
}

/** `name:row:column: message` */
export const describeProblem = ({ message, place }: Problem): string =>
	`${place.module}:${place.row}:${place.column}: ${message}`;
