// Rego's total order of values: null < boolean < number < string < array < object < set (OPA's policy reference, "Comparison").
import { isArray, isSet, objectEntries, type RegoObject, type Value } from './value.ts';

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

export function compareValues(a: Value, b: Value): number {
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
	if (isArray(a)) return compareLists(a, b as readonly Value[]);
	if (isSet(a) && isSet(b)) return compareLists(a.items(), b.items());
	return compareObjects(a as RegoObject, b as RegoObject);
}

export const equalValues = (a: Value, b: Value): boolean => a === b || compareValues(a, b) === 0;

function compareLists(a: readonly Value[], b: readonly Value[]): number {
	const shared = Math.min(a.length, b.length);
	for (let i = 0; i < shared; i++) {
		const order = compareValues(a[i] as Value, b[i] as Value);
		if (order !== 0) return order;
	}
	return a.length - b.length;
}

function compareObjects(a: RegoObject, b: RegoObject): number {
	const left = objectEntries(a);
	const right = objectEntries(b);
	const shared = Math.min(left.length, right.length);
	for (let i = 0; i < shared; i++) {
		const [keyA, valueA] = left[i] as readonly [Value, Value];
		const [keyB, valueB] = right[i] as readonly [Value, Value];
		const order = compareValues(keyA, keyB) || compareValues(valueA, valueB);
		if (order !== 0) return order;
	}
	return left.length - right.length;
}

/** By Unicode code point, as the bytes of UTF-8 compare; UTF-16 order differs where a surrogate meets U+E000 and above. */
function compareText(a: string, b: string): number {
	const shared = Math.min(a.length, b.length);
	for (let i = 0; i < shared; i++) {
		const x = a.charCodeAt(i);
		const y = b.charCodeAt(i);
		if (x === y) continue;
		const surrogateX = x >= 0xd800 && x <= 0xdfff;
		const surrogateY = y >= 0xd800 && y <= 0xdfff;
		if (surrogateX !== surrogateY) return surrogateX ? 1 : -1;
		return x - y;
	}
	return a.length - b.length;
}
