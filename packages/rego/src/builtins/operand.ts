// What the families share: how a built-in is declared, how its operands are refused, how the work on a value is counted.
import { isArray, isSet, objectSize, RegoMap, type RegoObject, typeName, type Value } from '../value/value.ts';
import { valueDepthMax } from '../value/work.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';

export type Result = Value | undefined | BuiltinError;

export const unary = (name: string, run: (a: Value, context: BuiltinContext) => Result): Builtin => ({
	name,
	arity: 1,
	run: (args, context) => run(args[0] as Value, context),
});

export const binary = (name: string, run: (a: Value, b: Value, context: BuiltinContext) => Result): Builtin => ({
	name,
	arity: 2,
	run: (args, context) => run(args[0] as Value, args[1] as Value, context),
});

export const ternary = (
	name: string,
	run: (a: Value, b: Value, c: Value, context: BuiltinContext) => Result,
): Builtin => ({
	name,
	arity: 3,
	run: (args, context) => run(args[0] as Value, args[1] as Value, args[2] as Value, context),
});

/** operand 1 must be string but got number; positions count from 1 */
export const wrongType = (position: number, got: Value, ...expected: string[]): BuiltinError =>
	new BuiltinError(
		expected.length === 1
			? `operand ${position} must be ${expected[0]} but got ${typeName(got)}`
			: `operand ${position} must be one of {${expected.join(', ')}} but got ${typeName(got)}`,
	);

/** operand 2 must be array of strings but got array containing number */
export const wrongElement = (position: number, composite: Value, got: Value, expected: string): BuiltinError => {
	const type = typeName(composite);
	return new BuiltinError(
		`operand ${position} must be ${type} of ${expected}s but got ${type} containing ${typeName(got)}`,
	);
};

const notInteger = (position: number): BuiltinError =>
	new BuiltinError(`operand ${position} must be integer number but got floating-point number`);

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

/** An integer of 64 bits, as a double: what lies beyond 2^53 is only ever clamped to a length. */
export function integerOperand(value: Value, position: number): number | BuiltinError {
	if (typeof value === 'number') return Number.isInteger(value) ? value : notInteger(position);
	if (typeof value !== 'bigint') return wrongType(position, value, 'number');
	return value >= int64Min && value <= int64Max ? Number(value) : notInteger(position);
}

/** An integer of any size; the error's wording is OPA's for these operands. */
export function bigOperand(value: Value, position: number): bigint | BuiltinError {
	if (typeof value !== 'bigint' && typeof value !== 'number') return wrongType(position, value, 'integer');
	return typeof value === 'bigint' || Number.isInteger(value) ? BigInt(value) : notInteger(position);
}

/** The items of an array or a set, or null. */
export const itemsOf = (value: Value): readonly Value[] | null =>
	isArray(value) ? value : isSet(value) ? value.items() : null;

/** The entries in no order: for where it does not matter, sorting is spared. */
export function* entriesOf(object: RegoObject): Generator<readonly [Value, Value]> {
	if (object instanceof RegoMap) yield* object.entries();
	else for (const key of Object.keys(object)) yield [key, object[key] as Value];
}

/** Steps of a text of so many UTF-16 units or bytes: all steps of an evaluation are 160 MB of text, written and read. */
export const textSteps = (length: number): number => 1 + Math.floor(length / 16);

/** Added by built-ins whose shortest call takes a microsecond or more. */
export const dearCall = 8;

export const beyondLimit = Number.MAX_SAFE_INTEGER;

type Charging = Pick<BuiltinContext, 'charge'>;

/** What chargeValue charges, for work that is a multiple of it. Charge the value first. */
export function stepsOf(value: Value): number {
	let total = 0;
	const charge = (steps: number): void => {
		total += steps;
	};
	chargeValue(value, { charge });
	return total;
}

/** Charges what a full walk of the value visits, before it is written out. Comparing and keying charge themselves. */
export function chargeValue(value: Value, context: Charging): void {
	if (typeof value === 'string') context.charge(textSteps(value.length));
	else if (typeof value === 'bigint') context.charge(textSteps(value > int64Max || value < int64Min ? 1_024 : 0));
	else if (typeof value !== 'object' || value === null) context.charge(1);
	else chargeComposite(value, context, 0);
}

function chargeComposite(value: Value, context: Charging, depth: number): void {
	if (depth > valueDepthMax) context.charge(beyondLimit);
	if (isArray(value)) chargeItems(value, context, depth);
	else if (isSet(value)) {
		context.charge(value.size);
		chargeItems(value.items(), context, depth);
	} else {
		const object = value as RegoObject;
		context.charge(2 * objectSize(object));
		for (const [key, item] of entriesOf(object)) {
			if (typeof key === 'object' && key !== null) chargeComposite(key, context, depth + 1);
			else if (typeof key === 'string' && key.length >= 64) context.charge(textSteps(key.length));
			if (typeof item === 'object' && item !== null) chargeComposite(item, context, depth + 1);
			else if (typeof item === 'string' && item.length >= 64) context.charge(textSteps(item.length));
		}
	}
}

function chargeItems(items: readonly Value[], context: Charging, depth: number): void {
	context.charge(1 + items.length);
	for (const item of items) {
		if (typeof item === 'object' && item !== null) chargeComposite(item, context, depth + 1);
		else if (typeof item === 'string' && item.length >= 64) context.charge(textSteps(item.length));
	}
}

/** Number of items or entries. */
export function sizeOf(value: readonly Value[] | RegoObject | Value): number {
	if (typeof value !== 'object' || value === null) return 0;
	if (isArray(value)) return value.length;
	return isSet(value) ? value.size : objectSize(value as RegoObject);
}
