// One key into one value: arrays by position, objects by key, sets by element. undefined where there is nothing.
import { RegoMap, RegoSet, type Value } from '../value/value.ts';

/** By a constant name: the read that rules are full of. */
export function field(container: Value, name: string): Value | undefined {
	if (typeof container !== 'object' || container === null) return undefined;
	if (container instanceof RegoMap) return container.get(name);
	if (container instanceof RegoSet) return container.has(name) ? name : undefined;
	// An array has no names, not even length; hasOwn because a key may be called __proto__ or constructor.
	if (Array.isArray(container) || !Object.hasOwn(container, name)) return undefined;
	return (container as Readonly<Record<string, Value>>)[name];
}

export function lookup(container: Value, key: Value): Value | undefined {
	if (typeof key === 'string') return field(container, key);
	if (typeof container !== 'object' || container === null) return undefined;
	if (container instanceof RegoMap) return container.get(key);
	if (container instanceof RegoSet) return container.has(key) ? key : undefined;
	// Object keys of parsed JSON are strings.
	if (!Array.isArray(container) || typeof key !== 'number') return undefined;
	return Number.isInteger(key) && key >= 0 ? (container as readonly Value[])[key] : undefined;
}
