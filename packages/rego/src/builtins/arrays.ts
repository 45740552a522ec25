// array.concat, array.flatten, array.reverse, array.slice.
import { isArray, type Value } from '../value/value.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';
import { binary, integerOperand, type Result, ternary, unary, wrongType } from './operand.ts';

function concat(a: Value, b: Value, context: BuiltinContext): Result {
	if (!isArray(a)) return wrongType(1, a, 'array');
	if (!isArray(b)) return wrongType(2, b, 'array');
	if (a.length === 0) return b;
	if (b.length === 0) return a;
	context.charge(a.length + b.length);
	return a.concat(b);
}

/** One level. */
function flatten(value: Value, context: BuiltinContext): Result {
	if (!isArray(value)) return wrongType(1, value, 'array');
	context.charge(value.length);
	const result: Value[] = [];
	for (const item of value) {
		if (!isArray(item)) {
			result.push(item);
			continue;
		}
		context.charge(item.length);
		for (const nested of item) result.push(nested);
	}
	return result;
}

function slice(value: Value, start: Value, stop: Value, context: BuiltinContext): Result {
	if (!isArray(value)) return wrongType(1, value, 'array');
	const from = integerOperand(start, 2);
	if (typeof from === 'object') return from;
	const to = integerOperand(stop, 3);
	if (typeof to === 'object') return to;
	const end = Math.min(Math.max(to, 0), value.length);
	const begin = Math.min(Math.max(from, 0), end);
	if (begin === 0 && end === value.length) return value;
	context.charge(end - begin);
	return value.slice(begin, end);
}

export const arrays: readonly Builtin[] = [
	binary('array.concat', concat),
	unary('array.flatten', flatten),
	unary('array.reverse', (value, context) => {
		if (!isArray(value)) return wrongType(1, value, 'array');
		context.charge(value.length);
		return value.toReversed();
	}),
	ternary('array.slice', slice),
];
