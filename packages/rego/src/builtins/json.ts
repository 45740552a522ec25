// json.marshal, marshal_with_options, unmarshal, is_valid. Filters and patches are in json-paths.ts and json-patch.ts.
import { isObject, objectEntries, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { jsonText } from './json-text.ts';
import { numberFromText } from './number-text.ts';
import {
	beyondLimit,
	binary,
	chargeValue,
	dearCall,
	type Result,
	stepsOf,
	textSteps,
	unary,
	wrongType,
} from './operand.ts';
import { valueText } from './value-text.ts';

/** Deeper JSON exceeds the limit: what reads it later goes as deep. */
export const jsonDepthMax = 1_000;
/** Digits from which a double may not hold the number. */
const longDigits = 16;

interface Shape {
	depth: number;
	hasLongNumber: boolean;
}

/** One pass over the text, before anything is made of it. */
function shapeOf(text: string): Shape {
	let depth = 0;
	let deepest = 0;
	let digits = 0;
	let hasLongNumber = false;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (code >= 0x30 && code <= 0x39) {
			if (++digits >= longDigits) hasLongNumber = true;
			continue;
		}
		if (code === 0x65 || code === 0x45) hasLongNumber ||= digits > 0;
		if (code !== 0x2e) digits = 0;
		if (code === 0x22) {
			for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
		} else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
		else if (code === 0x5d || code === 0x7d) depth--;
	}
	return { depth: deepest, hasLongNumber };
}

type Reviver = (key: string, value: unknown, context: { source: string }) => unknown;

function parseJson(text: string, context: BuiltinContext): Value | BuiltinError {
	// Objects made of text take about as much as their characters.
	context.charge(dearCall + Math.floor(text.length / 8));
	const { depth, hasLongNumber } = shapeOf(text);
	if (depth > jsonDepthMax) context.charge(beyondLimit);
	let outOfRange = false;
	const revive: Reviver = (_key, value, { source }) => {
		if (typeof value !== 'number') return value;
		const number = numberFromText(source, context);
		outOfRange ||= number === undefined;
		return number ?? 0;
	};
	try {
		const value: Value = hasLongNumber ? JSON.parse(text, revive as never) : JSON.parse(text);
		return outOfRange ? new BuiltinError('number out of range') : value;
	} catch (error) {
		if (error instanceof SyntaxError) return new BuiltinError(`invalid JSON: ${error.message}`);
		throw error;
	}
}

interface Options {
	prefix: string;
	indent: string;
	pretty: boolean;
}

function readOptions(value: Value, context: BuiltinContext): Options | BuiltinError {
	if (!isObject(value)) return wrongType(2, value, 'object');
	chargeValue(value, context);
	const options = { prefix: '', indent: '\t', pretty: false };
	let explicit: boolean | undefined;
	for (const [key, option] of objectEntries(value)) {
		if (key === 'prefix' || key === 'indent') {
			if (typeof option !== 'string') {
				return new BuiltinError(
					`operand 2 key ${key} failed cast to string: ${wrongType(0, option, 'string').message}`,
				);
			}
			options[key] = option;
			options.pretty = true;
		} else if (key === 'pretty') {
			if (typeof option !== 'boolean') return new BuiltinError('operand 2 key pretty failed cast to bool');
			explicit = option;
		} else
			return new BuiltinError(
				`operand 2 object contained unknown key ${typeof key === 'string' ? key : valueText(key)}`,
			);
	}
	return { ...options, pretty: explicit ?? options.pretty };
}

/** Lines that a value takes, and how deep the deepest is indented. */
function chargeLayout(value: Value, { prefix, indent }: Options, context: BuiltinContext): void {
	const lines = stepsOf(value);
	context.charge(textSteps(lines * (prefix.length + indent.length * Math.min(lines, jsonDepthMax))));
}

function marshalWithOptions(value: Value, list: Value, context: BuiltinContext): Result {
	chargeValue(value, context);
	const options = readOptions(list, context);
	if (options instanceof BuiltinError) return options;
	if (!options.pretty) return jsonText(value, null);
	chargeLayout(value, options, context);
	return options.prefix + jsonText(value, options);
}

export const jsons: readonly Builtin[] = [
	unary('json.marshal', (value, context) => {
		chargeValue(value, context);
		return jsonText(value, null);
	}),
	binary('json.marshal_with_options', marshalWithOptions),
	unary('json.unmarshal', (text, context) =>
		typeof text === 'string' ? parseJson(text, context) : wrongType(1, text, 'string'),
	),
	unary('json.is_valid', (text, context) =>
		typeof text === 'string' ? !(parseJson(text, context) instanceof BuiltinError) : false,
	),
];
