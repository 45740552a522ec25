// Writing Avro's binary encoding where a general encoder is too slow: the fact batches. One buffer for all, grown as needed.
// https://avro.apache.org/docs/1.12.0/specification/#binary-encoding

export interface Writer {
	bytes: Buffer;
	at: number;
}

/** Larger than this the buffer is not kept for the next value. */
const bytesKept = 4 * 1024 * 1024;
const longBytes = 10;

export const createWriter = (bytes = 64 * 1024): Writer => ({ bytes: Buffer.allocUnsafeSlow(bytes), at: 0 });

/** A copy of what was written, in its own memory; the writer is ready for the next value. */
export function takeWritten(writer: Writer): Buffer {
	const { at } = writer;
	// A pooled slice would keep its neighbours alive.
	const written = Buffer.allocUnsafeSlow(at);
	writer.bytes.copy(written, 0, 0, at);
	writer.at = 0;
	if (writer.bytes.length > bytesKept) writer.bytes = Buffer.allocUnsafeSlow(bytesKept);
	return written;
}

/** Makes room for `count` more bytes. */
export function reserve(writer: Writer, count: number): void {
	const { bytes, at } = writer;
	if (at + count <= bytes.length) return;
	const grown = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + count));
	bytes.copy(grown, 0, 0, at);
	writer.bytes = grown;
}

/** A long or an int: a whole number within ±2^53. */
export function writeLong(writer: Writer, value: number): void {
	reserve(writer, longBytes);
	const { bytes } = writer;
	let { at } = writer;
	let zigzag: number;
	if (value >= -0x4000_0000 && value < 0x4000_0000) zigzag = (value << 1) ^ (value >> 31);
	else {
		if (!Number.isSafeInteger(value)) throw new RangeError(`${value}: expected a whole number within ±2^53`);
		// 28 bits, the sign lowest, and what is above them: two integers, for work on doubles is slow.
		const size = value >= 0 ? value : -value - 1;
		zigzag = Math.floor(size / 2 ** 27);
		const low = ((size - zigzag * 2 ** 27) << 1) | (value < 0 ? 1 : 0);
		bytes[at++] = (low & 0x7f) | 0x80;
		bytes[at++] = ((low >>> 7) & 0x7f) | 0x80;
		bytes[at++] = ((low >>> 14) & 0x7f) | 0x80;
		bytes[at++] = (low >>> 21) | 0x80;
	}
	while (zigzag >= 0x80) {
		bytes[at++] = (zigzag & 0x7f) | 0x80;
		zigzag >>>= 7;
	}
	bytes[at++] = zigzag;
	writer.at = at;
}

export function writeBoolean(writer: Writer, value: boolean): void {
	reserve(writer, 1);
	writer.bytes[writer.at++] = value ? 1 : 0;
}

export function writeBytes(writer: Writer, value: Uint8Array): void {
	writeLong(writer, value.byteLength);
	reserve(writer, value.byteLength);
	writer.bytes.set(value, writer.at);
	writer.at += value.byteLength;
}

/** Up to here a loop over the characters beats the call out of JavaScript; its length also fits one byte. */
const shortMax = 63;

export function writeString(writer: Writer, text: string): void {
	const { length } = text;
	if (length <= shortMax) {
		reserve(writer, length + 1);
		const { bytes } = writer;
		const start = writer.at + 1;
		let i = 0;
		for (; i < length; i++) {
			const unit = text.charCodeAt(i);
			if (unit >= 0x80) break;
			bytes[start + i] = unit;
		}
		if (i === length) {
			bytes[start - 1] = length << 1;
			writer.at = start + length;
			return;
		}
	}
	const size = Buffer.byteLength(text);
	writeLong(writer, size);
	reserve(writer, size);
	writer.bytes.write(text, writer.at, size, 'utf8');
	writer.at += size;
}
