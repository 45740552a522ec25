// `x in xs`: a lookup in a set; a large array that is asked again is indexed by its items.
import type { Machine } from '../eval/machine.ts';
import { canonicalKey } from '../value/canonical.ts';
import { equalValues } from '../value/compare.ts';
import { type Key, objectEntries, type RegoObject, RegoSet, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';

/** Shorter arrays are scanned. */
const indexedMin = 16;

export function contains(m: Machine, item: Value, items: Value): Value | undefined {
	if (typeof items !== 'object' || items === null) return false;
	if (items instanceof RegoSet) return items.has(item);
	if (!Array.isArray(items)) {
		const entries = objectEntries(items as RegoObject);
		spend(entries.length);
		return entries.some(([, value]) => equalValues(value, item));
	}
	const list = items as readonly Value[];
	if (list.length < indexedMin) {
		spend(list.length);
		return list.some((value) => equalValues(value, item));
	}
	return indexOf(m, list)?.has(canonicalKey(item)) ?? scan(list, item);
}

/** null at the first sight: an array that is asked once is not worth an index. */
function indexOf({ members }: Machine, list: readonly Value[]): Set<Key> | null {
	const known = members.get(list);
	if (known === undefined) {
		members.set(list, null);
		return null;
	}
	if (known !== null) return known;
	spend(list.length);
	const index = new Set(list.map(canonicalKey));
	members.set(list, index);
	return index;
}

function scan(list: readonly Value[], item: Value): boolean {
	spend(list.length);
	return list.some((value) => equalValues(value, item));
}
