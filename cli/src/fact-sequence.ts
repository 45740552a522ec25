import { frameBytes } from '@affidavit/model/frame.ts';

/** A varint of Avro's holds seven bits a byte; more bytes than this make no safe integer. */
const varintBytesMax = 8;

/**
 * The number of an encoded fact batch in its session's chain, without decoding the rest: a session id and the number stand first
 * in schemas/session.avsc. -1 when the bytes end before; whether they are a batch at all is not looked at.
 */
export function sequenceOf(bytes: Uint8Array): number {
	const id = longAt(bytes, frameBytes);
	if (id === null || id.value < 0) return -1;
	return longAt(bytes, id.next + id.value)?.value ?? -1;
}

/** Avro's long: zigzag, seven bits a byte, the lowest first. */
function longAt(bytes: Uint8Array, at: number): { value: number; next: number } | null {
	let value = 0;
	let scale = 1;
	for (let i = at; i < bytes.byteLength && i < at + varintBytesMax; i++) {
		const byte = bytes[i] as number;
		value += (byte & 0x7f) * scale;
		if (byte < 0x80) return { value: value % 2 === 0 ? value / 2 : -(value + 1) / 2, next: i + 1 };
		scale *= 128;
	}
	return null;
}
