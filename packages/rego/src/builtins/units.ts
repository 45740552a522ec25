// units.parse and units.parse_bytes: numbers with the suffixes of resources, 10Ki or 1.5GB.
import { integer, type Value } from '../value/value.ts';
import { fromDecimal, multiply, truncated } from './big-float.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { dearCall, type Result, textSteps, unary, wrongType } from './operand.ts';

const powers = ['k', 'm', 'g', 't', 'p', 'e'];
const byteUnits = new Map<string, bigint>([['', 1n]]);
const plainUnits = new Map<string, bigint>([['', 1n]]);
powers.forEach((letter, i) => {
	const decimal = 1_000n ** BigInt(i + 1);
	const binary = 1_024n ** BigInt(i + 1);
	byteUnits.set(letter, decimal).set(`${letter}b`, decimal).set(`${letter}i`, binary).set(`${letter}ib`, binary);
	const upper = letter.toUpperCase();
	plainUnits.set(upper, decimal).set(`${letter}i`, binary).set(`${upper}i`, binary);
	// A small m is a thousandth.
	if (letter !== 'm') plainUnits.set(letter, decimal);
});

/** Exponents beyond this are refused. */
const powerMax = 5_000;
const digitsMax = 10_000;

interface Decimal {
	digits: bigint;
	/** value = digits · 10^power */
	power: number;
}

function parseDecimal(text: string, context: BuiltinContext): Decimal | undefined {
	const parts = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:e([+-]?[0-9]+))?$/i.exec(text);
	if (parts === null || text.length > digitsMax) return undefined;
	const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
	if (whole === '' && fraction === '') return undefined;
	const power = Number(exponent) - fraction.length;
	if (Math.abs(power) > powerMax) return undefined;
	context.charge(textSteps(64 * (text.length + Math.abs(power))));
	const digits = BigInt(whole + fraction);
	return { digits: sign === '-' ? -digits : digits, power };
}

/** The number reaches up to the first character that cannot belong to one. */
function cut(text: string): [number: string, unit: string] {
	let i = 0;
	for (; i < text.length; i++) {
		const character = text.charAt(i);
		if (character === 'e' || character === 'E') {
			const next = text.charAt(i + 1);
			if (!/[0-9+-]/.test(next)) break;
			if (next === '+' || next === '-') i++;
		} else if (!/[0-9.+-]/.test(character)) break;
	}
	return [text.slice(0, i), text.slice(i)];
}

interface Quantity {
	decimal: Decimal;
	unit: string;
}

function parseQuantity(name: string, text: string, context: BuiltinContext): Quantity | BuiltinError {
	const noun = name === 'units.parse' ? 'amount' : 'byte amount';
	if (text.includes(' ')) return new BuiltinError(`${name}: spaces not allowed in resource strings`);
	const [number, unit] = cut(text);
	if (number === '') return new BuiltinError(`${name}: no ${noun} provided`);
	const decimal = parseDecimal(number, context);
	return { decimal: decimal ?? { digits: 0n, power: Number.NaN }, unit };
}

const parsing = (name: string, prepare: (text: string) => string, run: (quantity: Quantity) => Result): Builtin =>
	unary(name, (text: Value, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(dearCall + textSteps(text.length));
		const quantity = parseQuantity(name, prepare(text.replaceAll('"', '')), context);
		return quantity instanceof BuiltinError ? quantity : run(quantity);
	});

const isNumber = ({ decimal }: Quantity): boolean => !Number.isNaN(decimal.power);

/** Bytes, cut to a whole number. */
function parseBytes(quantity: Quantity): Result {
	const factor = byteUnits.get(quantity.unit);
	if (factor === undefined) return new BuiltinError(`units.parse_bytes: byte unit ${quantity.unit} not recognized`);
	if (!isNumber(quantity)) return new BuiltinError('units.parse_bytes: could not parse byte amount to a number');
	const { digits, power } = quantity.decimal;
	return integer(truncated(multiply(fromDecimal(digits, power), { mantissa: factor, exponent: 0 })));
}

/** The double nearest to a thousandth, as OPA has it: 0.001 = milliNumerator / 2^60. */
const milliNumerator = 1_152_921_504_606_847n;
const milliDenominator = 2n ** 60n;
const places = 10n ** 10n;

/** Exactly where whole, otherwise to ten decimal places. */
function parsePlain(quantity: Quantity): Result {
	const unit = quantity.unit.slice(0, 1) + quantity.unit.slice(1).toLowerCase();
	const factor = plainUnits.get(unit);
	if (factor === undefined && unit !== 'm') return new BuiltinError(`units.parse: unit ${unit} not recognized`);
	if (!isNumber(quantity)) return new BuiltinError('units.parse: could not parse amount to a number');
	const { digits, power } = quantity.decimal;
	let numerator = digits * (factor ?? milliNumerator);
	let denominator = factor === undefined ? milliDenominator : 1n;
	if (power >= 0) numerator *= 10n ** BigInt(power);
	else denominator *= 10n ** BigInt(-power);
	if (numerator % denominator === 0n) return integer(numerator / denominator);
	const negative = numerator < 0n;
	const magnitude = negative ? -numerator : numerator;
	const scaled = (magnitude * places * 2n + denominator) / (denominator * 2n);
	const text = scaled.toString().padStart(11, '0');
	return Number(`${negative ? '-' : ''}${text.slice(0, -10)}.${text.slice(-10)}`) + 0;
}

export const units: readonly Builtin[] = [
	parsing('units.parse', (text) => text, parsePlain),
	parsing('units.parse_bytes', (text) => text.toLowerCase(), parseBytes),
];
