// + - * / % and rounding: integers exactly, others with OPA's precision (big-float.ts). Safe integers take the short way.
import { integer, isNumber, isSet, RegoSet, type Value } from '../value/value.ts';
import {
	add,
	divide,
	exponentMax,
	fromNumber,
	half,
	multiply,
	negated,
	normalized,
	toNumber,
	truncated,
} from './big-float.ts';
import { type Builtin, type BuiltinContext, BuiltinError, BuiltinLimit } from './builtin.ts';
import { binary, dearCall, type Result, unary, wrongType } from './operand.ts';

const tooLarge = new BuiltinLimit('number too large');

/** Beyond 2^exponentMax a number is refused. */
const largest = 1n << BigInt(exponentMax);
const largeLimit = 2n ** 64n;
/** Steps of an operation on numbers of more than 64 bits. */
const largeSteps = 1_024;

const isLarge = (value: number | bigint): boolean =>
	typeof value === 'bigint' && (value > largeLimit || value < -largeLimit);

function chargeNumbers(a: number | bigint, b: number | bigint, context: BuiltinContext): void {
	if (isLarge(a) || isLarge(b)) context.charge(largeSteps);
	else if (!isWhole(a) || !isWhole(b)) context.charge(dearCall);
}

export const isWhole = (value: number | bigint): boolean => typeof value === 'bigint' || Number.isInteger(value);

const exactly = (value: bigint): number | bigint | BuiltinError =>
	value > largest || value < -largest ? tooLarge : integer(value);

export function plus(a: number | bigint, b: number | bigint): number | bigint | BuiltinError {
	if (typeof a === 'number' && typeof b === 'number') {
		const sum = a + b;
		if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(sum)) return sum + 0;
	}
	if (isWhole(a) && isWhole(b)) return exactly(BigInt(a) + BigInt(b));
	return toNumber(add(fromNumber(a), fromNumber(b))) ?? tooLarge;
}

function difference(a: number | bigint, b: number | bigint): number | bigint | BuiltinError {
	if (typeof a === 'number' && typeof b === 'number') {
		const result = a - b;
		if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(result)) return result;
	}
	if (isWhole(a) && isWhole(b)) return exactly(BigInt(a) - BigInt(b));
	return toNumber(add(fromNumber(a), negated(fromNumber(b)))) ?? tooLarge;
}

export function times(a: number | bigint, b: number | bigint): number | bigint | BuiltinError {
	if (typeof a === 'number' && typeof b === 'number') {
		const product = a * b;
		if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(product)) return product + 0;
	}
	if (isWhole(a) && isWhole(b)) return exactly(BigInt(a) * BigInt(b));
	return toNumber(multiply(fromNumber(a), fromNumber(b))) ?? tooLarge;
}

function over(a: number | bigint, b: number | bigint): number | bigint | BuiltinError {
	if (b === 0 || b === 0n) return new BuiltinError('divide by zero');
	if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a) && Number.isSafeInteger(b)) {
		return a / b + 0;
	}
	// OPA's quotients are floats, of large integers too.
	return toNumber(divide(fromNumber(a), fromNumber(b))) ?? tooLarge;
}

function remainder(a: number | bigint, b: number | bigint): number | bigint | BuiltinError {
	if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a) && Number.isSafeInteger(b)) {
		return b === 0 ? new BuiltinError('modulo by zero') : (a % b) + 0;
	}
	if (!isWhole(a) || !isWhole(b)) return new BuiltinError('modulo on floating-point number');
	return Number(b) === 0 ? new BuiltinError('modulo by zero') : integer(BigInt(a) % BigInt(b));
}

/** The sum or the product: exact where all are integers, else with OPA's precision throughout. */
export function fold(values: readonly (number | bigint)[], combine: 'sum' | 'product'): number | bigint | BuiltinError {
	const start = combine === 'sum' ? 0 : 1;
	if (values.every(isWhole)) {
		let total: number | bigint = start;
		for (const value of values) {
			const next: number | bigint | BuiltinError = combine === 'sum' ? plus(total, value) : times(total, value);
			if (next instanceof BuiltinError) return next;
			total = next;
		}
		return total;
	}
	let total = fromNumber(start);
	for (const value of values) {
		total = combine === 'sum' ? add(total, fromNumber(value)) : multiply(total, fromNumber(value));
		if (Math.abs(total.exponent) > exponentMax) return tooLarge;
	}
	return toNumber(total) ?? tooLarge;
}

const numeric = (name: string, run: (a: number | bigint, b: number | bigint) => Result): Builtin =>
	binary(name, (a, b, context) => {
		if (!isNumber(a)) return wrongType(1, a, 'number');
		if (!isNumber(b)) return wrongType(2, b, 'number');
		chargeNumbers(a, b, context);
		return run(a, b);
	});

function minus(a: Value, b: Value, context: BuiltinContext): Result {
	if (isNumber(a) && isNumber(b)) {
		chargeNumbers(a, b, context);
		return difference(a, b);
	}
	if (isSet(a) && isSet(b)) return setDifference(a, b, context);
	if (!isNumber(a) && !isSet(a)) return wrongType(1, a, 'number', 'set');
	return wrongType(2, b, isNumber(b) ? 'set' : 'number');
}

export function setDifference(a: RegoSet, b: RegoSet, context: BuiltinContext): RegoSet {
	context.charge(a.size);
	const result = new RegoSet();
	for (const item of a.items()) if (!b.has(item)) result.add(item);
	return result;
}

const rounding = (name: string, run: (a: number) => number): Builtin =>
	unary(name, (a, context) => {
		if (!isNumber(a)) return wrongType(1, a, 'number');
		if (typeof a === 'number') return normalized(run(a));
		chargeNumbers(a, 0, context);
		const value = fromNumber(a);
		// OPA adds a half before it cuts: this carries where 64 bits are full.
		return integer(truncated(name === 'round' ? add(value, a < 0n ? negated(half) : half) : value));
	});

/** Half away from zero, without adding 0.5: 0.49999999999999994 stays 0. */
function round(value: number): number {
	const magnitude = Math.abs(value);
	const whole = Math.floor(magnitude);
	return Math.sign(value) * (magnitude - whole >= 0.5 ? whole + 1 : whole);
}

// OPA takes the sign of the truncated number: between -1 and 0 it rounds as for a positive one.
const floor = (value: number): number => (value > -1 ? Math.trunc(value) : Math.floor(value));
const ceil = (value: number): number => (value > -1 && value < 0 ? 1 : Math.ceil(value));

export const arithmetic: readonly Builtin[] = [
	numeric('plus', plus),
	binary('minus', minus),
	numeric('mul', times),
	numeric('div', over),
	binary('rem', (a, b, context) => {
		if (!isNumber(a)) return wrongType(1, a, 'number');
		if (!isNumber(b)) return wrongType(2, b, 'number');
		chargeNumbers(a, b, context);
		return remainder(a, b);
	}),
	unary('abs', (a, context) => {
		if (!isNumber(a)) return wrongType(1, a, 'number');
		if (typeof a === 'number') return Math.abs(a);
		chargeNumbers(a, 0, context);
		return toNumber(fromNumber(a < 0n ? -a : a)) ?? tooLarge;
	}),
	rounding('round', round),
	rounding('ceil', ceil),
	rounding('floor', floor),
];
