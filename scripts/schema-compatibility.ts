// Can a reader of one schema read what a writer of another wrote (Avro's schema resolution)? Each reason why not, by path. Pure.

type Schema = string | Schema[] | Attributes;
interface Attributes {
	type: Schema;
	name?: string;
	namespace?: string;
	aliases?: string[];
	fields?: Field[];
	symbols?: string[];
	default?: unknown;
	items?: Schema;
	values?: Schema;
	size?: number;
}
interface Field {
	name: string;
	type: Schema;
	aliases?: string[];
	default?: unknown;
}

/** A named type where it is used: its definition, and the namespace in force inside it. */
interface Scoped {
	schema: Schema;
	space: string;
}

interface Pair {
	readerTypes: Map<string, Scoped>;
	writerTypes: Map<string, Scoped>;
	/** Pairs of named types already under comparison: recursion ends there. */
	compared: Set<string>;
	reasons: string[];
}

/** Empty when every record of `writer` is read by `reader`. Both are valid Avro schemas. */
export function incompatibilities(reader: unknown, writer: unknown): string[] {
	const pair: Pair = {
		readerTypes: namedTypes(reader as Schema),
		writerTypes: namedTypes(writer as Schema),
		compared: new Set(),
		reasons: [],
	};
	compare(pair, { schema: reader as Schema, space: '' }, { schema: writer as Schema, space: '' }, '');
	return pair.reasons;
}

const promotions: Readonly<Record<string, readonly string[]>> = {
	int: ['long', 'float', 'double'],
	long: ['float', 'double'],
	float: ['double'],
	string: ['bytes'],
	bytes: ['string'],
};

function compare(pair: Pair, readerAt: Scoped, writerAt: Scoped, path: string): void {
	const reader = resolved(readerAt, pair.readerTypes);
	const writer = resolved(writerAt, pair.writerTypes);
	const refuse = (why: string): void => {
		pair.reasons.push(`${path === '' ? 'the record' : path}: ${why}`);
	};
	if (Array.isArray(writer.schema)) {
		// Every branch may have been written.
		for (const branch of writer.schema) compare(pair, reader, { schema: branch, space: writer.space }, path);
		return;
	}
	if (Array.isArray(reader.schema)) {
		const fits = reader.schema.some((branch) => {
			const attempt: Pair = { ...pair, compared: new Set(pair.compared), reasons: [] };
			compare(attempt, { schema: branch, space: reader.space }, writer, path);
			return attempt.reasons.length === 0;
		});
		if (!fits) refuse(`the union has no branch that reads ${kindOf(writer)}`);
		return;
	}
	const from = kindOf(writer);
	const to = kindOf(reader);
	if (from !== to) {
		if (!promotions[from]?.includes(to)) refuse(`type changed from ${from} to ${to}`);
		return;
	}
	if (typeof reader.schema === 'string' || typeof writer.schema === 'string') return;
	const [r, w] = [reader.schema, writer.schema];
	if (to === 'array') compare(pair, inside(reader, r.items), inside(writer, w.items), `${path}[]`);
	if (to === 'map') compare(pair, inside(reader, r.values), inside(writer, w.values), `${path}{}`);
	if (to === 'fixed' && r.size !== w.size) refuse(`size changed from ${w.size} to ${r.size}`);
	if (to !== 'record' && to !== 'enum' && to !== 'fixed') return;
	const [readerName, writerName] = [nameOf(reader, r), nameOf(writer, w)];
	const aliases = (r.aliases ?? []).map((alias) => qualified(alias, spaceOf(readerName)));
	if (readerName !== writerName && !aliases.includes(writerName))
		refuse(`renamed from ${writerName} to ${readerName} without an alias`);
	const key = `${readerName} ${writerName}`;
	if (pair.compared.has(key)) return;
	pair.compared.add(key);
	if (to === 'enum') compareSymbols(r, w, refuse);
	if (to === 'record') compareFields(pair, r, w, spaceOf(readerName), spaceOf(writerName), path);
}

function compareSymbols(reader: Attributes, writer: Attributes, refuse: (why: string) => void): void {
	if (reader.default !== undefined) return;
	const gone = (writer.symbols ?? []).filter((symbol) => !reader.symbols?.includes(symbol));
	if (gone.length > 0) refuse(`symbols removed: ${gone.join(', ')}`);
}

function compareFields(
	pair: Pair,
	reader: Attributes,
	writer: Attributes,
	readerSpace: string,
	writerSpace: string,
	path: string,
): void {
	for (const field of reader.fields ?? []) {
		const at = path === '' ? field.name : `${path}.${field.name}`;
		const names = [field.name, ...(field.aliases ?? [])];
		const written = writer.fields?.find((other) => names.includes(other.name));
		if (written !== undefined)
			compare(pair, { schema: field.type, space: readerSpace }, { schema: written.type, space: writerSpace }, at);
		else if (field.default === undefined) pair.reasons.push(`${at}: new field without a default`);
	}
}

const inside = ({ space }: Scoped, schema: Schema | undefined): Scoped => ({ schema: schema ?? 'null', space });

const kindOf = ({ schema }: Scoped): string =>
	typeof schema === 'string' ? schema : Array.isArray(schema) ? 'union' : String(schema.type);

const qualified = (name: string, space: string): string =>
	name.includes('.') || space === '' ? name : `${space}.${name}`;

const spaceOf = (fullName: string): string => fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')));

const nameOf = ({ space }: Scoped, { name = '', namespace }: Attributes): string => qualified(name, namespace ?? space);

/** A name becomes its definition, and `{type: T}` becomes T. */
function resolved(at: Scoped, types: Map<string, Scoped>): Scoped {
	const { schema, space } = at;
	if (typeof schema === 'string') return types.get(qualified(schema, space)) ?? at;
	if (Array.isArray(schema) || complex.has(String(schema.type))) return at;
	return resolved({ schema: schema.type, space }, types);
}

const complex = new Set(['record', 'enum', 'fixed', 'array', 'map']);

function namedTypes(schema: Schema): Map<string, Scoped> {
	const types = new Map<string, Scoped>();
	const visit = (at: Schema, space: string): void => {
		if (typeof at === 'string') return;
		if (Array.isArray(at)) {
			for (const branch of at) visit(branch, space);
			return;
		}
		let inner = space;
		if (at.name !== undefined) {
			const name = nameOf({ schema: at, space }, at);
			inner = spaceOf(name);
			types.set(name, { schema: at, space });
		}
		for (const field of at.fields ?? []) visit(field.type, inner);
		if (at.items !== undefined) visit(at.items, inner);
		if (at.values !== undefined) visit(at.values, inner);
		if (typeof at.type !== 'string') visit(at.type, inner);
	};
	visit(schema, '');
	return types;
}
