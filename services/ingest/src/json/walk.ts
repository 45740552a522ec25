// Walks through a line that is known to be valid JSON, and finds where values stand. Every surprise is a refusal.
import type { Bytes } from '../event/bytes.ts';
import { bracketedEnd, plainEnd, quote, stringEnd } from './scan.ts';

export interface Walk {
	readonly bytes: Bytes;
	pos: number;
	readonly end: number;
}

/** Bytes [start, end) of the line. */
export interface Span {
	readonly start: number;
	readonly end: number;
}

const membersMax = 64;
/** An upper-case letter would be a camelCase alias of a field: the general decoder prefers one of the two. */
const plainName = /^[a-z0-9_]+$/;

/**
 * Calls `visit` with each member's name while the walk stands at its value; `visit` moves the walk past the value.
 * False when `visit` says so, or on a name that is repeated or unusual. Leaves the walk after the object.
 */
export function members(walk: Walk, visit: (name: string) => boolean): boolean {
	if (!take(walk, 0x7b)) return false;
	const seen = new Set<string>();
	if (take(walk, 0x7d)) return true;
	for (let n = 0; n < membersMax; n++) {
		skipSpace(walk);
		if (!at(walk, quote)) return false;
		const close = plainEnd(walk.bytes, walk.pos + 1, walk.end);
		if (close < 0) return false;
		const name = walk.bytes.latin1Slice(walk.pos + 1, close);
		if (!plainName.test(name) || seen.has(name)) return false;
		seen.add(name);
		walk.pos = close + 1;
		if (!take(walk, 0x3a)) return false;
		skipSpace(walk);
		if (!visit(name)) return false;
		if (take(walk, 0x7d)) return true;
		if (!take(walk, 0x2c)) return false;
	}
	return false;
}

/** As members, for the elements of an array. */
export function elements(walk: Walk, visit: () => boolean): boolean {
	if (!take(walk, 0x5b)) return false;
	if (take(walk, 0x5d)) return true;
	for (let n = 0; n < membersMax; n++) {
		skipSpace(walk);
		if (!visit()) return false;
		if (take(walk, 0x5d)) return true;
		if (!take(walk, 0x2c)) return false;
	}
	return false;
}

/** The value at hand, whatever it is; the walk then stands after it. */
export function spanOf(walk: Walk): Span | null {
	const start = walk.pos;
	const byte = walk.bytes[start];
	let end = -1;
	if (byte === quote) {
		const close = stringEnd(walk.bytes, start + 1, walk.end);
		end = close < 0 ? -1 : close + 1;
	} else if (byte === 0x7b || byte === 0x5b) end = bracketedEnd(walk.bytes, start, walk.end);
	else end = scalarEnd(walk);
	if (end <= start) return null;
	walk.pos = end;
	return { start, end };
}

/** The content of the string at hand; null when the value is none. */
export function stringSpan(walk: Walk): Span | null {
	if (!at(walk, quote)) return null;
	const span = spanOf(walk);
	return span && { start: span.start + 1, end: span.end - 1 };
}

/** End of a number, true, false or null. */
function scalarEnd(walk: Walk): number {
	let p = walk.pos;
	while (p < walk.end) {
		const byte = walk.bytes[p] as number;
		if (byte === 0x2c || byte === 0x7d || byte === 0x5d || isSpace(byte)) break;
		p++;
	}
	return p;
}

const at = (walk: Walk, byte: number): boolean => walk.pos < walk.end && walk.bytes[walk.pos] === byte;

function take(walk: Walk, byte: number): boolean {
	skipSpace(walk);
	if (!at(walk, byte)) return false;
	walk.pos++;
	return true;
}

function skipSpace(walk: Walk): void {
	while (walk.pos < walk.end && isSpace(walk.bytes[walk.pos] as number)) walk.pos++;
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
