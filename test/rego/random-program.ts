// Programs at random that every Rego compiler accepts: what they read comes from input, so that no type is known beforehand.
import fc from 'fast-check';

export interface RandomProgram {
	/** A v1 module of the package test. */
	module: string;
	input: unknown;
}

const names = ['a', 'b', 'c', 'd'];

const scalar = fc.oneof(
	fc.integer({ min: -3, max: 12 }),
	fc.constantFrom('', 'a', 'ab', 'abc', 'b', 'é', '10', 'x/y'),
	fc.boolean(),
	fc.constant(null),
	fc.constantFrom(0.5, 1.5, 1e3),
);

const { value: json } = fc.letrec((tie) => ({
	value: fc.oneof(
		{ maxDepth: 3, withCrossShrink: true },
		scalar,
		fc.array(tie('value'), { maxLength: 4 }),
		fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 4 }),
	),
}));

/** Every field is there now and then, so that many rules are defined. */
const input = fc.record({
	a: json,
	b: json,
	c: fc.array(json, { maxLength: 5 }),
	d: fc.array(scalar, { maxLength: 6 }),
});

const path = fc
	.tuple(
		fc.constantFrom('input.a', 'input.b', 'input.c', 'input.d', 'input.missing'),
		fc.array(fc.constantFrom('.a', '.b', '[0]', '[1]', '[_]', '["c"]'), { maxLength: 2 }),
	)
	.map(([head, steps]) => `${head}${steps.join('')}`);

// Variables of their own: OPA takes x for the outer one in `some x in [x | …]`.
const collection = fc.oneof(
	path,
	path.map((inner) => `{z | z := ${inner}[_]}`),
	path.map((inner) => `[z | some z in ${inner}]`),
	fc.tuple(path, path).map(([a, b]) => `[${a}, ${b}, 1, "a"]`),
	fc.tuple(path, path).map(([a, b]) => `{"a": ${a}, "b": ${b}}`),
);

const literal = scalar.map((value) => JSON.stringify(value));
const unary = fc.constantFrom(
	'count',
	'sum',
	'max',
	'min',
	'sort',
	'abs',
	'upper',
	'lower',
	'to_number',
	'type_name',
	'is_string',
	'is_number',
	'json.marshal',
	'array.reverse',
	'object.keys',
	'floor',
);
const binary = fc.constantFrom(
	'startswith',
	'contains',
	'endswith',
	'split',
	'concat',
	'trim',
	'array.concat',
	'indexof',
	'object.union',
);
const infix = fc.constantFrom('==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '&', '|');

/** A term over the variable x, the input, and what it is given. */
const { term } = fc.letrec<{ term: string }>((tie) => ({
	term: fc.oneof(
		{ maxDepth: 3 },
		fc.constant('x'),
		literal,
		path,
		fc.tuple(unary, tie('term')).map(([name, arg]) => `${name}(${opaque(arg)})`),
		fc.tuple(binary, tie('term'), tie('term')).map(([name, a, b]) => `${name}(${opaque(a)}, ${opaque(b)})`),
		fc.tuple(tie('term'), infix, tie('term')).map(([a, operator, b]) => `(${opaque(a)} ${operator} ${opaque(b)})`),
		fc.tuple(tie('term'), tie('term')).map(([a, b]) => `[${a}, ${b}]`),
		tie('term').map((inner) => `{"a": ${inner}}`),
		fc.tuple(collection, tie('term')).map(([of, inner]) => `[y | some y in ${of}; y != ${opaque(inner)}]`),
		fc.tuple(tie('term'), collection).map(([inner, of]) => `(${opaque(inner)} in ${of})`),
	),
}));

/** Literals through a function of no known type, so that OPA's type checker has nothing to refuse. */
function opaque(text: string): string {
	return `id(${text})`;
}

const condition = fc.oneof(
	term,
	// A wildcard under not is unsafe.
	term.map((inner) => `not ${inner.replaceAll('[_]', '[0]')}`),
	fc.tuple(term, term).map(([a, b]) => `${opaque(a)} == ${opaque(b)}`),
	fc.tuple(collection, term).map(([of, inner]) => `every y in ${of} { y != ${opaque(inner)} }`),
	fc.tuple(term, json).map(([inner, value]) => `${inner} with input.a as ${JSON.stringify(value)}`),
);

const rule = fc.oneof(
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
				`${name}[k] := [y | y := ${inner}] if { some k, x in ${of}; ${when} }`,
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

export const randomProgram = (rules: number): fc.Arbitrary<RandomProgram> =>
	fc
		.record({ rules: fc.array(rule, { minLength: rules, maxLength: rules }), input })
		.map(({ rules: made, input: document }) => ({
			module: ['package test', 'id(x) := x', ...made.map((make, i) => make(`r${i}`))].join('\n\n'),
			input: document,
		}));
