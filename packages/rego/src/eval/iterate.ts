// Rows of a collection: position and item of arrays, key and value of objects in Rego's order, elements of sets as both.
import { type PlainObject, RegoMap, RegoSet, sortedKeys, type Value } from '../value/value.ts';
import { enter, type Frame, type Get, type Machine, type Next, step } from './machine.ts';
import { type ReadSite, reportMiss } from './read-site.ts';

/** `site` ends with the key that varies; it is told where the container is no collection. */
export function iterate(container: Get, keySlot: number, valueSlot: number, site: ReadSite): (next: Next) => Next {
	const last = site.keys.length - 1;
	return (next) => (m, f) => {
		const rows = container(m, f);
		if (rows === undefined) return false;
		if (typeof rows !== 'object' || rows === null) {
			f[keySlot] = undefined;
			reportMiss(m, f, site, last, rows);
			return false;
		}
		return eachRow(m, f, rows, keySlot, valueSlot, next);
	};
}

/** True when what follows has enough. */
export function eachRow(m: Machine, f: Frame, rows: Value, keySlot: number, valueSlot: number, next: Next): boolean {
	enter(m, 1);
	let enough = false;
	if (Array.isArray(rows)) {
		const items = rows as readonly Value[];
		for (let i = 0; i < items.length && !enough; i++) {
			step();
			f[keySlot] = i;
			f[valueSlot] = items[i];
			enough = next(m, f);
		}
	} else if (rows instanceof RegoSet) {
		for (const item of rows.items()) {
			step();
			f[keySlot] = item;
			f[valueSlot] = item;
			enough = next(m, f);
			if (enough) break;
		}
	} else if (rows instanceof RegoMap) {
		for (const [key, value] of rows.entries()) {
			step();
			f[keySlot] = key;
			f[valueSlot] = value;
			enough = next(m, f);
			if (enough) break;
		}
	} else {
		enough = eachField(m, f, rows as PlainObject, keySlot, valueSlot, next);
	}
	m.nesting -= 1;
	return enough;
}

function eachField(m: Machine, f: Frame, object: PlainObject, keySlot: number, valueSlot: number, next: Next): boolean {
	m.iterated.add(object);
	for (const key of keysOf(m, object)) {
		step();
		f[keySlot] = key;
		f[valueSlot] = object[key];
		if (next(m, f)) return true;
	}
	return false;
}

/** Kept for an object that is iterated again, as in the inner of two loops. */
function keysOf(m: Machine, object: PlainObject): readonly string[] {
	let keys = m.sortedKeys.get(object);
	if (keys === undefined) {
		keys = sortedKeys(object);
		if (keys.length >= keptKeysMin) m.sortedKeys.set(object, keys);
	}
	return keys;
}

const keptKeysMin = 16;
