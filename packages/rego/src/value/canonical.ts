// One text per composite value, so that arrays, objects and sets can be looked up in a hash map.
import { isArray, isSet, type Key, objectEntries, type RegoObject, type Value } from './value.ts';
import { spend, tooDeep, valueDepthMax } from './work.ts';

/** Marks texts that stand for a composite; strings that begin with it are marked too, so that the two cannot meet. */
const mark = '\u0000';

export function canonicalKey(value: Value): Key {
	switch (typeof value) {
		case 'string':
			return value.charCodeAt(0) === 0 ? `${mark}s${value}` : value;
		case 'number':
			return value === 0 ? 0 : value;
		case 'bigint': {
			// 2^60 may come as a double and as an integer: one key for one number.
			const double = Number(value);
			return Number.isFinite(double) && BigInt(double) === value ? double : value;
		}
		case 'boolean':
			return value;
		default:
			return value === null ? null : `${mark}c${canonicalText(value, 0)}`;
	}
}

const nodeSteps = 4;

function canonicalText(value: Value, depth: number): string {
	// The text of a composite is built again for each lookup, and kept for each element: both are dear next to a row.
	spend(nodeSteps);
	if (typeof value === 'string') {
		spend(value.length >> 3);
		return `"${value.length}:${value}`;
	}
	if (typeof value !== 'object' || value === null) return String(canonicalKey(value));
	if (depth >= valueDepthMax) tooDeep();
	if (isArray(value)) return `[${value.map((item) => canonicalText(item, depth + 1)).join(',')}]`;
	if (isSet(value)) {
		const items = value.items();
		return `<${items.map((item) => canonicalText(item, depth + 1)).join(',')}>`;
	}
	let text = '';
	for (const [key, item] of objectEntries(value as RegoObject)) {
		text += `${canonicalText(key, depth + 1)}:${canonicalText(item, depth + 1)},`;
	}
	return `{${text}}`;
}
