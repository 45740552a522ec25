// Terms and conditions at random over the input, earlier rules and the variable x. No type is known beforehand, so that OPA's type
// checker has nothing to refuse.
import fc from 'fast-check';

const names = ['a', 'b', 'c', 'd'];

const scalar = fc.oneof(
	fc.integer({ min: -3, max: 12 }),
	fc.constantFrom('', 'a', 'ab', 'abc', 'b', 'é', '10', 'x/y'),
	fc.boolean(),
	fc.constant(null),
	fc.constantFrom(0.5, 1.5, 1e3),
);

export const { value: json } = fc.letrec((tie) => ({
	value: fc.oneof(
		{ maxDepth: 3, withCrossShrink: true },
		scalar,
		fc.array(tie('value'), { maxLength: 4 }),
		fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 4 }),
	),
}));

const fields = fc.record(
	{ a: json, b: json, c: scalar, d: fc.array(scalar, { maxLength: 3 }) },
	{ requiredKeys: ['c'] },
);

/** Most of what the terms read is there, so that most rules are defined. */
export const inputDocument = fc.record({
	a: fc.oneof(fields, json),
	b: fc.oneof(fields, json),
	c: fc.array(fc.oneof(fields, fc.array(scalar, { maxLength: 3 }), json), { minLength: 1, maxLength: 5 }),
	d: fc.array(scalar, { minLength: 1, maxLength: 6 }),
});

const path = fc
	.tuple(
		fc.constantFrom('input.a', 'input.b', 'input.c', 'input.c', 'input.d', 'input.d', 'input.a.d', 'input.missing'),
		fc.array(fc.constantFrom('.a', '.b', '[0]', '[1]', '[_]', '[_]', '["c"]'), { maxLength: 1 }),
	)
	.map(([head, steps]) => `${head}${steps.join('')}`);

/** Stands for an earlier rule's document. */
export const previousMark = 'PREVIOUS';
const previous = fc.constantFrom(`id(${previousMark})`, `[z | some z in id(${previousMark})]`);

// Variables of their own: OPA takes x for the outer one in `some x in [x | …]`.
export const collection = fc.oneof(
	path,
	previous,
	path.map((inner) => `{z | z := ${inner}[_]}`),
	path.map((inner) => `[z | some z in ${inner}]`),
	fc.tuple(path, path).map(([a, b]) => `[${a}, ${b}, 1, "a"]`),
	fc.tuple(path, path).map(([a, b]) => `{"a": ${a}, "b": ${b}}`),
);

const literal = scalar.map((value) => JSON.stringify(value));
const unary = fc.constantFrom(
	...['id', 'kind', 'first', 'field', 'pick'],
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
export const { term } = fc.letrec<{ term: string }>((tie) => ({
	term: fc.oneof(
		{ maxDepth: 3 },
		fc.constant('x'),
		literal,
		path,
		fc.tuple(unary, tie('term')).map(([name, arg]) => `${name}(${opaque(arg)})`),
		fc.tuple(binary, tie('term'), tie('term')).map(([name, a, b]) => `${name}(${opaque(a)}, ${opaque(b)})`),
		fc.tuple(tie('term'), infix, tie('term')).map(([a, operator, b]) => `(${opaque(a)} ${operator} ${opaque(b)})`),
		fc.tuple(tie('term'), tie('term')).map(([a, b]) => `[${opaque(a)}, ${opaque(b)}]`),
		tie('term').map((inner) => `{"a": ${opaque(inner)}}`),
		fc.tuple(tie('term'), tie('term')).map(([a, b]) => `{${opaque(a)}, ${opaque(b)}}`),
		fc.tuple(tie('term'), collection).map(([inner, of]) => `{w: w | some w in ${of}; w == ${opaque(inner)}}`),
		fc.tuple(collection, tie('term')).map(([of, inner]) => `id(${of})[${inner}]`),
		tie('term').map((inner) => `input.c[${inner}]`),
		fc.tuple(collection, tie('term')).map(([of, inner]) => `[y | some y in ${of}; y != ${opaque(inner)}]`),
		fc.tuple(tie('term'), collection).map(([inner, of]) => `(${opaque(inner)} in ${of})`),
	),
}));

/** Literals through a function of no known type, so that OPA's type checker has nothing to refuse. */
export function opaque(text: string): string {
	return `id(${text})`;
}

export const condition = fc.oneof(
	fc.constantFrom(
		'true',
		'x',
		'not x == 1',
		'x != 2',
		'is_string(x)',
		'not is_number(x)',
		'input.d[_] != x',
		'x in input.d',
		'not x in input.d',
	),
	term,
	// A wildcard under not is unsafe.
	term.map((inner) => `not ${inner.replaceAll('[_]', '[0]')}`),
	fc.tuple(term, term).map(([a, b]) => `${opaque(a)} == ${opaque(b)}`),
	fc.tuple(collection, term).map(([of, inner]) => `every y in ${of} { y != ${opaque(inner)} }`),
	fc.tuple(term, json).map(([inner, value]) => `${inner} with input.a as ${JSON.stringify(value)}`),
	fc
		.tuple(term, json)
		.map(([inner, value]) => `not ${inner.replaceAll('[_]', '[1]')} with input as ${JSON.stringify(value)}`),
	term.map((inner) => `${inner} with data.test.${previousMark} as [1, "a"]`),
	term.map((inner) => `[[e, g], "a"] = [[${inner}, x], id("a")]; e != g`),
	term.map((inner) => `not not_one(${opaque(inner.replaceAll('[_]', '[0]'))})`),
);
