// JSON as Go writes it: keys sorted, < > & escaped. Sets become arrays, other keys their text.
import { isArray, isSet, objectEntries, type RegoObject, type Value } from '../value/value.ts';
import { mapKeys } from './json-keys.ts';

interface Layout {
	prefix: string;
	indent: string;
}

const special = /[<>&\u2028\u2029]/g;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const jsonString = (text: string): string => JSON.stringify(text.toWellFormed()).replace(special, escaped);

/** A key of a JSON object: strings as they are, others as JSON. */
export const keyText = (key: Value): string => (typeof key === 'string' ? key : jsonText(key, null));

/** Charge the value (chargeValue) before it is written. null: on one line. */
export function jsonText(value: Value, layout: Layout | null, depth = 0): string {
	if (typeof value === 'string') return jsonString(value);
	if (typeof value !== 'object' || value === null) return String(value);
	const inner = layout === null ? '' : `\n${layout.prefix}${layout.indent.repeat(depth + 1)}`;
	const outer = layout === null ? '' : `\n${layout.prefix}${layout.indent.repeat(depth)}`;
	if (isArray(value) || isSet(value)) {
		const items = isArray(value) ? value : value.items();
		if (items.length === 0) return '[]';
		return `[${inner}${items.map((item) => jsonText(item, layout, depth + 1)).join(`,${inner}`)}${outer}]`;
	}
	const entries = mapKeys(objectEntries(value as RegoObject), keyText);
	if (entries.length === 0) return '{}';
	const colon = layout === null ? ':' : ': ';
	const members = entries.map(([key, item]) => `${jsonString(key)}${colon}${jsonText(item, layout, depth + 1)}`);
	return `{${inner}${members.join(`,${inner}`)}${outer}}`;
}
