// YAML as the library that OPA uses writes it: blocks, keys in a natural order, quotes only where they are needed.
import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { isArray, isSet, objectEntries, type RegoObject, type Value } from '../value/value.ts';
import { mapKeys } from './json-keys.ts';
import { keyText } from './json-text.ts';

/** Plain, these would be read as something other than text. */
const ambiguous = new RegExp(
	[
		'^(?:',
		'|~|<<|null|Null|NULL|[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|true|True|TRUE|false|False|FALSE',
		'|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)',
		'|[-+]?0x[0-9A-Fa-f_]+|[-+]?0b[01_]+|[-+]?0o?[0-7_]+',
		'|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\\.[0-9_]+(?:[eE][-+]?[0-9]+)?',
		'|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?',
		')$',
	].join(''),
);
const unprintable = /[^\n -~\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;

function textNode(text: string): Scalar {
	const scalar = new Scalar(text);
	if (ambiguous.test(text) || unprintable.test(text)) scalar.type = 'QUOTE_DOUBLE';
	else scalar.type = text.includes('\n') ? 'BLOCK_LITERAL' : 'PLAIN';
	return scalar;
}

function node(value: Value): Scalar | YAMLMap | YAMLSeq {
	if (typeof value === 'string') return textNode(value);
	if (typeof value !== 'object' || value === null) return new Scalar(value);
	if (isArray(value) || isSet(value)) {
		const list = new YAMLSeq();
		for (const item of isArray(value) ? value : value.items()) list.items.push(node(item));
		list.flow = list.items.length === 0;
		return list;
	}
	const map = new YAMLMap();
	const entries = mapKeys(objectEntries(value as RegoObject), keyText);
	for (const [key, item] of entries.toSorted(([a], [b]) => naturalOrder(a, b))) {
		map.items.push(new Pair(textNode(key), node(item)));
	}
	map.flow = map.items.length === 0;
	return map;
}

const isLetter = (character: string): boolean => /\p{L}/u.test(character);
const digits = /[0-9]*/y;

function digitsAt(text: string, at: number): string {
	digits.lastIndex = at;
	return digits.exec(text)?.[0] ?? '';
}

/** Where they first differ: letters after all else, numbers by their value. */
function naturalOrder(a: string, b: string): number {
	const shared = Math.min(a.length, b.length);
	for (let i = 0; i < shared; i++) {
		const [x, y] = [a.charAt(i), b.charAt(i)];
		if (x === y) continue;
		if (isLetter(x) && isLetter(y)) return x < y ? -1 : 1;
		if (isLetter(x) || isLetter(y)) return isLetter(x) ? 1 : -1;
		const [left, right] = [digitsAt(a, i), digitsAt(b, i)];
		if (left.length !== right.length) return left.length - right.length;
		return x < y ? -1 : 1;
	}
	return a.length - b.length;
}

/** Charge the value (chargeValue) before it is written. */
export function yamlText(value: Value): string {
	const document = new Document(node(value), { version: '1.1' });
	return document.toString({ lineWidth: 0, singleQuote: true });
}
