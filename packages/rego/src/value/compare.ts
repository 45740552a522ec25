// Rego's total order of values: null < boolean < number < string < array < object < set (OPA's policy reference, "Comparison").
// Composites are charged item by item, and bounded in depth: LimitReached ends the comparison.
import { isArray, isSet, objectEntries, objectGet, objectSize, type RegoObject, type Value } from './value.ts';
import { spend, tooDeep, valueDepthMax } from './work.ts';

function rank(value: Value): number {
	switch (typeof value) {
		case 'boolean':
			return 1;
		case 'number':
		case 'bigint':
			return 2;
		case 'string':
			return 3;
		default:
			return value === null ? 0 : isArray(value) ? 4 : isSet(value) ? 6 : 5;
	}
}

export const compareValues = (a: Value, b: Value): number => (a === b ? 0 : compareAt(a, b, 0));

function compareAt(a: Value, b: Value, depth: number): number {
	if (a === b) return 0;
	const difference = rank(a) - rank(b);
	if (difference !== 0) return difference;
	switch (typeof a) {
		case 'boolean':
			return a ? 1 : -1;
		case 'number':
		case 'bigint':
			// JavaScript compares a number with a bigint by value.
			return a < (b as number) ? -1 : a > (b as number) ? 1 : 0;
		case 'string':
			return compareText(a, b as string);
		default:
			break;
	}
	if (a === null) return 0;
	if (depth >= valueDepthMax) tooDeep();
	if (isArray(a)) return compareLists(a, b as readonly Value[], depth + 1);
	if (isSet(a) && isSet(b)) return compareLists(a.items(), b.items(), depth + 1);
	return compareObjects(a as RegoObject, b as RegoObject, depth + 1);
}

/** Whether two values are one; looks no further than the first difference, and does not order objects for it. */
export function equalValues(a: Value, b: Value): boolean {
	if (typeof a === 'string') {
		// Text that is compared byte by byte costs something once it is long.
		if (a.length >= longText) spend(a.length >> 10);
		return a === b;
	}
	return a === b || equalAt(a, b, 0);
}

/** Charged when it is compared for equality, by the kilobyte. */
export const longText = 4_096;

function equalAt(a: Value, b: Value, depth: number): boolean {
	if (a === b) return true;
	if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return compareAt(a, b, depth) === 0;
	if (depth >= valueDepthMax) tooDeep();
	if (isArray(a)) {
		if (!isArray(b) || a.length !== b.length) return false;
		for (let i = 0; i < a.length; i++) {
			spend(1);
			if (!equalAt(a[i] as Value, b[i] as Value, depth + 1)) return false;
		}
		return true;
	}
	if (isArray(b)) return false;
	if (isSet(a)) {
		if (!isSet(b) || a.size !== b.size) return false;
		spend(a.size);
		return a.includesAll(b);
	}
	return !isSet(b) && equalObjects(a as RegoObject, b as RegoObject, depth + 1);
}

function equalObjects(a: RegoObject, b: RegoObject, depth: number): boolean {
	if (objectSize(a) !== objectSize(b)) return false;
	for (const [key, value] of objectEntries(a)) {
		spend(1);
		const other = objectGet(b, key);
		if (other === undefined || !equalAt(value, other, depth)) return false;
	}
	return true;
}

function compareLists(a: readonly Value[], b: readonly Value[], depth: number): number {
	const shared = Math.min(a.length, b.length);
	for (let i = 0; i < shared; i++) {
		spend(1);
		const order = compareAt(a[i] as Value, b[i] as Value, depth);
		if (order !== 0) return order;
	}
	return a.length - b.length;
}

function compareObjects(a: RegoObject, b: RegoObject, depth: number): number {
	const left = objectEntries(a);
	const right = objectEntries(b);
	const shared = Math.min(left.length, right.length);
	for (let i = 0; i < shared; i++) {
		spend(1);
		const [keyA, valueA] = left[i] as readonly [Value, Value];
		const [keyB, valueB] = right[i] as readonly [Value, Value];
		const order = compareAt(keyA, keyB, depth) || compareAt(valueA, valueB, depth);
		if (order !== 0) return order;
	}
	return left.length - right.length;
}

/** By Unicode code point, as the bytes of UTF-8 compare; UTF-16 order differs where a surrogate meets U+E000 and above. */
export function compareText(a: string, b: string): number {
	const shared = Math.min(a.length, b.length);
	for (let i = 0; i < shared; i++) {
		const x = a.charCodeAt(i);
		const y = b.charCodeAt(i);
		if (x === y) continue;
		spend(i >> 4);
		const surrogateX = x >= 0xd800 && x <= 0xdfff;
		const surrogateY = y >= 0xd800 && y <= 0xdfff;
		if (surrogateX !== surrogateY) return surrogateX ? 1 : -1;
		return x - y;
	}
	spend(shared >> 4);
	return a.length - b.length;
}
