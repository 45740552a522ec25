// Programs at random that every Rego compiler accepts: what they read comes from input, so that no type is known beforehand.
import fc from 'fast-check';
import { collection, condition, inputDocument, previousMark, term } from './random-term.ts';

export interface RandomProgram {
	/** A v1 module of the package test. */
	module: string;
	input: unknown;
}

/** What every program has: functions of several clauses, with patterns and constants. */
const helpers = `package test

id(x) := x

kind(x) := "text" if is_string(x) else := "number" if is_number(x)

first([x]) := x

first([x, _]) := x

field({"a": x}) := x

field({"b": x}) := x if is_number(x)

pick("a") := 1

pick(1) := "one"

pick(x) := [x] if x == true

rmissing := [input.a, 1]

not_one(x) if x != 1`;

/** Statements that bind v, each in a way of its own. */
const binding = fc.oneof(
	collection.map((of) => `some v in ${of}`),
	collection.map((of) => `some i, v in ${of}; i != 0`),
	fc.constantFrom(
		'some i, j; v := input.c[i][j]',
		'input.c[i].a = v; input.d[i] != v',
		'{"a": v} = input.c[_]',
		'[v, _] = input.c[_]',
		'[_, v] = input.c[i]; v != i',
		'walk(input.a, [_, v])',
		'walk(input.b, [p, v]); count(p) == 1',
		'some {"a": v} in input.c',
		'some i; v := input[i]; i > "b"',
		'v := input.a[k]; input.b[k]',
		'v = input.c[i]; input.d[i] = w; w != v',
		'count(input.c, v)',
		'v := {k | input.a[k]}',
	),
);

const rule = fc.oneof(
	fc.tuple(binding, condition).map(
		([bind, when]) =>
			(name: string) =>
				`${name} contains v if { ${bind}; x := v; ${when} }`,
	),
	fc.tuple(binding, term).map(
		([bind, inner]) =>
			(name: string) =>
				`${name} := {v | ${bind}; x := v; not ${inner.replaceAll('[_]', '[0]')}}`,
	),
	fc.tuple(collection, condition).map(
		([of, when]) =>
			(name: string) =>
				`${name}[s].deep.n := x if { some k, x in [z | some z in ${of}]; s := format_int(k, 10); ${when} }`,
	),
	fc.tuple(collection, term).map(
		([of, inner]) =>
			(name: string) =>
				`${name}[kind(x)] contains [y | y := ${inner}] if some x in ${of}`,
	),
	term.map((inner) => (name: string) => `${name} := y if { x := input.d[0]; y := ${inner.replaceAll('[_]', '[1]')} }`),
	fc.tuple(collection, condition, term).map(
		([of, when, inner]) =>
			(name: string) =>
				`${name} := [y | some x in ${of}; ${when}; y := ${inner}]`,
	),
	fc.tuple(collection, condition).map(
		([of, when]) =>
			(name: string) =>
				`${name} contains x if { some x in ${of}; ${when} }`,
	),
	fc.tuple(collection, condition, term).map(
		([of, when, inner]) =>
			(name: string) =>
				`${name}[k] := [y | y := ${inner}] if { some k, x in [z | some z in ${of}]; ${when} }`,
	),
	fc.tuple(collection, condition).map(
		([of, when]) =>
			(name: string) =>
				`default ${name} := "none"\n${name} := "some" if { some x in ${of}; ${when} } else := "else" if { x := input.d[0]; ${when} }`,
	),
	fc.tuple(collection, condition).map(
		([of, when]) =>
			(name: string) =>
				`${name} := {x: y | some x in ["a", "b"]; y := count([1 | some x in ${of}; ${when}])}`,
	),
);

/** A rule before the i-th. */
const earlier = (i: number): number | 'missing' => (i === 0 ? 'missing' : (i * 7 + 3) % i);

export const randomProgram = (rules: number): fc.Arbitrary<RandomProgram> =>
	fc
		.record({ rules: fc.array(rule, { minLength: rules, maxLength: rules }), input: inputDocument })
		.map(({ rules: made, input: document }) => ({
			module: [helpers, ...made.map((make, i) => make(`r${i}`).replaceAll(previousMark, `r${earlier(i)}`))].join(
				'\n\n',
			),
			input: document,
		}));
