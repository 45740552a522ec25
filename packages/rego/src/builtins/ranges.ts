// numbers.range and numbers.range_step: both ends included, downwards where the first is the greater.
import { integer, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { beyondLimit, bigOperand, binary, type Result, ternary } from './operand.ts';

function range(first: bigint, last: bigint, step: bigint, context: BuiltinContext): Value {
	const distance = last >= first ? last - first : first - last;
	const count = distance / step + 1n;
	context.charge(count > BigInt(beyondLimit) ? beyondLimit : Number(count));
	const direction = last >= first ? step : -step;
	const end = first + direction * (count - 1n);
	const result: Value[] = [];
	if (typeof integer(first) === 'number' && typeof integer(end) === 'number') {
		const start = Number(first);
		const pace = count === 1n ? 0 : Number(direction);
		for (let i = 0; i < Number(count); i++) result.push(start + i * pace);
		return result;
	}
	for (let i = 0n; i < count; i++) result.push(integer(first + direction * i));
	return result;
}

function rangeOf(a: Value, b: Value, step: Value, context: BuiltinContext): Result {
	const first = bigOperand(a, 1);
	if (typeof first === 'object') return first;
	const last = bigOperand(b, 2);
	if (typeof last === 'object') return last;
	const pace = bigOperand(step, 3);
	if (typeof pace === 'object') return pace;
	if (pace <= 0n) return new BuiltinError('numbers.range_step: step must be a positive integer');
	return range(first, last, pace, context);
}

export const ranges: readonly Builtin[] = [
	binary('numbers.range', (a, b, context) => rangeOf(a, b, 1, context)),
	ternary('numbers.range_step', rangeOf),
];
