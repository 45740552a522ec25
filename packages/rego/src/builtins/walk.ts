// walk: every value inside a value, with its path, the value itself first.
import { isArray, isSet, objectEntries, type RegoObject, type Value } from '../value/value.ts';
import { valueDepthMax } from '../value/work.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';
import { beyondLimit } from './operand.ts';

function visit(value: Value, path: readonly Value[], found: Value[], context: BuiltinContext): void {
	if (path.length > valueDepthMax) context.charge(beyondLimit);
	// Every result holds a copy of its path.
	context.charge(1 + path.length);
	found.push([path, value]);
	if (typeof value !== 'object' || value === null) return;
	if (isArray(value)) {
		for (let i = 0; i < value.length; i++) visit(value[i] as Value, [...path, i], found, context);
	} else if (isSet(value)) {
		for (const item of value.items()) visit(item, [...path, item], found, context);
	} else {
		for (const [key, item] of objectEntries(value as RegoObject)) visit(item, [...path, key], found, context);
	}
}

export const walk: readonly Builtin[] = [
	{
		name: 'walk',
		arity: 1,
		relation: true,
		/** An array of [path, value]: as a relation, each of them is a result. */
		run(args, context) {
			const found: Value[] = [];
			visit(args[0] as Value, [], found, context);
			return found;
		},
	},
];
