// Rego's values as JSON, in which a set is an array in Rego's order and every key a string: what OPA prints.
import { isArray, isObject, isSet, objectEntries, objectOf, type Value } from '@affidavit/rego/value/value.ts';

export function toJson(value: Value): Value {
	if (isSet(value)) return value.items().map(toJson);
	if (isArray(value)) return value.map(toJson);
	if (!isObject(value)) return value;
	return objectOf(objectEntries(value).map(([key, item]) => [keyText(key), toJson(item)]));
}

const keyText = (key: Value): string => (typeof key === 'string' ? key : JSON.stringify(toPlain(key)));

/** The same with plain objects, and doubles for all numbers. */
export function toPlain(value: Value): unknown {
	if (typeof value === 'bigint') return Number(value);
	if (isSet(value)) return value.items().map(toPlain);
	if (isArray(value)) return value.map(toPlain);
	if (!isObject(value)) return value;
	return Object.fromEntries(objectEntries(value).map(([key, item]) => [keyText(key), toPlain(item)]));
}

const excerptMax = 600;

export const excerpt = (value: Value): string => JSON.stringify(toPlain(value)).slice(0, excerptMax);
