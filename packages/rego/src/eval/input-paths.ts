// Where in the input a value stands, found by its identity: values keep it on their way through rules, functions and collections.
// The index is made when a read misses for the first time, never before.
import { isObject, type PlainObject, RegoMap, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';

/** Where a value stands: in which container, under which key. */
export interface Spot {
	parent: object | null;
	key: string | number;
}

/** From the input down to the value; null where it is no part of the input. */
export interface InputPaths {
	find(value: Value): Spot[] | null;
}

export function inputPathsOf(input: Value | undefined): InputPaths {
	let spots: Map<object, Spot> | null = null;
	return {
		find(value) {
			if (typeof value !== 'object' || value === null) return null;
			spots ??= indexSpots(input);
			let spot = spots.get(value);
			if (spot === undefined) return null;
			const path: Spot[] = [];
			while (spot !== undefined && spot.parent !== null) {
				spend(1);
				path.push(spot);
				spot = spots.get(spot.parent);
			}
			return path.reverse();
		},
	};
}

function indexSpots(input: Value | undefined): Map<object, Spot> {
	const spots = new Map<object, Spot>();
	const open: object[] = [];
	const visit = (value: Value, parent: object | null, key: string | number): void => {
		if (typeof value !== 'object' || value === null || spots.has(value)) return;
		spots.set(value, { parent, key });
		open.push(value);
	};
	if (input !== undefined) visit(input, null, '');
	for (let value = open.pop(); value !== undefined; value = open.pop()) {
		spend(1);
		const container = value;
		if (Array.isArray(container)) for (const [i, item] of container.entries()) visit(item as Value, container, i);
		else if (isObject(container as Value) && !(container instanceof RegoMap)) {
			const object = container as PlainObject;
			for (const key of Object.keys(object)) visit(object[key] as Value, container, key);
		}
	}
	return spots;
}
