// Typed reads from a parsed JSON value. The first thing that is wrong is kept, with the field's name and what was expected.
import { complain, type Problems } from '../event/problem.ts';

export type JsonObject = { readonly [key: string]: unknown };

export function wrongType(problems: Problems, field: string, expected: string, found: unknown): void {
	complain(problems, 'wrong-type', `${field}: expected ${expected}, found ${describe(found)}`);
}

/** Longest excerpt of a hostile value in a message, UTF-16 units. */
const excerptMax = 40;

/** A value in words, never whole: it may be huge, or a secret. */
function describe(value: unknown): string {
	if (value === undefined) return 'nothing';
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'an array';
	if (typeof value === 'string') return `a string of ${value.length} characters`;
	return typeof value === 'object' ? 'an object' : `${typeof value} ${String(value).slice(0, excerptMax)}`;
}

export const isObject = (value: unknown): value is JsonObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** A field by its proto name or its camelCase name (protojson writes either); null counts as absent. */
export const pick = (object: JsonObject, name: string, camel: string): unknown => object[name] ?? object[camel];

/** '' when absent. */
export function readText(problems: Problems, value: unknown, field: string): string {
	if (typeof value === 'string') return value;
	if (value !== undefined && value !== null) wrongType(problems, field, 'a string', value);
	return '';
}

/** null when absent. */
export function readObject(problems: Problems, value: unknown, field: string): JsonObject | null {
	if (isObject(value)) return value;
	if (value !== undefined && value !== null) wrongType(problems, field, 'an object', value);
	return null;
}

export function readArray(problems: Problems, value: unknown, field: string): readonly unknown[] {
	if (Array.isArray(value)) return value;
	if (value !== undefined && value !== null) wrongType(problems, field, 'an array', value);
	return [];
}

export function readBoolean(problems: Problems, value: unknown, field: string): boolean {
	if (typeof value === 'boolean') return value;
	if (value !== undefined && value !== null) wrongType(problems, field, 'true or false', value);
	return false;
}

/** -1 when absent. */
export function readInteger(problems: Problems, value: unknown, field: string, min: number, max: number): number {
	if (value === undefined || value === null) return -1;
	if (typeof value !== 'number' || !Number.isInteger(value)) wrongType(problems, field, 'an integer', value);
	else if (value < min || value > max)
		complain(problems, 'out-of-range', `${field}: expected an integer from ${min} to ${max}, found ${value}`);
	// -0 is a legal JSON number, and would not compare equal to 0.
	else return value + 0;
	return -1;
}
