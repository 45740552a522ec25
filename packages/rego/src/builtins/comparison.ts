// The comparison operators by their names, on any two values. Comparing charges itself.
import { compareValues, equalValues } from '../value/compare.ts';
import type { Builtin } from './builtin.ts';
import { binary } from './operand.ts';

export const comparison: readonly Builtin[] = [
	binary('equal', (a, b) => equalValues(a, b)),
	binary('neq', (a, b) => !equalValues(a, b)),
	binary('lt', (a, b) => compareValues(a, b) < 0),
	binary('lte', (a, b) => compareValues(a, b) <= 0),
	binary('gt', (a, b) => compareValues(a, b) > 0),
	binary('gte', (a, b) => compareValues(a, b) >= 0),
];
