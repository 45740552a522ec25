// JSON text as Go's encoding/json reads it, where that decides verdicts: duplicate fields, exact numbers, lone surrogates.
// The fast way is JSON.parse; only a text that holds something it would lose is read a second time, slowly.

import { isAscii } from 'node:buffer';

/** A number that a double would not give back as it was written: 1.0, 1e3, or 16 digits and more. */
export class NumberToken {
	readonly text: string;
	constructor(text: string) {
		this.text = text;
	}
}

/** An object with a field twice, in the order of the text. */
export class Members {
	readonly keys: string[] = [];
	readonly values: unknown[] = [];
}

export type JsonText =
	| {
			kind: 'value';
			/** As JSON.parse gives it; with NumberToken and Members in it when `exact`. */
			value: unknown;
			exact: boolean;
			/** What Go reads in another way than others, '' for nothing. */
			ambiguity: string;
	  }
	| { kind: 'invalid'; reason: string };

/** Deepest nesting that is read; Go's own limit is 10,000. */
export const nestingMax = 1_000;
/** Most values of one text: each takes about 100 bytes, which is what bounds the memory that a text of `[[],[],...` takes. */
export const valuesMax = 2_000_000;

export function parseGoJson(bytes: Uint8Array): JsonText {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const scan = scanText(buffer);
	if (scan.depth > nestingMax) return { kind: 'invalid', reason: `JSON nested deeper than ${nestingMax}` };
	if (scan.values > valuesMax) return { kind: 'invalid', reason: `JSON of more than ${valuesMax} values` };
	// A byte order mark stays and is refused, as in Go; bytes that are no UTF-8 become U+FFFD.
	const text = buffer.toString(isAscii(buffer) ? 'latin1' : 'utf8');
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return { kind: 'invalid', reason: bytes.length === 0 ? 'unexpected end of JSON input' : 'not a JSON text' };
	}
	// Each field has one colon: fewer fields than colons means that one came twice.
	const twice = scan.colons !== countFields(value);
	const exact = twice || scan.longNumbers || scan.surrogates;
	if (exact) {
		// Let go of the first reading: both may be large.
		value = null;
		value = readExactly(text);
	}
	const ambiguity = twice ? 'a field comes twice in one object' : '';
	return { kind: 'value', value, exact, ambiguity };
}

interface Scan {
	/** Commas, brackets and braces outside strings: as many as there are values, or more. */
	values: number;
	/** Outside strings. */
	colons: number;
	depth: number;
	longNumbers: boolean;
	surrogates: boolean;
}

const quoteByte = 0x22;
const backslash = 0x5c;

function scanText(bytes: Buffer): Scan {
	const scan: Scan = { values: 0, colons: 0, depth: 0, longNumbers: false, surrogates: false };
	let depth = 0;
	let digits = 0;
	for (let i = 0; i < bytes.length; i++) {
		const byte = bytes[i] as number;
		if (byte >= 0x30 && byte <= 0x39) {
			if (++digits > 15) scan.longNumbers = true;
			continue;
		}
		// A point, or an exponent: `e` right after a digit (true and false have theirs after a letter).
		if (byte === 0x2e || (digits > 0 && (byte === 0x65 || byte === 0x45))) scan.longNumbers = true;
		digits = 0;
		if (byte === quoteByte) i = endOfString(bytes, i + 1, scan);
		else if (byte === 0x3a) scan.colons++;
		else if (byte === 0x2c) scan.values++;
		else if (byte === 0x7b || byte === 0x5b) {
			scan.values++;
			if (++depth > scan.depth) scan.depth = depth;
		} else if (byte === 0x7d || byte === 0x5d) depth--;
	}
	return scan;
}

/** Characters of a string that are looked at here; the rest of a longer one is found by the buffer's own search. */
const shortString = 64;

/** Position of the closing quote. */
function endOfString(bytes: Buffer, from: number, scan: Scan): number {
	const near = Math.min(from + shortString, bytes.length);
	let i = from;
	for (; i < near; i++) {
		const byte = bytes[i];
		if (byte === quoteByte) return i;
		if (byte === backslash) i = skipEscape(bytes, i, scan);
	}
	for (;;) {
		const quote = bytes.indexOf(quoteByte, i);
		if (quote < 0) return bytes.length;
		// Only up to the quote: to the end of the text, each string would cost the whole of it.
		const slash = bytes.subarray(i, quote).indexOf(backslash);
		if (slash < 0) return quote;
		i = skipEscapes(bytes, i + slash, quote, scan);
	}
}

/** Goes over escapes and what is between them, to the quote or just behind it when it was escaped. */
function skipEscapes(bytes: Buffer, from: number, quote: number, scan: Scan): number {
	let i = from;
	while (i < quote) i = bytes[i] === backslash ? skipEscape(bytes, i, scan) + 1 : i + 1;
	return i;
}

/** Position of the last byte that belongs to the escape for sure. */
function skipEscape(bytes: Buffer, at: number, scan: Scan): number {
	const half = surrogateAt(bytes, at);
	if (half === 'none') return at + 1;
	// The two halves of a character; one alone is what Go replaces.
	if (half === 'high' && surrogateAt(bytes, at + escapeLength) === 'low') return at + 2 * escapeLength - 1;
	scan.surrogates = true;
	return at + 1;
}

/** Bytes of \uXXXX. */
const escapeLength = 6;

/** Whether an escape is \ud800 to \udbff, or \udc00 to \udfff. */
function surrogateAt(bytes: Buffer, at: number): 'high' | 'low' | 'none' {
	if (bytes[at] !== backslash || bytes[at + 1] !== 0x75 || ((bytes[at + 2] ?? 0) | 0x20) !== 0x64) return 'none';
	const digit = (bytes[at + 3] ?? 0) | 0x20;
	if (digit >= 0x63 && digit <= 0x66) return 'low';
	return digit === 0x38 || digit === 0x39 || digit === 0x61 || digit === 0x62 ? 'high' : 'none';
}

function countFields(value: unknown): number {
	if (typeof value !== 'object' || value === null) return 0;
	let count = 0;
	if (Array.isArray(value)) {
		for (let i = 0; i < value.length; i++) {
			const item: unknown = value[i];
			if (typeof item === 'object') count += countFields(item);
		}
		return count;
	}
	const object = value as Record<string, unknown>;
	const keys = Object.keys(object);
	for (let i = 0; i < keys.length; i++) {
		const item = object[keys[i] as string];
		if (typeof item === 'object') count += countFields(item);
	}
	return count + keys.length;
}

interface Cursor {
	text: string;
	at: number;
}

/** The slow way. The text is known to be JSON of bounded depth: only its structure is followed. */
function readExactly(text: string): unknown {
	return readValue({ text, at: 0 });
}

function readValue(cursor: Cursor): unknown {
	skipSpace(cursor);
	switch (cursor.text[cursor.at]) {
		case '{':
			return readObject(cursor);
		case '[':
			return readArray(cursor);
		case '"':
			return readString(cursor);
		case 't':
			cursor.at += 4;
			return true;
		case 'f':
			cursor.at += 5;
			return false;
		case 'n':
			cursor.at += 4;
			return null;
		default:
			return readNumber(cursor);
	}
}

function readObject(cursor: Cursor): unknown {
	const members = new Members();
	const seen = new Set<string>();
	let twice = false;
	cursor.at++;
	for (;;) {
		skipSpace(cursor);
		const char = cursor.text[cursor.at];
		if (char === '}') break;
		if (char === ',') {
			cursor.at++;
			continue;
		}
		const key = readString(cursor);
		skipSpace(cursor);
		cursor.at++;
		twice ||= seen.has(key);
		seen.add(key);
		members.keys.push(key);
		members.values.push(readValue(cursor));
	}
	cursor.at++;
	return twice ? members : plainObject(members);
}

/** The last of equal keys wins. */
export function plainObject({ keys, values }: Members): Record<string, unknown> {
	// No prototype: a key may be called __proto__.
	const object: Record<string, unknown> = Object.create(null);
	for (let i = 0; i < keys.length; i++) object[keys[i] as string] = values[i];
	return object;
}

function readArray(cursor: Cursor): unknown[] {
	const items: unknown[] = [];
	cursor.at++;
	for (;;) {
		skipSpace(cursor);
		const char = cursor.text[cursor.at];
		if (char === ']') break;
		if (char === ',') cursor.at++;
		else items.push(readValue(cursor));
	}
	cursor.at++;
	return items;
}

function readString(cursor: Cursor): string {
	const start = cursor.at++;
	for (;;) {
		const char = cursor.text[cursor.at++];
		if (char === '"') break;
		if (char === '\\') cursor.at++;
	}
	// Half a character is U+FFFD in Go.
	return (JSON.parse(cursor.text.slice(start, cursor.at)) as string).toWellFormed();
}

function readNumber(cursor: Cursor): number | NumberToken {
	const start = cursor.at;
	while (cursor.at < cursor.text.length && '+-.0123456789eE'.includes(cursor.text[cursor.at] as string)) cursor.at++;
	const text = cursor.text.slice(start, cursor.at);
	return /^-?\d{1,15}$/.test(text) ? Number(text) : new NumberToken(text);
}

function skipSpace(cursor: Cursor): void {
	for (;;) {
		const code = cursor.text.charCodeAt(cursor.at);
		if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
		cursor.at++;
	}
}
