// Built-ins called directly, with a budget of steps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BuiltinContext, BuiltinError } from '@affidavit/rego/builtins/builtin.ts';
import { builtins } from '@affidavit/rego/builtins/registry.ts';
import { valueText } from '@affidavit/rego/builtins/value-text.ts';
import { equalValues } from '@affidavit/rego/value/compare.ts';
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

/** [arguments, answer]: a value, { error }, or undefined. */
export type Row = readonly [args: readonly Value[], want: Value | undefined | { error: string }];

/** One test per built-in; answers are compared as Rego compares values. */
export function testAnswers(name: string, rows: readonly Row[]): void {
	test(name, () => {
		for (const [args, want] of rows) {
			const got = call(name, ...args);
			const shown = `${name}(${args.map((arg) => valueText(arg).slice(0, 200)).join(', ')})`;
			if (isError(want) || isError(got) || want === undefined || got === undefined) assert.deepEqual(got, want, shown);
			else assert.ok(equalValues(got, want), `${shown} is ${valueText(got)}, not ${valueText(want)}`);
		}
	});
}

const isError = (value: Value | undefined | { error: string }): value is { error: string } =>
	typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'string';
