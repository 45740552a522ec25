// print and trace say nothing here and are true; template strings become text.
import { isArray, isSet, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { chargeValue, type Result, unary, wrongType } from './operand.ts';
import { valueText } from './value-text.ts';

/** Parts are scalars, or sets that hold the one value of an expression, empty where it is undefined. */
function templateString(parts: Value, context: BuiltinContext): Result {
	if (!isArray(parts)) return wrongType(1, parts, 'array');
	chargeValue(parts, context);
	let text = '';
	for (const part of parts) {
		if (isArray(part) || (typeof part === 'object' && part !== null && !isSet(part))) {
			return new BuiltinError('illegal argument type: template strings take scalars and sets');
		}
		if (!isSet(part)) text += plainText(part);
		else if (part.size === 0) text += '<undefined>';
		else if (part.size === 1) text += plainText(part.items()[0] as Value);
		else return new BuiltinError('template-strings must not produce multiple outputs');
	}
	return text;
}

const plainText = (value: Value): string => (typeof value === 'string' ? value : valueText(value));

export const output: readonly Builtin[] = [
	{ name: 'print', arity: 0, variadic: true, run: () => true },
	unary('internal.print', () => true),
	unary('internal.test_case', () => true),
	unary('internal.template_string', templateString),
	unary('trace', (note) => (typeof note === 'string' ? true : wrongType(1, note, 'string'))),
];
