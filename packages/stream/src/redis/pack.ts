// MessagePack as the server's Lua reads it (cmsgpack), as far as a commit's plan needs it: whole numbers and arrays of them.

export type Packable = number | readonly Packable[];

export function pack(value: Packable): Buffer {
	const bytes = Buffer.allocUnsafe(sizeOf(value));
	const end = write(bytes, 0, value);
	if (end !== bytes.byteLength) throw new Error(`packed ${end} bytes, expected ${bytes.byteLength}`);
	return bytes;
}

const small = 0x80;

function sizeOf(value: Packable): number {
	if (typeof value === 'number') return value >= 0 && value < small ? 1 : 9;
	let size = 5;
	for (const item of value) size += sizeOf(item);
	return size;
}

function write(bytes: Buffer, at: number, value: Packable): number {
	if (typeof value === 'number') {
		if (value >= 0 && value < small) {
			bytes[at] = value;
			return at + 1;
		}
		bytes[at] = 0xcb;
		return bytes.writeDoubleBE(value, at + 1);
	}
	bytes[at] = 0xdd;
	let end = bytes.writeUInt32BE(value.length, at + 1);
	for (const item of value) end = write(bytes, end, item);
	return end;
}
