// What a built-in function is. Built-ins are pure: the time comes in, nothing else does.
import type { Value } from '../value/value.ts';

export interface Builtin {
	/** OPA's name: startswith, regex.match, internal.member_2 */
	name: string;
	/** Number of arguments. */
	arity: number;
	/** A relation gives an array of tuples, each of which is a result (walk). */
	relation?: boolean;
	/** Takes any number of arguments from arity on (print). */
	variadic?: boolean;
	/** The value; undefined where OPA has no result without an error; a BuiltinError where OPA has an error. */
	run(args: readonly Value[], context: BuiltinContext): Value | undefined | BuiltinError;
}

export interface BuiltinContext {
	nowNs: bigint;
	/** Counts work in steps (about one visited item or 64 bytes each); throws the evaluator's limit error when there are too many. */
	charge(steps: number): void;
	/** Compiled patterns and the like, kept for one evaluation; bounded by the user of it (compiledMax entries). */
	compiled: Map<string, unknown>;
}

export const compiledMax = 1_000;

export class BuiltinError {
	/** One sentence in OPA's manner: operand 1 must be string but got number. */
	readonly message: string;
	constructor(message: string) {
		this.message = message;
	}
}

/** A limit of ours that OPA does not have: it ends the evaluation, for a rule that becomes undefined by it would deny nothing. */
export class BuiltinLimit extends BuiltinError {}
