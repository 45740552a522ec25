// Reads protobuf's wire format in place. Numbers are left in two 32-bit halves: most are small, and a BigInt for the
// others is made only where its digits are wanted.

import { createInput, type Input } from '../event/bytes.ts';
import { complain, type Problems } from '../event/problem.ts';

export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The reader. After a failure `pos` stands at the end, so that every loop over fields stops. */
export interface Wire extends Problems {
	readonly input: Input;
	pos: number;
	/** The tag read last. */
	field: number;
	type: number;
	/** The varint read last. */
	low: number;
	high: number;
	/** The length-delimited value read last: [start, end). */
	start: number;
	end: number;
}

export const createWire = (): Wire => ({
	input: createInput(),
	first: null,
	pos: 0,
	field: 0,
	type: 0,
	low: 0,
	high: 0,
	start: 0,
	end: 0,
});

export function fail(wire: Wire, message: string): void {
	complain(wire, 'not-protobuf', `byte ${wire.pos}: ${message}`);
	wire.pos = wire.input.end;
}

/** Says in which part of the message the problem is, if there is one. */
export function locate(wire: Wire, part: string): void {
	if (wire.first !== null) wire.first.message = `${part}: ${wire.first.message}`;
}

/** Reads the next tag of a message that ends at `end`; false at its end. */
export function nextField(wire: Wire, end: number): boolean {
	if (wire.first !== null || wire.pos >= end) return false;
	readVarint(wire, end);
	wire.field = wire.low >>> 3;
	wire.type = wire.low & 7;
	if (wire.field === 0 || wire.high !== 0) fail(wire, 'expected a field number from 1 to 536870911');
	return wire.first === null;
}

/** Into `low` and `high`. */
export function readVarint(wire: Wire, end: number): void {
	const { bytes } = wire.input;
	let pos = wire.pos;
	let low = 0;
	wire.high = 0;
	for (let shift = 0; shift < 28; shift += 7) {
		if (pos >= end) {
			fail(wire, 'expected a varint, found the end');
			return;
		}
		const byte = bytes[pos++] as number;
		low |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			wire.low = low;
			wire.pos = pos;
			return;
		}
	}
	readLongVarint(wire, end, pos, low);
}

/** The bytes after the first four: bits 28 to 63. */
function readLongVarint(wire: Wire, end: number, from: number, first: number): void {
	const { bytes } = wire.input;
	let high = 0;
	let low = first;
	for (let n = 4; n < 10; n++) {
		const pos = from + n - 4;
		if (pos >= end) {
			fail(wire, 'expected a varint, found the end');
			return;
		}
		const byte = bytes[pos] as number;
		if (n === 4) {
			low |= (byte & 0x0f) << 28;
			high = (byte & 0x7f) >> 4;
		} else high |= (byte & 0x7f) << (n * 7 - 32);
		if (byte < 0x80) {
			wire.low = low >>> 0;
			wire.high = high >>> 0;
			wire.pos = pos + 1;
			return;
		}
	}
	fail(wire, 'expected a varint of at most 10 bytes');
}

/** Into `start` and `end`; `pos` stands after the value. */
export function readBytes(wire: Wire, end: number): void {
	readVarint(wire, end);
	if (wire.first !== null) return;
	if (wire.high !== 0 || wire.low > end - wire.pos) {
		fail(wire, `expected ${unsignedValue(wire)} bytes, found ${end - wire.pos}`);
		return;
	}
	wire.start = wire.pos;
	wire.end = wire.pos + wire.low;
	wire.pos = wire.end;
}

/** Passes the value of the tag read last. */
export function skipValue(wire: Wire, end: number): void {
	switch (wire.type) {
		case WireType.varint:
			readVarint(wire, end);
			break;
		case WireType.bytes:
			readBytes(wire, end);
			break;
		case WireType.fixed64:
			advance(wire, 8, end);
			break;
		case WireType.fixed32:
			advance(wire, 4, end);
			break;
		default:
			fail(wire, `field ${wire.field}: expected a wire type of proto3, found ${wire.type}`);
	}
}

function advance(wire: Wire, length: number, end: number): void {
	if (end - wire.pos < length) fail(wire, `expected ${length} bytes, found ${end - wire.pos}`);
	else wire.pos += length;
}

/** The varint read last as uint64, held within the safe integers. */
export function unsignedValue(wire: Wire): number {
	return wire.high > 0x1fffff ? Number.MAX_SAFE_INTEGER : wire.high * 2 ** 32 + (wire.low >>> 0);
}

/** The varint read last as int64, held within the safe integers. */
export function signedValue(wire: Wire): number {
	const high = wire.high | 0;
	if (high > 0x1fffff) return Number.MAX_SAFE_INTEGER;
	return Math.max(high * 2 ** 32 + (wire.low >>> 0), -Number.MAX_SAFE_INTEGER);
}

/** The varint read last in decimal. */
export function decimalText(wire: Wire, signed: boolean): string {
	if (wire.high <= 0x1fffff) return String(unsignedValue(wire));
	const value = (BigInt(wire.high) << 32n) | BigInt(wire.low >>> 0);
	return String(signed ? BigInt.asIntN(64, value) : value);
}

const ascii = 0x80;

/** True when bytes[start, end) are ASCII. */
export function isAscii(input: Input, start: number, end: number): boolean {
	for (let p = start; p < end; p++) if ((input.bytes[p] as number) >= ascii) return false;
	return true;
}
