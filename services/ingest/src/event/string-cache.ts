// Paths and digests come again and again: the same string object each time saves the allocation, and its hash downstream.
import { type Bytes, hashBytes } from './bytes.ts';

/** A power of two. */
const entries = 8192;
/** Longest cached string, bytes; longer ones are made anew. */
const stride = 128;
/** Names differ at their end. */
const hashed = 16;

export type StringCache = (bytes: Bytes, start: number, end: number) => string;

/** Strings of ASCII bytes. One string per table place, so hostile collisions only cost the allocation. */
export function createStringCache(): StringCache {
	const strings: string[] = new Array(entries).fill('');
	const lengths = new Uint8Array(entries);
	const arena = new Uint8Array(entries * stride);
	return (bytes, start, end) => {
		const length = end - start;
		if (length === 0) return '';
		if (length > stride) return bytes.latin1Slice(start, end);
		const place = (hashBytes(bytes, length > hashed ? end - hashed : start, end) + length) & (entries - 1);
		const base = place * stride;
		if (lengths[place] === length) {
			let i = 0;
			while (i < length && arena[base + i] === bytes[start + i]) i++;
			if (i === length) return strings[place] as string;
		}
		const text = bytes.latin1Slice(start, end);
		strings[place] = text;
		lengths[place] = length;
		for (let i = 0; i < length; i++) arena[base + i] = bytes[start + i] as number;
		return text;
	};
}
