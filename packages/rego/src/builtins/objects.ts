// Objects: object.get, keys, remove, filter, union, union_n. object.subset is in object-subset.ts.
import {
	isArray,
	isObject,
	isSet,
	objectGet,
	objectSize,
	RegoMap,
	type RegoObject,
	RegoSet,
	type Value,
} from '../value/value.ts';
import { valueDepthMax } from '../value/work.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { beyondLimit, binary, entriesOf, type Result, ternary, unary, wrongElement, wrongType } from './operand.ts';

/** What a reference with these keys finds. */
export function find(value: Value, path: readonly Value[], context: BuiltinContext): Value | undefined {
	let current: Value = value;
	for (const key of path) {
		context.charge(1);
		const next = child(current, key);
		if (next === undefined) return undefined;
		current = next;
	}
	return current;
}

function child(value: Value, key: Value): Value | undefined {
	if (isArray(value)) return typeof key === 'number' ? value[key] : undefined;
	if (isSet(value)) return value.has(key) ? key : undefined;
	return isObject(value) ? objectGet(value, key) : undefined;
}

function get(object: Value, key: Value, fallback: Value, context: BuiltinContext): Result {
	if (!isObject(object)) return wrongType(1, object, 'object');
	// null is a value: only what is not there falls back.
	const found = find(object, isArray(key) ? key : [key], context);
	return found === undefined ? fallback : found;
}

function keys(object: Value, context: BuiltinContext): Result {
	if (!isObject(object)) return wrongType(1, object, 'object');
	context.charge(objectSize(object));
	const result = new RegoSet();
	for (const [key] of entriesOf(object)) {
		context.charge(1);
		result.add(key);
	}
	return result;
}

/** The keys that an array, a set or an object names. */
function keySet(value: Value, context: BuiltinContext): RegoSet | BuiltinError {
	if (isSet(value)) return value;
	if (isArray(value)) {
		context.charge(value.length);
		return RegoSet.of(value);
	}
	if (!isObject(value)) return wrongType(2, value, 'object', 'set', 'array');
	const result = new RegoSet();
	for (const [key] of entriesOf(value)) {
		context.charge(1);
		result.add(key);
	}
	return result;
}

const keeping = (name: string, named: boolean): Builtin =>
	binary(name, (object, list, context) => {
		if (!isObject(object)) return wrongType(1, object, 'object');
		const chosen = keySet(list, context);
		if (chosen instanceof BuiltinError) return chosen;
		const result = new RegoMap();
		for (const [key, value] of entriesOf(object)) {
			context.charge(1);
			if (chosen.has(key) === named) result.set(key, value);
		}
		return result;
	});

/** The right side wins; where both are objects they are merged. */
function merge(a: RegoObject, b: RegoObject, context: BuiltinContext, depth: number): RegoObject {
	if (depth > valueDepthMax) context.charge(beyondLimit);
	if (objectSize(a) === 0) return b;
	if (objectSize(b) === 0) return a;
	const result = new RegoMap();
	for (const [key, value] of entriesOf(a)) {
		context.charge(1);
		result.set(key, value);
	}
	for (const [key, value] of entriesOf(b)) {
		context.charge(1);
		const old = result.get(key);
		const both = old !== undefined && isObject(old) && isObject(value);
		result.set(key, both ? merge(old, value, context, depth + 1) : value);
	}
	return result;
}

function union(a: Value, b: Value, context: BuiltinContext): Result {
	if (!isObject(a)) return wrongType(1, a, 'object');
	if (!isObject(b)) return wrongType(2, b, 'object');
	return merge(a, b, context, 0);
}

function unionAll(list: Value, context: BuiltinContext): Result {
	if (!isArray(list)) return wrongType(1, list, 'array');
	context.charge(list.length);
	for (const item of list) if (!isObject(item)) return wrongElement(1, list, item, 'object');
	const result = new RegoMap();
	mergeAll(result, list as readonly RegoObject[], context, 0);
	return result;
}

/** The last object with a key decides; objects before it are merged into it, down to the first that is none. */
function mergeAll(into: RegoMap, objects: readonly RegoObject[], context: BuiltinContext, depth: number): void {
	if (depth > valueDepthMax) context.charge(beyondLimit);
	const layers = new Map<string, RegoObject[]>();
	const byKey = new RegoMap();
	for (const object of objects) {
		for (const [key, value] of entriesOf(object)) {
			context.charge(1);
			const name = byKey.get(key);
			const layer = name === undefined ? undefined : layers.get(name as string);
			if (!isObject(value)) {
				into.set(key, value);
				layer?.splice(0);
			} else if (layer === undefined) {
				const id = String(layers.size);
				layers.set(id, [value]);
				byKey.set(key, id);
			} else layer.push(value);
		}
	}
	for (const [key, name] of byKey.entries()) {
		const layer = layers.get(name as string) as RegoObject[];
		if (layer.length === 0) continue;
		if (layer.length === 1) {
			into.set(key, layer[0] as RegoObject);
			continue;
		}
		const nested = new RegoMap();
		mergeAll(nested, layer, context, depth + 1);
		into.set(key, nested);
	}
}

export const objects: readonly Builtin[] = [
	ternary('object.get', get),
	unary('object.keys', keys),
	keeping('object.remove', false),
	keeping('object.filter', true),
	binary('object.union', union),
	unary('object.union_n', unionAll),
];
