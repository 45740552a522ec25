// Lexing of JSON in bytes: exact for the forms it accepts, and -1 for all others (the general decoder then decides).
import type { Bytes, Input } from '../event/bytes.ts';

export const quote = 0x22;
const backslash = 0x5c;
const zero = 0x30;
const minus = 0x2d;
const dot = 0x2e;

/** 0: plain ASCII inside a string; 1: ends plain text (quote, backslash, control character); 2: part of UTF-8. */
const classOf = new Uint8Array(256);
classOf.fill(1, 0, 0x20).fill(2, 0x80);
classOf[quote] = 1;
classOf[backslash] = 1;

/** Position of the quote that closes the plain ASCII string whose content begins at `pos`; -1 when it is not plain. */
export function plainEnd(bytes: Bytes, pos: number, end: number): number {
	let p = pos;
	while (p < end && classOf[bytes[p] as number] === 0) p++;
	return p < end && bytes[p] === quote ? p : -1;
}

const ones = 0x01010101;
const spaces = 0x20202020;
const quotes = 0x22222222;
const backslashes = 0x5c5c5c5c;
const highBits = 0x80808080 | 0;

/** As plainEnd, four bytes at a time: (x - n) & ~x has a byte's high bit set where the byte is below n. */
export function plainStringEnd(input: Input, pos: number): number {
	const { view, base, end } = input;
	let p = base + pos;
	const last = base + end - 4;
	while (p <= last) {
		const word = view.getInt32(p, true);
		const quoted = word ^ quotes;
		const escaped = word ^ backslashes;
		const stops = ((word - spaces) & ~word) | ((quoted - ones) & ~quoted) | ((escaped - ones) & ~escaped) | word;
		if ((stops & highBits) !== 0) break;
		p += 4;
	}
	return plainEnd(input.bytes, p - base, end);
}

/** As plainEnd, for strings that may hold bytes of UTF-8 (valid or not). */
export function unescapedEnd(bytes: Bytes, pos: number, end: number): number {
	let p = pos;
	while (p < end && classOf[bytes[p] as number] !== 1) p++;
	return p < end && bytes[p] === quote ? p : -1;
}

const digitsMax = 15;

/** Position after a JSON integer of at most 15 digits; -1 for any other number (-0, fractions, exponents) or none. */
export function integerEnd(bytes: Bytes, pos: number, end: number): number {
	let p = pos;
	if (p < end && bytes[p] === minus) p++;
	const first = p;
	if (first > pos && bytes[first] === zero) return -1;
	while (p < end && isDigit(bytes[p] as number)) p++;
	const digits = p - first;
	if (digits === 0 || digits > digitsMax || (digits > 1 && bytes[first] === zero)) return -1;
	// A fraction or an exponent would make it another number.
	if (p < end && (bytes[p] === dot || ((bytes[p] as number) | 0x20) === 0x65)) return -1;
	return p;
}

/** Value of the integer in [start, end), which integerEnd accepted. */
export function integerValue(bytes: Bytes, start: number, end: number): number {
	const negative = bytes[start] === minus;
	let value = 0;
	for (let p = negative ? start + 1 : start; p < end; p++) value = value * 10 + ((bytes[p] as number) - zero);
	return negative ? -value : value;
}

const isDigit = (byte: number): boolean => byte >= zero && byte <= 0x39;

/** Position after the JSON object or array that begins at `pos`, by brackets and strings alone; -1 when it does not end. */
export function bracketedEnd(bytes: Bytes, pos: number, end: number): number {
	let depth = 0;
	let p = pos;
	while (p < end) {
		const byte = bytes[p] as number;
		if (byte === quote) {
			p = stringEnd(bytes, p + 1, end);
			if (p < 0) return -1;
		} else if (byte === 0x7b || byte === 0x5b) depth++;
		else if (byte === 0x7d || byte === 0x5d) {
			depth--;
			if (depth === 0) return p + 1;
		}
		p++;
	}
	return -1;
}

/** Position of the closing quote of any string whose content begins at `pos`; -1 when it does not end. */
export function stringEnd(bytes: Bytes, pos: number, end: number): number {
	let p = pos;
	while (p < end) {
		const byte = bytes[p] as number;
		if (byte === quote) return p;
		p += byte === backslash ? 2 : 1;
	}
	return -1;
}
