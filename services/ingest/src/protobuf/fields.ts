// Typed reads of a field whose tag was just read. A field of another wire type than its own is said, and passed.
import { complain } from '../event/problem.ts';
import { cachedString, knownString, type StringCache } from '../event/string-cache.ts';
import { malformedTime, timestampUs } from '../event/time.ts';
import { isAscii, nextField, readBytes, readVarint, signedValue, skipValue, type Wire, WireType } from './wire.ts';

export function wrongType(wire: Wire, field: string, expected: string): void {
	complain(wire, 'wrong-type', `${field}: expected ${expected}, found wire type ${wire.type}`);
}

/** True when a varint was read. */
export function takeVarint(wire: Wire, end: number, field: string): boolean {
	if (wire.type === WireType.varint) {
		readVarint(wire, end);
		return wire.first === null;
	}
	wrongType(wire, field, 'a varint');
	return false;
}

/** True when a length-delimited value was read: it is at wire.start. */
export function takeBytes(wire: Wire, end: number, field: string): boolean {
	if (wire.type === WireType.bytes) {
		readBytes(wire, end);
		return wire.first === null;
	}
	wrongType(wire, field, 'a length-delimited value');
	return false;
}

/** A string that comes often. */
export function takeText(wire: Wire, end: number, field: string, cache: StringCache): string {
	if (!takeBytes(wire, end, field)) return '';
	return textAt(wire, wire.start, wire.end, cache);
}

export function textAt(wire: Wire, start: number, end: number, cache: StringCache): string {
	const { input } = wire;
	if (start === end) return '';
	// What the cache holds is ASCII: equal bytes need no look at each.
	const known = knownString(cache, input, start, end);
	if (known !== null) return known;
	return isAscii(input, start, end) ? cachedString(cache, input, start, end) : input.bytes.utf8Slice(start, end);
}

/** A string that comes once. */
export function takeNewText(wire: Wire, end: number, field: string): string {
	return takeBytes(wire, end, field) ? wire.input.bytes.utf8Slice(wire.start, wire.end) : '';
}

/** google.protobuf.UInt32Value, BoolValue and the like: the value of their field 1, 0 when it is absent. */
export function takeWrapped(wire: Wire, end: number, field: string): number {
	if (!takeBytes(wire, end, field)) return 0;
	const after = wire.pos;
	const inner = wire.end;
	wire.pos = wire.start;
	let value = 0;
	while (nextField(wire, inner))
		if (wire.field === 1) value = takeVarint(wire, inner, field) ? wire.low >>> 0 : 0;
		else skipValue(wire, inner);
	if (wire.first === null) wire.pos = after;
	return value;
}

/** google.protobuf.Timestamp in microseconds since 1970; a negative code of event/time.ts when it is none. */
export function takeTimestamp(wire: Wire, end: number, field: string): number {
	if (!takeBytes(wire, end, field)) return malformedTime;
	const after = wire.pos;
	const inner = wire.end;
	wire.pos = wire.start;
	let seconds = 0;
	let nanos = 0;
	while (nextField(wire, inner)) {
		if (wire.field === 1) {
			if (takeVarint(wire, inner, `${field}.seconds`)) seconds = signedValue(wire);
		} else if (wire.field === 2) {
			if (takeVarint(wire, inner, `${field}.nanos`)) nanos = wire.low | 0;
		} else skipValue(wire, inner);
	}
	if (wire.first !== null) return malformedTime;
	wire.pos = after;
	return timestampUs(seconds, nanos);
}
