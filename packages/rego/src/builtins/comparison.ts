// The comparison operators by their names, on any two values.
import { compareValues, equalValues } from '../value/compare.ts';
import type { Builtin } from './builtin.ts';
import { binary, chargeCompare } from './operand.ts';

export const comparison: readonly Builtin[] = [
	binary('equal', (a, b, context) => {
		chargeCompare(a, b, context);
		return equalValues(a, b);
	}),
	binary('neq', (a, b, context) => {
		chargeCompare(a, b, context);
		return !equalValues(a, b);
	}),
	binary('lt', (a, b, context) => {
		chargeCompare(a, b, context);
		return compareValues(a, b) < 0;
	}),
	binary('lte', (a, b, context) => {
		chargeCompare(a, b, context);
		return compareValues(a, b) <= 0;
	}),
	binary('gt', (a, b, context) => {
		chargeCompare(a, b, context);
		return compareValues(a, b) > 0;
	}),
	binary('gte', (a, b, context) => {
		chargeCompare(a, b, context);
		return compareValues(a, b) >= 0;
	}),
];
