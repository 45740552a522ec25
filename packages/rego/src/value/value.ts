// Rego's values. JSON that was parsed is a value as it stands: nothing is copied or converted before a rule reads it.
import { canonicalKey } from './canonical.ts';
import { compareText, compareValues } from './compare.ts';
import { spend } from './work.ts';

export type Value = null | boolean | number | bigint | string | readonly Value[] | RegoObject | RegoSet;

/** A parsed JSON object: string keys only. Read it through the functions below, never by `in` or bare indexing. */
export interface PlainObject {
	readonly [key: string]: Value;
}

export type RegoObject = PlainObject | RegoMap;

/** What a value is looked up by: itself, or a text for arrays, objects and sets. */
export type Key = null | boolean | number | bigint | string;

/** Of one item of a collection that is put in order. */
const sortSteps = 4;

/** An object made by evaluation: keys of any kind, in no order until it is asked for. */
export class RegoMap {
	readonly #entries = new Map<Key, readonly [Value, Value]>();
	#sorted: (readonly [Value, Value])[] | null = null;

	get size(): number {
		return this.#entries.size;
	}
	get(key: Value): Value | undefined {
		return this.#entries.get(canonicalKey(key))?.[1];
	}
	has(key: Value): boolean {
		return this.#entries.has(canonicalKey(key));
	}
	/** Only while the object is being made. */
	set(key: Value, value: Value): this {
		this.#entries.set(canonicalKey(key), [key, value]);
		this.#sorted = null;
		return this;
	}
	/** In Rego's order of the keys. */
	entries(): readonly (readonly [Value, Value])[] {
		if (this.#sorted === null) {
			spend(this.#entries.size * sortSteps);
			this.#sorted = [...this.#entries.values()].sort((a, b) => compareValues(a[0], b[0]));
		}
		return this.#sorted;
	}
}

export class RegoSet {
	readonly #items = new Map<Key, Value>();
	#sorted: Value[] | null = null;

	static of(items: Iterable<Value>): RegoSet {
		const set = new RegoSet();
		for (const item of items) set.add(item);
		return set;
	}
	get size(): number {
		return this.#items.size;
	}
	has(item: Value): boolean {
		return this.#items.has(canonicalKey(item));
	}
	/** Only while the set is being made. */
	add(item: Value): this {
		this.#items.set(canonicalKey(item), item);
		this.#sorted = null;
		return this;
	}
	includesAll(other: RegoSet): boolean {
		for (const key of other.#items.keys()) if (!this.#items.has(key)) return false;
		return true;
	}
	/** In Rego's order. */
	items(): readonly Value[] {
		if (this.#sorted === null) {
			spend(this.#items.size * sortSteps);
			this.#sorted = [...this.#items.values()].sort(compareValues);
		}
		return this.#sorted;
	}
}

export const isArray = (value: Value): value is readonly Value[] => Array.isArray(value);
export const isSet = (value: Value): value is RegoSet => value instanceof RegoSet;
export const isObject = (value: Value): value is RegoObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof RegoSet);
export const isNumber = (value: Value): value is number | bigint =>
	typeof value === 'number' || typeof value === 'bigint';

/** OPA's names: null, boolean, number, string, array, object, set. */
export function typeName(value: Value): string {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'array';
	if (value instanceof RegoSet) return 'set';
	const type = typeof value;
	return type === 'bigint' ? 'number' : type;
}

export function objectGet(object: RegoObject, key: Value): Value | undefined {
	if (object instanceof RegoMap) return object.get(key);
	// hasOwn: a key may be called __proto__ or constructor.
	return typeof key === 'string' && Object.hasOwn(object, key) ? object[key] : undefined;
}

export const objectSize = (object: RegoObject): number =>
	object instanceof RegoMap ? object.size : Object.keys(object).length;

/** In Rego's order of the keys. */
export function objectEntries(object: RegoObject): readonly (readonly [Value, Value])[] {
	if (object instanceof RegoMap) return object.entries();
	return sortedKeys(object).map((key) => [key, object[key] as Value] as const);
}

/** In Rego's order; canonical JSON has them in it already, and is not sorted again. */
export function sortedKeys(object: PlainObject): string[] {
	const keys = Object.keys(object);
	for (let i = 1; i < keys.length; i++) {
		if (compareText(keys[i - 1] as string, keys[i] as string) > 0) {
			spend(keys.length * sortSteps);
			return keys.sort(compareText);
		}
	}
	return keys;
}

export function objectOf(entries: Iterable<readonly [Value, Value]>): RegoMap {
	const map = new RegoMap();
	for (const [key, value] of entries) map.set(key, value);
	return map;
}

/** Integers that a double holds are numbers, others bigints: one number has one form. */
export const integer = (value: bigint): number | bigint =>
	value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
