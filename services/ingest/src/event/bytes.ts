// Byte work that both decoders share. Runs are compared eight bytes at a time (V8 compares getBigInt64 without making
// BigInts); a native compare costs as much as some 500 bytes of that.

/** Buffer's own slicing methods: what toString calls after looking up the encoding. */
export interface Bytes extends Buffer<ArrayBufferLike> {
	latin1Slice(start: number, end: number): string;
	utf8Slice(start: number, end: number): string;
}

export const asBytes = (bytes: Uint8Array): Bytes =>
	(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Bytes;

/** Bytes to read, with a view for comparing. One per decoder, set anew for each line or message: see `setInput`. */
export interface Input {
	bytes: Bytes;
	/** Of the whole ArrayBuffer. */
	view: DataView;
	/** Where `bytes` begins in `view`. */
	base: number;
	/** Length of `bytes`. */
	end: number;
}

export function createInput(): Input {
	const bytes = asBytes(Buffer.alloc(0));
	return { bytes, view: new DataView(bytes.buffer), base: 0, end: 0 };
}

/** Lines of one chunk share their ArrayBuffer, and so the view. */
export function setInput(input: Input, bytes: Bytes): void {
	input.bytes = bytes;
	if (input.view.buffer !== bytes.buffer) input.view = new DataView(bytes.buffer);
	input.base = bytes.byteOffset;
	input.end = bytes.length;
}

/** Bytes to compare with. */
export interface Literal {
	readonly bytes: Bytes;
	readonly view: DataView;
}

/** A copy of bytes[start, end). */
export function literalOf(bytes: Uint8Array, start: number, end: number): Literal {
	const copy = new Uint8Array(end - start);
	copy.set(bytes.subarray(start, end));
	return { bytes: asBytes(copy), view: new DataView(copy.buffer) };
}

export const literalText = (text: string): Literal => literalOf(Buffer.from(text), 0, Buffer.byteLength(text));

const nativeFrom = 512;

/** True when the input at `pos` goes on with literal[from, from + length); false also where it ends before. */
export function sameBytes(input: Input, pos: number, literal: Literal, from: number, length: number): boolean {
	if (input.end - pos < length) return false;
	if (length >= nativeFrom) return input.bytes.compare(literal.bytes, from, from + length, pos, pos + length) === 0;
	return sameRun(input.view, input.base + pos, literal.view, from, length);
}

/** Both runs must lie inside their views. */
export function sameRun(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
	if (length < 8) {
		for (let i = 0; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false;
		return true;
	}
	// The last eight bytes overlap what was compared before, where the length is no multiple of eight.
	const last = length - 8;
	for (let i = 0; i < last; i += 8)
		if (a.getBigInt64(aStart + i, true) !== b.getBigInt64(bStart + i, true)) return false;
	return a.getBigInt64(aStart + last, true) === b.getBigInt64(bStart + last, true);
}

/** Copies `length` bytes; both runs must lie inside their views. */
export function copyRun(from: DataView, fromStart: number, to: DataView, toStart: number, length: number): void {
	let i = 0;
	for (; i + 8 <= length; i += 8) to.setBigInt64(toStart + i, from.getBigInt64(fromStart + i, true), true);
	for (; i < length; i++) to.setUint8(toStart + i, from.getUint8(fromStart + i));
}

/**
 * A 31-bit hash of the last 16 bytes of [start, end) and of the length: names and ids differ at their ends. Not keyed, so
 * its users verify what they find, and stay bounded when all collide.
 */
export function hashEnd(input: Input, start: number, end: number): number {
	const { view, base } = input;
	const length = end - start;
	let hash = length;
	if (length >= 16) {
		const last = base + end;
		hash = mix(hash, view.getInt32(last - 16, true));
		hash = mix(hash, view.getInt32(last - 12, true));
		hash = mix(hash, view.getInt32(last - 8, true));
		hash = mix(hash, view.getInt32(last - 4, true));
	} else for (let p = base + start; p < base + end; p++) hash = mix(hash, view.getUint8(p));
	return (hash ^ (hash >>> 15)) & 0x7fffffff;
}

/** Multiplier of MurmurHash3: odd, with bits all over. */
const mix = (hash: number, word: number): number => {
	const product = Math.imul(hash ^ word, 0xcc9e2d51 | 0);
	return product ^ (product >>> 13);
};
