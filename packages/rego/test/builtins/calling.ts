// Built-ins called directly, with a budget of steps.
import { type BuiltinContext, BuiltinError } from '@affidavit/rego/builtins/builtin.ts';
import { builtins } from '@affidavit/rego/builtins/registry.ts';
import type { Value } from '@affidavit/rego/value/value.ts';

export class StepsExceeded extends Error {}

export const nowNs = 1_700_000_000_123_456_789n;

export function contextOf(steps: number): BuiltinContext & { used(): number } {
	let used = 0;
	return {
		nowNs,
		compiled: new Map(),
		charge(more) {
			if (!(more >= 0)) throw new TypeError(`charged ${more}`);
			used += more;
			if (used > steps) throw new StepsExceeded(`more than ${steps} steps`);
		},
		used: () => used,
	};
}

export function callWith(
	context: BuiltinContext,
	name: string,
	...args: readonly Value[]
): Value | undefined | BuiltinError {
	const builtin = builtins.get(name);
	if (builtin === undefined) throw new TypeError(`${name} is no built-in`);
	return builtin.run(args, context);
}

/** The value; an error's message as `{ error }`; undefined. */
export function call(name: string, ...args: readonly Value[]): Value | undefined | { error: string } {
	const result = callWith(contextOf(10_000_000), name, ...args);
	return result instanceof BuiltinError ? { error: result.message } : result;
}
