// Writers for the records of a schema, put together once from its JSON.
import { type Writer, writeBoolean, writeBytes, writeLong, writeString } from './writer.ts';

export type Write = (writer: Writer, value: never) => void;

type Schema = string | Schema[] | Named;
interface Named {
	type: Schema;
	name?: string;
	fields?: { name: string; type: Schema }[];
	items?: Schema;
	values?: Schema;
	symbols?: string[];
}

const primitives: Readonly<Record<string, Write>> = {
	int: writeLong as Write,
	long: writeLong as Write,
	boolean: writeBoolean as Write,
	bytes: writeBytes as Write,
	string: writeString as Write,
};

/** Writers of a record's fields by name, in the schema's order. Throws TypeError on a type that no schema of ours has. */
export function compileFields(schema: unknown): Map<string, Write> {
	const { fields } = schema as Named;
	if (fields === undefined) throw new TypeError('schema: expected a record');
	const named = new Map<string, Write>();
	return new Map(fields.map(({ name, type }) => [name, compile(type, named)]));
}

/** The symbols of a named enum, wherever in the schema it is declared. */
export function symbolsOf<S extends string>(schema: unknown, name: string): readonly S[] {
	let found: string[] | undefined;
	JSON.stringify(schema, (_, value: Named | null) => {
		if (value?.name === name && Array.isArray(value.symbols)) found = value.symbols;
		return value;
	});
	if (found === undefined) throw new TypeError(`schema: expected an enum ${name}`);
	return found as S[];
}

function compile(schema: Schema, named: Map<string, Write>): Write {
	if (Array.isArray(schema)) return compileOptional(schema, named);
	if (typeof schema === 'string') {
		const known = primitives[schema] ?? named.get(schema.slice(schema.lastIndexOf('.') + 1));
		if (known === undefined) throw new TypeError(`schema: unknown type ${schema}`);
		return known;
	}
	const write = compileNamed(schema, named);
	if (schema.name !== undefined) named.set(schema.name, write);
	return write;
}

function compileNamed(schema: Named, named: Map<string, Write>): Write {
	switch (schema.type) {
		case 'record': {
			const fields = (schema.fields ?? []).map(({ name, type }) => ({ name, write: compile(type, named) }));
			return (writer, value) => {
				for (let i = 0; i < fields.length; i++) {
					const { name, write } = fields[i] as { name: string; write: Write };
					write(writer, value[name]);
				}
			};
		}
		case 'enum':
			return compileEnum(schema.symbols ?? []);
		case 'array': {
			const write = compile(schema.items as Schema, named);
			return ((writer: Writer, items: readonly never[]) => {
				if (items.length > 0) writeLong(writer, items.length);
				for (let i = 0; i < items.length; i++) write(writer, items[i] as never);
				writeLong(writer, 0);
			}) as Write;
		}
		case 'map': {
			const write = compile(schema.values as Schema, named);
			return ((writer: Writer, map: Readonly<Record<string, never>>) => {
				const keys = Object.keys(map);
				if (keys.length > 0) writeLong(writer, keys.length);
				for (const key of keys) {
					writeString(writer, key);
					write(writer, map[key] as never);
				}
				writeLong(writer, 0);
			}) as Write;
		}
		default:
			return compile(schema.type, named);
	}
}

function compileEnum(symbols: readonly string[]): Write {
	const indices = new Map(symbols.map((symbol, i) => [symbol, i]));
	return (writer, value) => {
		const index = indices.get(value);
		if (index === undefined) throw new TypeError(`${String(value)}: expected one of ${symbols.join(', ')}`);
		writeLong(writer, index);
	};
}

function compileOptional(branches: readonly Schema[], named: Map<string, Write>): Write {
	const [none, other] = branches;
	if (none !== 'null' || other === undefined || branches.length !== 2)
		throw new TypeError('schema: expected a union of null and one type');
	const write = compile(other, named);
	return (writer, value) => {
		writeLong(writer, value === null ? 0 : 1);
		if (value !== null) write(writer, value);
	};
}
