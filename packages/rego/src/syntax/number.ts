// Numbers as OPA reads them: JSON's, and also .5
import type { RegoErrorCode } from '../errors.ts';
import { integer } from '../value/value.ts';

export type ParsedNumber =
	| { kind: 'number'; value: number | bigint }
	| { kind: 'invalid'; code: RegoErrorCode; reason: string };

export const digitsMax = 1_000;
/** Of a double: beyond it, OPA still counts and this evaluator does not. */
const exponentMax = 308;

/** `text`: an optional sign, digits with fraction and exponent. */
export function numberOf(text: string): ParsedNumber {
	if (text.length > digitsMax) {
		return { kind: 'invalid', code: 'limit', reason: `a number has at most ${digitsMax} characters` };
	}
	if (/^-?0[0-9]/.test(text))
		return { kind: 'invalid', code: 'parse', reason: 'expected a number without leading zero' };
	if (/^-?[0-9]+$/.test(text)) return { kind: 'number', value: integer(BigInt(text)) };
	const value = Number(text);
	if (!Number.isFinite(value)) {
		return { kind: 'invalid', code: 'unsupported', reason: `a number beyond 10^${exponentMax} is not supported` };
	}
	if (Number.isInteger(value) && !Number.isSafeInteger(value))
		return { kind: 'number', value: exactInteger(text, value) };
	return { kind: 'number', value: Object.is(value, -0) ? 0 : value };
}

/** 1e20 and 12345678901234567890.0 are integers; with a fraction of their own they are doubles. */
function exactInteger(text: string, double: number): number | bigint {
	const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
	const [whole = '', fraction = ''] = mantissa.split('.');
	const shift = Number(exponent) - fraction.length;
	const digits = `${whole}${fraction}`;
	if (shift >= 0) return integer(BigInt(digits) * 10n ** BigInt(shift));
	return /^0*$/.test(digits.slice(shift)) ? integer(BigInt(digits.slice(0, shift))) : double;
}
