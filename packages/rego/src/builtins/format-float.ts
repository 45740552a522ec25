// Floating-point numbers by the verbs of Go's package fmt: exact decimals, halves to even.
import { type Flags, pad } from './format-flags.ts';

/** A double has no more decimal places than this: beyond them are zeros. */
const placesMax = 1_100;

/** undefined: no verb of floats. */
export function formatFloat(value: number, verb: string, flags: Flags): string | undefined {
	const lower = verb.toLowerCase();
	if (!'vbgxfe'.includes(lower) || verb === 'V' || verb === 'B') return undefined;
	const magnitude = Math.abs(value);
	let text = unsigned(magnitude, lower, flags);
	if (flags.sharp && lower !== 'b') text = withPoint(text, verb === 'X' ? 'f' : lower, flags);
	if (verb === 'G' || verb === 'E' || verb === 'X') text = text.toUpperCase();
	const sign = value < 0 ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
	if (flags.zero && !flags.minus && flags.width !== undefined && sign !== '') {
		return sign + text.padStart(flags.width - 1, '0');
	}
	return pad(sign + text, flags);
}

function unsigned(value: number, verb: string, flags: Flags): string {
	switch (verb) {
		case 'f':
			return fixed(value, flags.precision ?? 6);
		case 'e':
			return exponential(value, flags.precision ?? 6);
		case 'b':
			return binary(value);
		case 'x':
			return hexadecimal(value, flags.precision);
		default:
			return general(value, flags.precision);
	}
}

/** value · 10^power as an integer, halves to even. */
function scaled(value: number, power: number): bigint {
	let numerator = value;
	let shift = 0;
	while (!Number.isInteger(numerator)) {
		numerator *= 2 ** 52;
		shift += 52;
	}
	let n = BigInt(numerator);
	let d = 1n << BigInt(shift);
	if (power >= 0) n *= 10n ** BigInt(power);
	else d *= 10n ** BigInt(-power);
	const q = n / d;
	const rest = 2n * (n - q * d);
	return rest > d || (rest === d && (q & 1n) === 1n) ? q + 1n : q;
}

function fixed(value: number, places: number): string {
	const exact = Math.min(places, placesMax);
	const digits = scaled(value, exact)
		.toString()
		.padStart(exact + 1, '0');
	if (places === 0) return digits;
	const point = digits.length - exact;
	return `${digits.slice(0, point)}.${digits.slice(point)}${'0'.repeat(places - exact)}`;
}

interface Decimal {
	/** The first is not zero, unless the value is. */
	digits: string;
	/** Of the first digit. */
	exponent: number;
}

/** So many significant digits, or the fewest that identify the double. */
function decimal(value: number, count: number | undefined): Decimal {
	const [coefficient = '0', power = '0'] = value.toExponential().split('e');
	const exponent = Number(power);
	if (count === undefined || value === 0) return { digits: coefficient.replace('.', ''), exponent };
	const exact = Math.min(count, placesMax);
	const digits = scaled(value, exact - 1 - exponent).toString();
	// Rounded up to one more digit.
	return digits.length > exact ? { digits: digits.slice(0, exact), exponent: exponent + 1 } : { digits, exponent };
}

const exponentText = (exponent: number): string =>
	`e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;

function exponential(value: number, places: number | undefined): string {
	const { digits, exponent } = decimal(value, places === undefined ? undefined : places + 1);
	const fraction = digits.slice(1).padEnd(places ?? 0, '0');
	return `${digits.charAt(0)}${fraction === '' ? '' : `.${fraction}`}${exponentText(exponent)}`;
}

/** Exponents below -4 or from the precision on are written out; the shortest form counts as 6. */
function general(value: number, precision: number | undefined): string {
	const count = precision === undefined ? undefined : Math.max(precision, 1);
	const { digits: all, exponent } = decimal(value, count);
	const digits = all.replace(/0+$/, '') || '0';
	let limit = count ?? 6;
	if (count !== undefined && limit > digits.length && digits.length >= exponent + 1) limit = digits.length;
	if (exponent < -4 || exponent >= limit) {
		return `${digits.charAt(0)}${digits.length > 1 ? `.${digits.slice(1)}` : ''}${exponentText(exponent)}`;
	}
	if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
	const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
	return digits.length > exponent + 1 ? `${whole}.${digits.slice(exponent + 1)}` : whole;
}

/** mantissa of 53 bits and exponent of two */
function parts(value: number): [mantissa: bigint, exponent: number] {
	if (value === 0) return [0n, -1074];
	const view = new DataView(new ArrayBuffer(8));
	view.setFloat64(0, value);
	const all = view.getBigUint64(0);
	const biased = Number(all >> 52n) & 0x7ff;
	const fraction = all & ((1n << 52n) - 1n);
	return biased === 0 ? [fraction, -1074] : [fraction | (1n << 52n), biased - 1075];
}

function binary(value: number): string {
	const [mantissa, exponent] = parts(value);
	return `${mantissa}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

function hexadecimal(value: number, precision: number | undefined): string {
	let [mantissa, exponent] = parts(value);
	if (mantissa === 0n) exponent = 0;
	else {
		while (mantissa < 1n << 52n) {
			mantissa <<= 1n;
			exponent--;
		}
		exponent += 52;
	}
	if (precision !== undefined && precision < 13) {
		const drop = BigInt(52 - precision * 4);
		const rest = mantissa & ((1n << drop) - 1n);
		const middle = 1n << (drop - 1n);
		mantissa >>= drop;
		if (rest > middle || (rest === middle && (mantissa & 1n) === 1n)) mantissa += 1n;
		mantissa <<= drop;
		if (mantissa >= 1n << 53n) {
			mantissa >>= 1n;
			exponent++;
		}
	}
	const lead = mantissa >> 52n;
	let fraction = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, '0');
	fraction =
		precision === undefined ? fraction.replace(/0+$/, '') : fraction.slice(0, precision).padEnd(precision, '0');
	const power = `p${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
	return `0x${lead}${fraction === '' ? '' : `.${fraction}`}${power}`;
}

/** %#: always a point; %#g keeps its zeros. */
function withPoint(text: string, verb: string, flags: Flags): string {
	const at = text.search(/p|e[-+]/);
	const tail = at < 0 ? '' : text.slice(at);
	let number = at < 0 ? text : text.slice(0, at);
	if (!number.includes('.')) number += '.';
	if (verb === 'f' || verb === 'e') return number + tail;
	// Go counts the x of 0x as a digit, and knows no digits of %X.
	const shown = number === '0.' ? 1 : number.replace('.', '').replace(/^0+/, '').length;
	const wanted = flags.precision ?? 6;
	return number + '0'.repeat(Math.max(wanted - shown, 0)) + tail;
}
