// Byte work that both decoders share. Short runs are compared here, long ones natively: a call costs as much as 60 bytes of loop.

/** Buffer's own slicing methods: what toString calls after looking up the encoding. */
export interface Bytes extends Buffer<ArrayBufferLike> {
	latin1Slice(start: number, end: number): string;
	utf8Slice(start: number, end: number): string;
}

export const asBytes = (bytes: Uint8Array): Bytes =>
	(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Bytes;

const nativeFrom = 64;

/** True when a[aStart, aStart + length) equals b[bStart, bStart + length); both must lie inside. */
export function sameBytes(a: Bytes, aStart: number, b: Bytes, bStart: number, length: number): boolean {
	if (length >= nativeFrom) return a.compare(b, bStart, bStart + length, aStart, aStart + length) === 0;
	for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
	return true;
}

/** A 31-bit hash, spread enough for a table; not keyed, so its users verify what they find and stay bounded. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
	let hash = end - start;
	for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
	return (hash ^ (hash >>> 15)) & 0x7fffffff;
}
