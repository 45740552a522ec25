// count, sum, product, min, max, sort, all, any and membership.
import { compareValues, equalValues } from '../value/compare.ts';
import { isArray, isNumber, isObject, isSet, objectGet, objectSize, type Value } from '../value/value.ts';
import { fold } from './arithmetic.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';
import {
	binary,
	chargeValue,
	entriesOf,
	itemsOf,
	type Result,
	ternary,
	textSteps,
	unary,
	wrongElement,
	wrongType,
} from './operand.ts';
import { codePointCount } from './text.ts';

function count(value: Value, context: BuiltinContext): Result {
	if (typeof value === 'string') {
		context.charge(textSteps(value.length));
		return codePointCount(value);
	}
	if (isArray(value)) return value.length;
	if (isSet(value)) return value.size;
	if (isObject(value)) {
		const size = objectSize(value);
		context.charge(size >> 6);
		return size;
	}
	return wrongType(1, value, 'array', 'object', 'set', 'string');
}

/** Steps of an item where the total may be large. */
const growingSteps = 64;

const folding = (name: 'sum' | 'product'): Builtin =>
	unary(name, (value, context) => {
		const items = itemsOf(value);
		if (items === null) return wrongType(1, value, 'set', 'array');
		context.charge(items.length);
		const numbers: (number | bigint)[] = [];
		for (const item of items) {
			if (!isNumber(item)) return wrongElement(1, value, item, 'number');
			numbers.push(item);
		}
		// A product grows beyond 64 bits soon, a sum only by what is so large itself.
		const canGrow = name === 'product' || numbers.some((number) => typeof number === 'bigint');
		if (canGrow) context.charge(growingSteps * items.length);
		return fold(numbers, name);
	});

const extreme = (name: string, direction: 1 | -1): Builtin =>
	unary(name, (value, context) => {
		const items = itemsOf(value);
		if (items === null) return wrongType(1, value, 'set', 'array');
		context.charge(items.length);
		let best = items[0];
		if (best === undefined) return undefined;
		if (isSet(value)) return direction === 1 ? items[items.length - 1] : best;
		for (let i = 1; i < items.length; i++) {
			const item = items[i] as Value;
			if (compareValues(item, best) * direction > 0) best = item;
		}
		return best;
	});

function sort(value: Value, context: BuiltinContext): Result {
	if (isSet(value)) {
		context.charge(value.size);
		return value.items();
	}
	if (!isArray(value)) return wrongType(1, value, 'set', 'array');
	// About log2(n) comparisons for each item.
	context.charge(value.length * (33 - Math.clz32(value.length)));
	chargeValue(value, context);
	return [...value].sort(compareValues);
}

const everyTrue = (value: Value, context: BuiltinContext): Result => {
	const items = itemsOf(value);
	if (items === null) return wrongType(1, value, 'array', 'set');
	context.charge(items.length);
	return items.every((item) => item === true);
};

const someTrue = (value: Value, context: BuiltinContext): Result => {
	if (isSet(value)) return value.has(true);
	if (!isArray(value)) return wrongType(1, value, 'array', 'set');
	context.charge(value.length);
	return value.includes(true);
};

const sameAs = (value: Value, item: Value, _context: BuiltinContext): boolean => {
	if (value === item) return true;
	if (typeof value !== typeof item && (typeof value !== 'bigint' || typeof item !== 'number')) return false;
	return equalValues(value, item);
};

function member(item: Value, collection: Value, context: BuiltinContext): Result {
	if (isSet(collection)) {
		context.charge(1);
		return collection.has(item);
	}
	if (isArray(collection)) {
		context.charge(collection.length);
		if (typeof item === 'string' || typeof item === 'boolean' || item === null) return collection.includes(item);
		for (const other of collection) if (sameAs(other, item, context)) return true;
		return false;
	}
	if (!isObject(collection)) return false;
	context.charge(objectSize(collection));
	for (const [, other] of entriesOf(collection)) if (sameAs(other, item, context)) return true;
	return false;
}

function memberWithKey(key: Value, item: Value, collection: Value, context: BuiltinContext): Result {
	context.charge(1);
	let found: Value | undefined;
	if (isArray(collection)) found = typeof key === 'number' ? collection[key] : undefined;
	else if (isSet(collection)) found = collection.has(key) ? key : undefined;
	else if (isObject(collection)) found = objectGet(collection, key);
	return found !== undefined && sameAs(found, item, context);
}

export const aggregates: readonly Builtin[] = [
	unary('count', count),
	folding('sum'),
	folding('product'),
	extreme('max', 1),
	extreme('min', -1),
	unary('sort', sort),
	unary('all', everyTrue),
	unary('any', someTrue),
	binary('internal.member_2', member),
	ternary('internal.member_3', memberWithKey),
];
