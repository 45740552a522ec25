// Numbers from their decimal text: integers exactly, others as the nearest double.
import { integer } from '../value/value.ts';
import { exponentMax } from './big-float.ts';
import type { BuiltinContext } from './builtin.ts';
import { textSteps } from './operand.ts';

const shape = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/;
const powerMax = Math.floor(exponentMax * Math.log10(2));

/** undefined where the text is no decimal number, or one that is beyond 2^exponentMax. */
export function numberFromText(text: string, context: BuiltinContext): number | bigint | undefined {
	const parts = shape.exec(text);
	if (parts === null) return undefined;
	const [, sign = '', whole = '', fraction = '', power = '0'] = parts;
	if (whole === '' && fraction === '') return undefined;
	const double = Number(text);
	if (Number.isSafeInteger(double) && whole.length + fraction.length <= 15) return double + 0;
	const digits = (whole + fraction).replace(/0+$/, '');
	const exponent = Number(power) + whole.length - digits.length;
	// An integer: written out without point and exponent.
	if (exponent >= 0 && digits !== '' && Math.abs(double) > Number.MAX_SAFE_INTEGER) {
		if (exponent + digits.length > powerMax) return undefined;
		// Making an integer from text takes more than linear time.
		context.charge(textSteps((exponent + digits.length) * 64));
		const magnitude = BigInt(digits) * 10n ** BigInt(exponent);
		return integer(sign === '-' ? -magnitude : magnitude);
	}
	return Number.isFinite(double) ? double + 0 : undefined;
}
