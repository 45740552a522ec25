// urlquery.*: the encoding of query strings, as Go's package net/url does it.
import { isArray, isObject, isSet, objectEntries, RegoMap, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { mapKeys } from './json-keys.ts';
import { keyText } from './json-text.ts';
import { chargeValue, dearCall, type Result, textSteps, unary, wrongType } from './operand.ts';
import { quoted } from './value-text.ts';

const encodeText = (text: string): string =>
	encodeURIComponent(text.toWellFormed())
		.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
		.replace(/%20/g, '+');

/** undefined: fine so far; otherwise the escape that is none. */
const badEscape = /%(?![0-9A-Fa-f]{2}).{0,2}/su;

function decodeText(text: string): string | BuiltinError {
	const bad = badEscape.exec(text);
	if (bad !== null) return new BuiltinError(`invalid URL escape ${quoted(bad[0])}`);
	if (!text.includes('%')) return text.replaceAll('+', ' ');
	const parts = text.replaceAll('+', ' ').split(/((?:%[0-9A-Fa-f]{2})+)/);
	// Bytes that are no UTF-8 become U+FFFD.
	return parts
		.map((part, i) => (i % 2 === 0 ? part : Buffer.from(part.replaceAll('%', ''), 'hex').toString('utf8')))
		.join('');
}

function encodeObject(value: Value, context: BuiltinContext): Result {
	if (!isObject(value)) return wrongType(1, value, 'object');
	chargeValue(value, context);
	const wrong = new BuiltinError('operand 1 values must be string, array[string], or set[string]');
	const pairs: string[] = [];
	for (const [key, item] of mapKeys(objectEntries(value), keyText)) {
		const name = encodeText(key);
		const values = typeof item === 'string' ? [item] : isArray(item) ? item : isSet(item) ? item.items() : null;
		if (values === null) return wrong;
		for (const text of values) {
			if (typeof text !== 'string') return wrong;
			context.charge(textSteps(3 * (text.length + name.length)));
			pairs.push(`${name}=${encodeText(text)}`);
		}
	}
	return pairs.join('&');
}

function decodeObject(text: Value, context: BuiltinContext): Result {
	if (typeof text !== 'string') return wrongType(1, text, 'string');
	context.charge(dearCall + textSteps(3 * text.length));
	const values = new Map<string, string[]>();
	for (const pair of text.split('&')) {
		context.charge(1);
		if (pair.includes(';')) return new BuiltinError('invalid semicolon separator in query');
		if (pair === '') continue;
		const equals = pair.indexOf('=');
		const key = decodeText(equals < 0 ? pair : pair.slice(0, equals));
		if (key instanceof BuiltinError) return key;
		const value = decodeText(equals < 0 ? '' : pair.slice(equals + 1));
		if (value instanceof BuiltinError) return value;
		const list = values.get(key);
		if (list === undefined) values.set(key, [value]);
		else list.push(value);
	}
	const result = new RegoMap();
	for (const [key, list] of values) result.set(key, list);
	return result;
}

export const urlQueries: readonly Builtin[] = [
	unary('urlquery.encode', (text, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(dearCall + textSteps(3 * text.length));
		return encodeText(text);
	}),
	unary('urlquery.decode', (text, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(dearCall + textSteps(3 * text.length));
		return decodeText(text);
	}),
	unary('urlquery.encode_object', encodeObject),
	unary('urlquery.decode_object', decodeObject),
];
