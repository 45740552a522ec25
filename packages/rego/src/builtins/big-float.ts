// Arithmetic as OPA does it beyond integers: binary floating point with 64 bits of mantissa (Go's big.Float), so
// that 0.1 + 0.2 is 0.3 and integers are exact up to 2^64.
import { integer } from '../value/value.ts';

/** mantissa · 2^exponent with |mantissa| < 2^64 */
export interface BigFloat {
	mantissa: bigint;
	exponent: number;
}

const precisionBits = 64;
/** Largest exponent of a result: beyond it the number is refused. 2^65,536 has 19,729 digits. */
export const exponentMax = 65_536;
/** Doubles with so many decimal digits are taken for what was written, others for the binary fraction that they are. */
const writtenDigitsMax = 15;

const bitLength = (value: bigint): number => {
	const text = (value < 0n ? -value : value).toString(16);
	const lead = Number.parseInt(text[0] as string, 16);
	return text === '0' ? 0 : 4 * (text.length - 1) + (32 - Math.clz32(lead));
};

/** Nearest with 64 bits, ties to even; sticky says that the value is a little more than mantissa · 2^exponent. */
function rounded(mantissa: bigint, exponent: number, sticky = false): BigFloat {
	const negative = mantissa < 0n;
	let magnitude = negative ? -mantissa : mantissa;
	const excess = bitLength(magnitude) - precisionBits;
	if (excess <= 0) return { mantissa, exponent };
	const shift = BigInt(excess);
	const rest = magnitude & ((1n << shift) - 1n);
	const middle = 1n << (shift - 1n);
	magnitude >>= shift;
	if (rest > middle || (rest === middle && (sticky || (magnitude & 1n) === 1n))) magnitude += 1n;
	return { mantissa: negative ? -magnitude : magnitude, exponent: exponent + excess };
}

function quotient(numerator: bigint, denominator: bigint, exponent: number): BigFloat {
	if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
	const negative = numerator < 0n !== denominator < 0n;
	let n = numerator < 0n ? -numerator : numerator;
	let d = denominator < 0n ? -denominator : denominator;
	// At least two bits more than the precision, so that the remainder only breaks ties.
	const shift = precisionBits + 2 - (bitLength(n) - bitLength(d));
	if (shift >= 0) n <<= BigInt(shift);
	else d <<= BigInt(-shift);
	const q = n / d;
	return rounded(negative ? -q : q, exponent - shift, n % d !== 0n);
}

/** digits · 10^power */
export const fromDecimal = (digits: bigint, power: number): BigFloat =>
	power >= 0 ? rounded(digits * 10n ** BigInt(power), 0) : quotient(digits, 10n ** BigInt(-power), 0);

export function fromNumber(value: number | bigint): BigFloat {
	if (typeof value === 'bigint') return rounded(value, 0);
	if (Number.isInteger(value)) return rounded(BigInt(value), 0);
	const [coefficient = '', power = '0'] = value.toExponential().split('e');
	const point = coefficient.indexOf('.');
	const places = point < 0 ? 0 : coefficient.length - point - 1;
	if (places < writtenDigitsMax) return fromDecimal(BigInt(coefficient.replace('.', '')), Number(power) - places);
	return fromDouble(value);
}

function fromDouble(value: number): BigFloat {
	let exponent = 0;
	let scaled = value;
	// Multiplying by powers of two is exact; subnormal numbers take more than one turn.
	while (!Number.isInteger(scaled)) {
		scaled *= 2 ** 52;
		exponent -= 52;
	}
	return { mantissa: BigInt(scaled), exponent };
}

export function add(a: BigFloat, b: BigFloat): BigFloat {
	const exponent = Math.min(a.exponent, b.exponent);
	const left = a.mantissa << BigInt(a.exponent - exponent);
	const right = b.mantissa << BigInt(b.exponent - exponent);
	return rounded(left + right, exponent);
}

export const half: BigFloat = { mantissa: 1n, exponent: -1 };

export const negated = (a: BigFloat): BigFloat => ({ mantissa: -a.mantissa, exponent: a.exponent });

export const multiply = (a: BigFloat, b: BigFloat): BigFloat =>
	rounded(a.mantissa * b.mantissa, a.exponent + b.exponent);

export const divide = (a: BigFloat, b: BigFloat): BigFloat => quotient(a.mantissa, b.mantissa, a.exponent - b.exponent);

/** The number that OPA would have, as far as a double holds it; undefined where it is beyond exponentMax. */
export function toNumber({ mantissa, exponent }: BigFloat): number | bigint | undefined {
	if (mantissa === 0n) return 0;
	if (exponent > exponentMax) return undefined;
	if (exponent >= 0) return integer(shortestInteger(mantissa, exponent));
	const shift = BigInt(-exponent);
	if (-exponent < precisionBits) {
		const whole = mantissa >> shift;
		if (whole << shift === mantissa) return integer(whole);
	}
	// In two steps: 2^exponent alone may lie below the smallest double.
	const part = Math.trunc(exponent / 2);
	return normalized(Number(mantissa) * 2 ** part * 2 ** (exponent - part));
}

export const truncated = ({ mantissa, exponent }: BigFloat): bigint =>
	exponent >= 0 ? mantissa << BigInt(exponent) : mantissa / (1n << BigInt(-exponent));

/** OPA writes large integers with the fewest digits between their neighbours, then zeros. */
function shortestInteger(mantissa: bigint, exponent: number): bigint {
	const exact = mantissa << BigInt(exponent);
	if (bitLength(exact) <= precisionBits) return exact;
	const magnitude = exact < 0n ? -exact : exact;
	const halfStep = 1n << BigInt(bitLength(exact) - precisionBits - 1);
	// An even mantissa also owns the two borders.
	const inclusive = ((magnitude / (2n * halfStep)) & 1n) === 0n;
	const text = magnitude.toString();
	const digits = significant(text);
	const lower = significant((magnitude - halfStep).toString());
	const upper = significant((magnitude + halfStep).toString());
	for (let i = 0; i < digits.length; i++) {
		const low = lower[i] ?? '0';
		const high = upper[i] ?? '0';
		const digit = digits[i] as string;
		const down = low !== digit || (inclusive && i + 1 === lower.length);
		const up = digit !== high && (inclusive || Number(digit) + 1 < Number(high) || i + 1 < upper.length);
		if (!down && !up) continue;
		const unit = 10n ** BigInt(text.length - i - 1);
		const floor = magnitude / unit;
		const rest = 2n * (magnitude - floor * unit);
		const isUp = down && up ? rest > unit || (rest === unit && (floor & 1n) === 1n) : up;
		const result = (isUp ? floor + 1n : floor) * unit;
		return exact < 0n ? -result : result;
	}
	return exact;
}

/** Without the zeros at the end. */
function significant(text: string): string {
	let end = text.length;
	while (end > 0 && text[end - 1] === '0') end--;
	return text.slice(0, end);
}

/** One number has one form: integers beyond 2^53 as bigint, no negative zero. */
export const normalized = (value: number): number | bigint =>
	Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value + 0;
