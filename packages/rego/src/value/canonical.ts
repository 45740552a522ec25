// One text per composite value, so that arrays, objects and sets can be looked up in a hash map.
import { isArray, isSet, type Key, objectEntries, type RegoObject, type Value } from './value.ts';

/** Marks texts that stand for a composite; strings that begin with it are marked too, so that the two cannot meet. */
const mark = '\u0000';

export function canonicalKey(value: Value): Key {
	switch (typeof value) {
		case 'string':
			return value.startsWith(mark) ? `${mark}s${value}` : value;
		case 'number':
			return value === 0 ? 0 : value;
		case 'bigint': {
			// 2^60 may come as a double and as an integer: one key for one number.
			const double = Number(value);
			return BigInt(double) === value ? double : value;
		}
		case 'boolean':
			return value;
		default:
			return value === null ? null : `${mark}c${canonicalText(value)}`;
	}
}

function canonicalText(value: Value): string {
	if (typeof value === 'string') return JSON.stringify(value);
	if (typeof value !== 'object' || value === null) return String(canonicalKey(value));
	if (isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
	if (isSet(value)) return `<${value.items().map(canonicalText).join(',')}>`;
	const entries = objectEntries(value as RegoObject);
	return `{${entries.map(([key, item]) => `${canonicalText(key)}:${canonicalText(item)}`).join(',')}}`;
}
