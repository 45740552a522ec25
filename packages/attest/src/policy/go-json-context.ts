// Where a reader of JSON into Go structs is, and how it says that a value is of the wrong type.
import { type Members, NumberToken } from './go-json-text.ts';

/** Carries a wrong type out of the recursion; caught in go-json.ts. */
export class Mismatch extends Error {}

export interface Context {
	/** Field names and positions down to where the reader is. */
	path: (string | number)[];
	/** First field that Go reads in another way than others, '' for none. */
	ambiguity: string;
}

export const isObject = (value: unknown): value is Record<string, unknown> | Members =>
	typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberToken);

const shownMax = 80;
export const shown = (name: string): string =>
	JSON.stringify(name.length > shownMax ? `${name.slice(0, shownMax)}…` : name);

const plainName = /^[A-Za-z_][A-Za-z0-9_]{0,79}$/;

const partsShownMax = 6;

/** The root as it was given, then the innermost fields. */
export function where({ path: [root, ...inner] }: Context): string {
	let out = `${root}${inner.length > partsShownMax ? '.…' : ''}`;
	for (const part of inner.slice(-partsShownMax)) {
		if (typeof part === 'number') out += `[${part}]`;
		else out += plainName.test(part) ? `.${part}` : `[${shown(part)}]`;
	}
	return out;
}

export function mismatch(context: Context, expected: string, found: unknown): never {
	throw new Mismatch(`${where(context)}: expected ${expected}, found ${describe(found)}`);
}

function describe(value: unknown): string {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'an array';
	if (value instanceof NumberToken) return shown(value.text).slice(1, -1);
	if (typeof value === 'string') return shown(value);
	return typeof value === 'object' ? 'an object' : String(value);
}
