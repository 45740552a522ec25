// Paths and digests come again and again: the same string object each time saves the allocation, and its hash downstream.
import { copyRun, hashEnd, type Input, sameRun } from './bytes.ts';

/** A power of two. */
const entries = 8192;
/** Longest cached string, bytes; longer ones are made anew. */
const stride = 128;

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
	return end - start > stride ? null : stringAt(cache, placeOf(input, start, end), input, start, end - start);
}

/** The string of the ASCII bytes [start, end). */
export function cachedString(cache: StringCache, input: Input, start: number, end: number): string {
	const length = end - start;
	if (length > stride) return input.bytes.latin1Slice(start, end);
	const place = placeOf(input, start, end);
	const known = stringAt(cache, place, input, start, length);
	if (known !== null) return known;
	const text = input.bytes.latin1Slice(start, end);
	cache.strings[place] = text;
	cache.lengths[place] = length;
	copyRun(input.view, input.base + start, cache.arena, place * stride, length);
	return text;
}

function stringAt(cache: StringCache, place: number, input: Input, start: number, length: number): string | null {
	if (cache.lengths[place] !== length) return null;
	if (!sameRun(input.view, input.base + start, cache.arena, place * stride, length)) return null;
	return cache.strings[place] as string;
}

const placeOf = (input: Input, start: number, end: number): number => hashEnd(input, start, end) & (entries - 1);
