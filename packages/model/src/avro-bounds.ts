// A check that a stranger's Avro bytes are worth decoding. A decoder allocates what an array's count claims before it sees
// that the bytes end: eight bytes could ask for gigabytes. This walks the bytes and builds nothing.

type Schema =
	| string
	| Schema[]
	| { type: Schema; fields?: { type: Schema }[]; items?: Schema; values?: Schema; size?: number };

interface Cursor {
	bytes: Uint8Array;
	/** Past the end when the bytes are not of the schema. */
	at: number;
}

type Skip = (cursor: Cursor) => void;

/** Returns a function that is true when `bytes` hold one value of the schema from index `from` to the last byte. Types that it does not know throw here. */
export function createAvroWalk(schema: unknown, from = 0): (bytes: Uint8Array) => boolean {
	const skip = skipOf(schema as Schema, new Map());
	return (bytes) => {
		const cursor = { bytes, at: from };
		skip(cursor);
		return cursor.at === bytes.length;
	};
}

const failed = (cursor: Cursor): void => {
	cursor.at = Number.POSITIVE_INFINITY;
};

function skipVarint(cursor: Cursor): void {
	const { bytes } = cursor;
	let { at } = cursor;
	// Beyond the end a byte is undefined, and `undefined & 0x80` ends the loop.
	while (((bytes[at++] as number) & 0x80) !== 0) {}
	cursor.at = at;
}

/** A zigzag long; what is longer than a safe integer comes out as a large number and fails where it counts bytes. */
function readLong(cursor: Cursor): number {
	let value = 0;
	let scale = 1;
	for (let length = 0; length < 10; length++) {
		const byte = cursor.bytes[cursor.at++];
		if (byte === undefined) break;
		value += (byte & 0x7f) * scale;
		if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
		scale *= 128;
	}
	failed(cursor);
	return 0;
}

function skipBytes(cursor: Cursor): void {
	const length = readLong(cursor);
	if (length < 0 || length > cursor.bytes.length - cursor.at) failed(cursor);
	else cursor.at += length;
}

const skipOver =
	(length: number): Skip =>
	(cursor) => {
		cursor.at += length;
	};

const primitives: Readonly<Record<string, Skip>> = {
	null: () => {},
	boolean: skipOver(1),
	int: skipVarint,
	long: skipVarint,
	enum: skipVarint,
	float: skipOver(4),
	double: skipOver(8),
	bytes: skipBytes,
	string: skipBytes,
};

function skipOf(schema: Schema, named: Map<string, Skip>): Skip {
	if (Array.isArray(schema)) return skipUnion(schema.map((branch) => skipOf(branch, named)));
	if (typeof schema === 'string') {
		const known = primitives[schema] ?? named.get(schema) ?? named.get(schema.slice(schema.lastIndexOf('.') + 1));
		if (known === undefined) throw new TypeError(`schema: unknown type ${schema}`);
		return known;
	}
	const { type } = schema;
	if (type === 'record') {
		const fields: Skip[] = [];
		const skip = skipFields(fields);
		named.set((schema as unknown as { name: string }).name, skip);
		for (const field of schema.fields ?? []) fields.push(skipOf(field.type, named));
		return skip;
	}
	if (type === 'enum') named.set((schema as unknown as { name: string }).name, skipVarint);
	if (type === 'array' && schema.items !== undefined) return skipBlocks(skipOf(schema.items, named));
	if (type === 'map' && schema.values !== undefined)
		return skipBlocks(skipFields([skipBytes, skipOf(schema.values, named)]));
	return skipOf(type, named);
}

const skipFields =
	(fields: readonly Skip[]): Skip =>
	(cursor) => {
		for (let i = 0; i < fields.length; i++) (fields[i] as Skip)(cursor);
	};

const skipUnion =
	(branches: readonly Skip[]): Skip =>
	(cursor) => {
		const branch = branches[readLong(cursor)];
		if (branch === undefined) failed(cursor);
		else branch(cursor);
	};

/** Blocks of items, to the empty one. An item has at least a byte, so a count above the bytes left is a lie. */
const skipBlocks =
	(item: Skip): Skip =>
	(cursor) => {
		for (;;) {
			let count = readLong(cursor);
			if (count === 0) return;
			if (count < 0) {
				count = -count;
				skipVarint(cursor);
			}
			if (!(count <= cursor.bytes.length - cursor.at)) {
				failed(cursor);
				return;
			}
			for (let i = 0; i < count && cursor.at < cursor.bytes.length; i++) item(cursor);
			if (cursor.at >= cursor.bytes.length) {
				failed(cursor);
				return;
			}
		}
	};
