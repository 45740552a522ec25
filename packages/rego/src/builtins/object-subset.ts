// object.subset: objects in objects, sets in sets, arrays as a run of an array, sets of items of an array.
import { equalValues } from '../value/compare.ts';
import {
	isArray,
	isObject,
	isSet,
	objectEntries,
	objectGet,
	type RegoObject,
	type RegoSet,
	type Value,
} from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { binary, type Result } from './operand.ts';

function inObject(larger: RegoObject, smaller: RegoObject, context: BuiltinContext): boolean {
	for (const [key, value] of objectEntries(smaller)) {
		context.charge(1);
		const other = objectGet(larger, key);
		if (other === undefined) return false;
		if (equalValues(value, other)) continue;
		if (isObject(other) && isObject(value)) {
			if (!inObject(other, value, context)) return false;
		} else if (isSet(other) && isSet(value)) {
			if (!inSet(other, value, context)) return false;
		} else if (!isArray(other) || !isArray(value) || !inArray(other, value, context)) return false;
	}
	return true;
}

function inSet(larger: RegoSet, smaller: RegoSet, context: BuiltinContext): boolean {
	for (const item of smaller.items()) {
		context.charge(1);
		if (!larger.has(item)) return false;
	}
	return true;
}

/** A run of neighbours. */
function inArray(larger: readonly Value[], smaller: readonly Value[], context: BuiltinContext): boolean {
	let start = 0;
	let matched = 0;
	while (matched < smaller.length) {
		if (start + matched >= larger.length) return false;
		const other = larger[start + matched] as Value;
		const item = smaller[matched] as Value;
		context.charge(1);
		if (equalValues(other, item)) matched++;
		else {
			start++;
			matched = 0;
		}
	}
	return true;
}

/** As OPA: an empty set is in no array that is empty, for nothing is looked at. */
function setInArray(array: readonly Value[], set: RegoSet, context: BuiltinContext): boolean {
	let missing = set.size;
	for (const item of array) {
		context.charge(1);
		if (set.has(item)) missing--;
		if (missing === 0) return true;
	}
	return false;
}

function subset(larger: Value, smaller: Value, context: BuiltinContext): Result {
	if (isObject(larger) && isObject(smaller)) return inObject(larger, smaller, context);
	if (isSet(larger) && isSet(smaller)) return inSet(larger, smaller, context);
	if (isArray(larger) && isArray(smaller)) return inArray(larger, smaller, context);
	if (isArray(larger) && isSet(smaller)) return setInArray(larger, smaller, context);
	return new BuiltinError('both arguments object.subset must be of the same type or array and set');
}

export const objectSubset: readonly Builtin[] = [binary('object.subset', subset)];
