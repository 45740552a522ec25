import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuiltinError } from '@affidavit/rego/builtins/builtin.ts';
import { builtins } from '@affidavit/rego/builtins/registry.ts';
import {
	isArray,
	isSet,
	objectEntries,
	objectOf,
	type RegoObject,
	RegoSet,
	type Value,
} from '@affidavit/rego/value/value.ts';
import { LimitReached } from '@affidavit/rego/value/work.ts';
import fc from 'fast-check';
import { callWith, contextOf, StepsExceeded } from './calling.ts';

const stepsMax = 2_000_000;
const callMs = 2_000;

/** Texts that some family takes for more than text. */
const pointed = [
	...[
		'',
		'a',
		'0',
		'-',
		'%',
		'%d %s %v',
		'%[1]*.[2]*f',
		'%999999d',
		'%.999999f',
		'$1',
		'$' + '{a}',
		'{a,b}*',
		'[!a-z]',
		'\\',
	],
	...['(a|b)*c', '(a*)*b', 'a{1000}', '[', '(?i)x+$', '/a/b/0', '~0~1', '//', '1.2.3', 'v1.2.3-rc.1', '10.0.0.0/8'],
	...['::/0', '::ffff:1.2.3.4/120', '2006-01-02T15:04:05Z07:00', '2020-02-30T10:00:00Z', '1h2.5m', '9'.repeat(400)],
	...[
		'{"a": [1, 1e400, "\\u0000"]}',
		'[[[[[[]]]]]]',
		'a: &x [1]\nb: *x',
		'- - - - -',
		'<<: 1',
		'<<: [1, {a: 2}]',
		'a: !!map x',
		'? [a]\n: 1',
		'10Ki',
		'1e99999',
		'0x1F',
		'日本😀',
	],
	...[
		'__proto__',
		'constructor',
		'\n\u0000\ud800',
		'YQ==',
		'YQ',
		'%zz',
		'a=b&c=%20',
		'Europe/Berlin',
		'http://[::1]:8080/x%20y',
	],
	...[
		'6ba7b810-9dad-11d1-80b4-00c04fd430c8',
		'a'.repeat(5_000),
		'('.repeat(3_000),
		'[1,'.repeat(5_000),
		'{a,'.repeat(500),
	],
];

const numbers: readonly Value[] = [
	...[0, 1, -1, 2, 8, 10, 16, 0.1, -0.5, 1e-300, 1e300, 5e-324, 2 ** 53 - 1, 1_000_000_000_000, 1_700_000_000],
	...[2n ** 53n, 2n ** 63n, -(2n ** 63n), 2n ** 64n + 1n, 10n ** 400n, -(10n ** 5_000n)],
];

function deep(depth: number): Value {
	let value: Value = 'x';
	for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : objectOf([['k', value]]);
	return value;
}

const scalars = fc.oneof(
	fc.constantFrom<Value>(null, true, false),
	fc.constantFrom(...numbers),
	fc.integer(),
	fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
	fc.constantFrom(...pointed),
	fc.string({ unit: 'binary', maxLength: 12 }),
);

const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
	value: fc.oneof(
		{ maxDepth: 3, withCrossShrink: true },
		{ weight: 4, arbitrary: scalars },
		{ weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
		{ weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 4 }).map((items) => RegoSet.of(items)) },
		{ weight: 1, arbitrary: fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map(objectOf) },
		{
			weight: 1,
			arbitrary: fc.dictionary(
				fc.constantFrom('a', '__proto__', 'op', 'path', 'x/y'),
				tie('value'),
			) as fc.Arbitrary<Value>,
		},
	),
}));

/** Deep values are no keys here: making a set of them is the evaluator's business. */
const operands = fc.oneof(
	{ weight: 9, arbitrary: values },
	{ weight: 1, arbitrary: fc.constantFrom(deep(10), deep(150), deep(5_000)) },
);

/** No NaN, no infinity, no bigint that a double holds, no hole. */
function assertValue(value: Value, depth = 0): void {
	if (depth > 200) return;
	if (typeof value === 'number') assert.ok(Number.isFinite(value) && !Object.is(value, -0), String(value));
	else if (typeof value === 'bigint') assert.ok(value > 2n ** 53n - 1n || value < -(2n ** 53n) + 1n, String(value));
	else if (isArray(value)) for (const item of value) assertValue(item, depth + 1);
	else if (isSet(value)) for (const item of value.items()) assertValue(item, depth + 1);
	else if (typeof value === 'object' && value !== null) {
		for (const [key, item] of objectEntries(value as RegoObject)) {
			assertValue(key, depth + 1);
			assertValue(item, depth + 1);
		}
	} else assert.ok(value === null || typeof value === 'string' || typeof value === 'boolean', typeof value);
}

const sameInputs = (args: readonly Value[]): boolean =>
	!args.some((arg) => typeof arg === 'number' && Object.is(arg, -0));

function tryOut(name: string, args: readonly Value[]): void {
	const start = performance.now();
	try {
		const result = callWith(contextOf(stepsMax), name, ...args);
		if (result !== undefined && !(result instanceof BuiltinError)) assertValue(result);
	} catch (error) {
		if (!(error instanceof StepsExceeded || error instanceof LimitReached)) throw error;
	}
	const ms = performance.now() - start;
	assert.ok(ms < callMs, `${name} took ${ms} ms`);
}

for (const [name, { arity, variadic }] of builtins) {
	test(`${name} answers any values within its budget and throws nothing else`, () => {
		fc.assert(
			fc.property(
				fc.array(operands, { minLength: arity, maxLength: variadic === true ? arity + 3 : arity }),
				(args) => {
					fc.pre(sameInputs(args));
					tryOut(name, args);
				},
			),
			{ numRuns: 60 },
		);
	});
	if (arity > 0) {
		test(`${name} answers texts and numbers that mean something to some built-in`, () => {
			const argument = fc.oneof(fc.constantFrom<Value>(...pointed), fc.constantFrom(...numbers), operands);
			fc.assert(
				fc.property(fc.array(argument, { minLength: arity, maxLength: arity }), (args) => {
					fc.pre(sameInputs(args));
					tryOut(name, args);
				}),
				{ numRuns: 120 },
			);
		});
	}
}
