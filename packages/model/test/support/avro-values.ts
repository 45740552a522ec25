// Values of an Avro schema, for properties over whatever a version may have written.
import fc from 'fast-check';

type Schema = string | Schema[] | Attributes;
interface Attributes {
	type: Schema;
	name?: string;
	fields?: { name: string; type: Schema }[];
	symbols?: string[];
	items?: Schema;
	values?: Schema;
}

const longMax = 2 ** 52;

const primitives: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
	null: fc.constant(null),
	boolean: fc.boolean(),
	int: fc.integer(),
	long: fc.integer({ min: -longMax, max: longMax }),
	double: fc.double({ noNaN: true }),
	string: fc.string({ unit: 'binary', maxLength: 12 }),
	bytes: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
};

/** As avsc takes them: bytes as Buffers, unions without a wrapping object. Not for recursive schemas. */
export function avroValues(schema: unknown): fc.Arbitrary<unknown> {
	return valuesOf(schema as Schema, new Map());
}

function valuesOf(schema: Schema, named: Map<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
	if (Array.isArray(schema)) return fc.oneof(...schema.map((branch) => valuesOf(branch, named)));
	if (typeof schema === 'string') {
		const known = primitives[schema] ?? named.get(schema.slice(schema.lastIndexOf('.') + 1));
		if (known === undefined) throw new TypeError(`no values of type ${schema}`);
		return known;
	}
	if (schema.type === 'array') return fc.array(valuesOf(schema.items ?? 'null', named), { maxLength: 3 });
	if (schema.type === 'map')
		return fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), valuesOf(schema.values ?? 'null', named), {
			maxKeys: 3,
			noNullPrototype: true,
		});
	if (schema.type !== 'record' && schema.type !== 'enum') return valuesOf(schema.type, named);
	const values =
		schema.type === 'enum'
			? fc.constantFrom(...(schema.symbols ?? []))
			: fc.record(Object.fromEntries((schema.fields ?? []).map((f) => [f.name, valuesOf(f.type, named)])), {
					noNullPrototype: true,
				});
	named.set(schema.name ?? '', values);
	return values;
}
