// Sets: & | and the functions on sets of sets. The operator - is in arithmetic.ts.
import { isSet, RegoSet } from '../value/value.ts';
import { setDifference } from './arithmetic.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';
import { binary, type Result, unary, wrongType } from './operand.ts';

const pair = (name: string, run: (a: RegoSet, b: RegoSet, context: BuiltinContext) => Result): Builtin =>
	binary(name, (a, b, context) => {
		if (!isSet(a)) return wrongType(1, a, 'set');
		if (!isSet(b)) return wrongType(2, b, 'set');
		return run(a, b, context);
	});

function intersect(a: RegoSet, b: RegoSet, context: BuiltinContext): RegoSet {
	const [small, large] = a.size <= b.size ? [a, b] : [b, a];
	context.charge(small.size);
	const result = new RegoSet();
	for (const item of small.items()) if (large.has(item)) result.add(item);
	return result;
}

function unite(sets: readonly RegoSet[], context: BuiltinContext): RegoSet {
	const result = new RegoSet();
	for (const set of sets) {
		context.charge(set.size);
		for (const item of set.items()) result.add(item);
	}
	return result;
}

const overSets = (name: string, run: (sets: readonly RegoSet[], context: BuiltinContext) => Result): Builtin =>
	unary(name, (value, context) => {
		if (!isSet(value)) return wrongType(1, value, 'set');
		context.charge(value.size);
		const members: RegoSet[] = [];
		for (const item of value.items()) {
			if (!isSet(item)) return wrongType(1, item, 'set');
			members.push(item);
		}
		return run(members, context);
	});

export const sets: readonly Builtin[] = [
	pair('and', intersect),
	pair('or', (a, b, context) => unite([a, b], context)),
	pair('set_diff', setDifference),
	overSets('union', unite),
	overSets('intersection', (sets, context) => {
		let result = sets[0];
		if (result === undefined) return new RegoSet();
		for (let i = 1; i < sets.length; i++) result = intersect(result, sets[i] as RegoSet, context);
		return result;
	}),
];
