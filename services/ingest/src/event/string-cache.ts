// Paths and digests come again and again: the same string object each time saves the allocation, and its hash downstream.
import { hashBytes, type Input, sameRun } from './bytes.ts';

/** A power of two. */
const entries = 8192;
/** Longest cached string, bytes; longer ones are made anew. */
const stride = 128;
/** Names differ at their end. */
const hashed = 16;

/** One string per place, so hostile collisions only cost the allocation. */
export interface StringCache {
	readonly strings: string[];
	readonly lengths: Uint8Array;
	readonly arena: DataView;
}

export const createStringCache = (): StringCache => ({
	strings: new Array<string>(entries).fill(''),
	lengths: new Uint8Array(entries),
	arena: new DataView(new ArrayBuffer(entries * stride)),
});

/** The cached string of the ASCII bytes [start, end), or null. */
export function knownString(cache: StringCache, input: Input, start: number, end: number): string | null {
	const length = end - start;
	if (length > stride) return null;
	const place = placeOf(input, start, end);
	if (cache.lengths[place] !== length) return null;
	if (!sameRun(input.view, input.base + start, cache.arena, place * stride, length)) return null;
	return cache.strings[place] as string;
}

/** The string of the ASCII bytes [start, end). */
export function cachedString(cache: StringCache, input: Input, start: number, end: number): string {
	const known = knownString(cache, input, start, end);
	if (known !== null) return known;
	const text = input.bytes.latin1Slice(start, end);
	const length = end - start;
	if (length > stride) return text;
	const place = placeOf(input, start, end);
	cache.strings[place] = text;
	cache.lengths[place] = length;
	for (let i = 0; i < length; i++) cache.arena.setUint8(place * stride + i, input.bytes[start + i] as number);
	return text;
}

const placeOf = (input: Input, start: number, end: number): number =>
	(hashBytes(input.bytes, end - start > hashed ? end - hashed : start, end) + end - start) & (entries - 1);
