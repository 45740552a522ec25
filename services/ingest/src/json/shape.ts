// A shape is an export line that was decoded once, cut into literal bytes and slots. A line that has the same literal
// bytes, and in each slot a value of the same lexical class, has the same structure: only the slots are decoded.
import { type Argument, addressText } from '../event/argument.ts';
import { type Bytes, type Input, type Literal, literalText, sameBytes } from '../event/bytes.ts';
import type { Hook } from '../event/hook.ts';
import { cachedString, knownString, type StringCache } from '../event/string-cache.ts';
import { timeTextUs } from '../event/time.ts';
import type { ProcessReader } from './process-reader.ts';
import { integerEnd, integerValue, plainStringEnd, quote, unescapedEnd } from './scan.ts';

export const SlotKind = {
	/** A string that nothing is made of. */
	ignoredString: 0,
	/** A number that nothing is made of. */
	ignoredNumber: 1,
	/** Argument.text. */
	text: 2,
	/** Argument.text of a socket. */
	address: 3,
	/** First character of a permission string. */
	fileType: 4,
	family: 5,
	/** Argument.value, a JSON number. */
	number: 6,
	/** Argument.value, a decimal string. */
	decimal: 7,
	/** Argument.text, a decimal string. */
	decimalText: 8,
	port: 9,
	/** Of it, only `sha256:` and 64 hex digits is a digest. */
	digest: 10,
	time: 11,
	status: 12,
	signal: 13,
	/** Elements of the ancestors array: nothing is made of them. */
	ancestors: 14,
} as const;
export type SlotKind = (typeof SlotKind)[keyof typeof SlotKind];

export interface Slot {
	readonly kind: SlotKind;
	/** The argument that it fills; one that is not in the shape's when none. */
	readonly argument: Argument;
	/** Bounds of a number. */
	readonly min: number;
	readonly max: number;
}

export interface Shape {
	readonly kind: 'exec' | 'exit' | 'hook';
	readonly hook: Hook;
	readonly host: string;
	/** All literals in one run, and where each ends: one more than slots. */
	readonly literals: Literal;
	/** Bytes in `literals`. */
	readonly length: number;
	readonly literalEnds: readonly number[];
	readonly slots: readonly Slot[];
	/** Filled anew by every match. */
	readonly args: readonly Argument[];
}

/** What the slots of the line at hand gave. Reused for every line. */
export interface Match {
	readonly strings: StringCache;
	readonly digests: StringCache;
	readonly processes: ProcessReader;
	timeUs: number;
	digest: string;
	status: number;
	signal: string;
}

/** Matches `shape` against the input from `start` on: what follows the processes. False when anything differs. */
export function matchShape(shape: Shape, match: Match, input: Input, start: number): boolean {
	const { literals, literalEnds, slots } = shape;
	match.digest = '';
	match.status = 0;
	match.signal = '';
	let pos = start;
	let literal = 0;
	for (let i = 0; i < slots.length; i++) {
		const length = (literalEnds[i] as number) - literal;
		if (!sameBytes(input, pos, literals, literal, length)) return false;
		literal += length;
		pos = fillSlot(slots[i] as Slot, match, input, pos + length);
		if (pos < 0) return false;
	}
	const length = shape.length - literal;
	return input.end - pos === length && sameBytes(input, pos, literals, literal, length);
}

/** Position after the slot's value, or -1. */
function fillSlot(slot: Slot, match: Match, input: Input, pos: number): number {
	const { bytes, end } = input;
	const argument = slot.argument;
	switch (slot.kind) {
		case SlotKind.number:
		case SlotKind.port:
		case SlotKind.status:
		case SlotKind.ignoredNumber: {
			const after = integerEnd(bytes, pos, end);
			if (after < 0 || slot.kind === SlotKind.ignoredNumber) return after;
			const value = integerValue(bytes, pos, after);
			if (value < slot.min || value > slot.max) return -1;
			if (slot.kind === SlotKind.number) argument.value = value;
			else if (slot.kind === SlotKind.port) argument.port = value;
			else match.status = value;
			return after;
		}
		case SlotKind.decimal:
		case SlotKind.decimalText: {
			const after = integerEnd(bytes, pos, end);
			if (after < 0 || bytes[after] !== quote) return -1;
			const value = integerValue(bytes, pos, after);
			if (value < slot.min) return -1;
			if (slot.kind === SlotKind.decimal) argument.value = value;
			else argument.text = cachedString(match.strings, input, pos, after);
			return after;
		}
		case SlotKind.digest:
			return fillDigest(match, input, pos);
		case SlotKind.ancestors:
			return skipAncestors(match, input, pos);
		case SlotKind.time: {
			const after = plainStringEnd(input, pos);
			match.timeUs = after < 0 ? -1 : timeTextUs(bytes, pos, after);
			return match.timeUs < 0 ? -1 : after;
		}
		case SlotKind.fileType: {
			const after = plainStringEnd(input, pos);
			if (after > pos) argument.fileType = asciiCharacters[bytes[pos] as number] as string;
			else argument.fileType = '';
			return after;
		}
		default:
			return fillString(slot.kind, argument, match, input, pos);
	}
}

const asciiCharacters = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

function fillString(kind: SlotKind, argument: Argument, match: Match, input: Input, pos: number): number {
	const { bytes, end } = input;
	let after = plainStringEnd(input, pos);
	const plain = after >= 0;
	if (!plain) {
		after = unescapedEnd(bytes, pos, end);
		if (after < 0) return -1;
	}
	if (kind === SlotKind.ignoredString) return after;
	const text = plain ? cachedString(match.strings, input, pos, after) : bytes.utf8Slice(pos, after);
	if (kind === SlotKind.text) argument.text = text;
	else if (kind === SlotKind.address) argument.text = addressText(text);
	else if (kind === SlotKind.family) argument.family = text;
	else match.signal = text;
	return after;
}

const digestPrefix = literalText('sha256:');
const digestStart = digestPrefix.bytes.length;
const digestLength = digestStart + 64;

function fillDigest(match: Match, input: Input, pos: number): number {
	const { bytes } = input;
	const after = pos + digestLength;
	const first = pos + digestStart;
	if (after < input.end && bytes[after] === quote && sameBytes(input, pos, digestPrefix, 0, digestStart)) {
		// A digest in this cache was checked when it came first.
		const known = knownString(match.digests, input, first, after);
		if (known !== null) {
			match.digest = known;
			return after;
		}
		if (isHex(bytes, first, after)) {
			match.digest = cachedString(match.digests, input, first, after);
			return after;
		}
	}
	// Another algorithm's, or none: no digest.
	return plainStringEnd(input, pos);
}

function isHex(bytes: Bytes, start: number, end: number): boolean {
	for (let p = start; p < end; p++) if (isLowerHex[bytes[p] as number] === 0) return false;
	return true;
}

const isLowerHex = new Uint8Array(256);
for (const digit of '0123456789abcdef') isLowerHex[digit.charCodeAt(0)] = 1;

const comma = 0x2c;
const blank = 0x20;
const closingBracket = 0x5d;

function skipAncestors(match: Match, input: Input, pos: number): number {
	const { bytes, end } = input;
	let p = pos;
	while (p < end) {
		p = match.processes.read(input, p, null);
		if (p < 0) return -1;
		if (bytes[p] === closingBracket) return p;
		if (bytes[p] !== comma) return -1;
		p += bytes[p + 1] === blank ? 2 : 1;
	}
	return -1;
}
