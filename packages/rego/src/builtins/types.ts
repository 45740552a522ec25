// type_name, is_*, the casts and to_number.
import { isArray, isNumber, isObject, isSet, RegoSet, typeName, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { numberFromText } from './number-text.ts';
import { type Result, textSteps, unary, wrongType } from './operand.ts';
import { quoted } from './value-text.ts';

const test = (type: string): Builtin => unary(`is_${type}`, (value) => typeName(value) === type);

const cast = (type: string, is: (value: Value) => boolean): Builtin =>
	unary(`cast_${type}`, (value) => (is(value) ? value : wrongType(1, value, type)));

function toSet(value: Value, context: BuiltinContext): Result {
	if (isSet(value)) return value;
	if (!isArray(value)) return wrongType(1, value, 'array', 'set');
	context.charge(value.length);
	return RegoSet.of(value);
}

function toNumber(value: Value, context: BuiltinContext): Result {
	if (value === null) return 0;
	if (typeof value === 'boolean') return value ? 1 : 0;
	if (isNumber(value)) return value;
	if (typeof value !== 'string') return wrongType(1, value, 'null', 'boolean', 'number', 'string');
	context.charge(textSteps(value.length));
	const name = value.replace(/^[+-]+/, '').toLowerCase();
	if (name === 'inf' || name === 'infinity' || name === 'nan') return wrongType(1, value, 'valid number string');
	const number = numberFromText(value, context);
	const quotedValue = quoted(value);
	if (number === undefined) return new BuiltinError(`strconv.ParseFloat: parsing ${quotedValue}: invalid syntax`);
	if (Number.isFinite(Number(number))) return number;
	return new BuiltinError(`strconv.ParseFloat: parsing ${quotedValue}: value out of range`);
}

export const types: readonly Builtin[] = [
	unary('type_name', typeName),
	...['null', 'boolean', 'number', 'string', 'array', 'object', 'set'].map(test),
	cast('null', (value) => value === null),
	cast('boolean', (value) => typeof value === 'boolean'),
	cast('string', (value) => typeof value === 'string'),
	cast('object', isObject),
	unary('cast_array', (value, context) => {
		if (isArray(value)) return value;
		if (!isSet(value)) return wrongType(1, value, 'array', 'set');
		context.charge(value.size);
		return value.items();
	}),
	unary('cast_set', toSet),
	unary('to_number', toNumber),
];
