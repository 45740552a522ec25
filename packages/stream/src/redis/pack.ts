// MessagePack as the server's Lua reads it (cmsgpack): whole numbers, byte strings and arrays. One argument instead of hundreds:
// the client's cost of an argument is more than that of its bytes.

/** A string is written as UTF-8. */
export type Packable = number | string | Uint8Array | readonly Packable[];

export function pack(value: Packable): Buffer {
	const bytes = Buffer.allocUnsafe(sizeOf(value));
	const end = write(bytes, 0, value);
	if (end !== bytes.byteLength) throw new Error(`packed ${end} bytes, expected ${bytes.byteLength}`);
	return bytes;
}

const headOf = (length: number): number => (length < 32 ? 1 : length < 0x10000 ? 3 : 5);

export function sizeOf(value: Packable): number {
	if (typeof value === 'number') return 9;
	if (typeof value === 'string') {
		const length = Buffer.byteLength(value);
		return headOf(length) + length;
	}
	if (value instanceof Uint8Array) return headOf(value.byteLength) + value.byteLength;
	let size = 5;
	for (const item of value) size += sizeOf(item);
	return size;
}

function write(bytes: Buffer, at: number, value: Packable): number {
	if (typeof value === 'number') {
		bytes[at] = 0xcb;
		return bytes.writeDoubleBE(value, at + 1);
	}
	if (typeof value === 'string') {
		const length = Buffer.byteLength(value);
		const start = writeHead(bytes, at, length);
		return start + (length === 0 ? 0 : bytes.write(value, start, length));
	}
	if (value instanceof Uint8Array) {
		const start = writeHead(bytes, at, value.byteLength);
		bytes.set(value, start);
		return start + value.byteLength;
	}
	bytes[at] = 0xdd;
	let end = bytes.writeUInt32BE(value.length, at + 1);
	for (const item of value) end = write(bytes, end, item);
	return end;
}

/** Of the `raw` kinds: the server's reader knows no `bin`. */
function writeHead(bytes: Buffer, at: number, length: number): number {
	if (length < 32) {
		bytes[at] = 0xa0 | length;
		return at + 1;
	}
	if (length < 0x10000) {
		bytes[at] = 0xda;
		return bytes.writeUInt16BE(length, at + 1);
	}
	bytes[at] = 0xdb;
	return bytes.writeUInt32BE(length, at + 1);
}
