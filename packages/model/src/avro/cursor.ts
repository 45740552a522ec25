// Reading Avro's binary encoding where a general decoder is too slow: the batches of topic `trace`. What the bytes claim is
// checked against what they hold before anything is allocated for it, so that a stranger's bytes need no second walk.
// https://avro.apache.org/docs/1.12.0/specification/#binary-encoding

export interface Cursor {
	readonly bytes: Buffer;
	at: number;
}

/** Thrown by all of these on bytes that are cut or no value of the type. */
export class AvroError extends RangeError {}

/** A long; one that a number cannot hold exactly is refused. */
export function readLong(cursor: Cursor): number {
	const { bytes } = cursor;
	let { at } = cursor;
	// Past the end a byte is undefined: it counts as one that goes on, and `ended` finds out.
	let byte = bytes[at++] as number;
	let value = byte & 0x7f;
	if (byte < 0x80) {
		cursor.at = at;
		return (value >>> 1) ^ -(value & 1);
	}
	byte = bytes[at++] as number;
	value |= (byte & 0x7f) << 7;
	if (byte < 0x80) {
		cursor.at = at;
		return (value >>> 1) ^ -(value & 1);
	}
	byte = bytes[at++] as number;
	value |= (byte & 0x7f) << 14;
	if (byte < 0x80) {
		cursor.at = at;
		return (value >>> 1) ^ -(value & 1);
	}
	return readLongTail(cursor, at, value);
}

/** From the fourth byte on: 28 bits low and what is above them, each an integer; together a double. */
function readLongTail(cursor: Cursor, from: number, first: number): number {
	const { bytes } = cursor;
	let at = from;
	let low = first;
	let high = 0;
	for (let shift = 21; ; shift += 7) {
		const byte = bytes[at++];
		if (byte === undefined) throw new AvroError('it is cut');
		if (shift < 28) low |= (byte & 0x7f) << shift;
		else high |= (byte & 0x7f) << (shift - 28);
		if (byte < 0x80) break;
		if (shift === 49) throw new AvroError('a number is larger than 2^53');
	}
	cursor.at = at;
	// The lowest bit is the sign. Up to 2^53 every integer has a double of its own.
	const size = high * 2 ** 27 + (low >>> 1);
	if (size > Number.MAX_SAFE_INTEGER) throw new AvroError('a number is larger than 2^53');
	return (low & 1) === 0 ? size : -size - 1;
}

export function readInt(cursor: Cursor): number {
	const value = readLong(cursor);
	if ((value | 0) !== value) throw new AvroError('an int has more than 32 bits');
	return value;
}

/** Count of the next block of an array; 0 at its end. An item has at least a byte, so a larger count is a lie. */
export function readBlock(cursor: Cursor): number {
	let count = readLong(cursor);
	if (count < 0) {
		// Minus the count, and the block's bytes for those who skip it.
		count = -count;
		readLong(cursor);
	}
	if (count > cursor.bytes.length - cursor.at) throw new AvroError('an array is longer than the bytes');
	return count;
}

/** Start of a run of bytes; the cursor is moved behind it. */
export function passBytes(cursor: Cursor): number {
	const length = readLong(cursor);
	const start = cursor.at;
	if (length < 0 || length > cursor.bytes.length - start) throw new AvroError('a string is longer than the bytes');
	cursor.at = start + length;
	return start;
}

export function readString(cursor: Cursor): string {
	const start = passBytes(cursor);
	return start === cursor.at ? '' : cursor.bytes.toString('utf8', start, cursor.at);
}

/** Its own memory. */
export function readBytes(cursor: Cursor): Buffer {
	const start = passBytes(cursor);
	return Buffer.from(cursor.bytes.subarray(start, cursor.at));
}

export function readBoolean(cursor: Cursor): boolean {
	const byte = cursor.bytes[cursor.at++];
	if (byte === undefined) throw new AvroError('it is cut');
	return byte !== 0;
}

export function readSymbol<S extends string>(cursor: Cursor, symbols: readonly S[]): S {
	const symbol = symbols[readLong(cursor)];
	if (symbol === undefined) throw new AvroError(`an enum has no such symbol: expected one of ${symbols.length}`);
	return symbol;
}

/** To be called at the end: every byte is read, and none beyond. */
export function expectEnd(cursor: Cursor): void {
	if (cursor.at < cursor.bytes.length) throw new AvroError('something follows it');
	if (cursor.at > cursor.bytes.length) throw new AvroError('it is cut');
}
