// Strings: case, trimming, joining, splitting, searching, parts. Replacing is in string-replace.ts.
import { isArray, isNumber, isSet, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import {
	binary,
	integerOperand,
	itemsOf,
	type Result,
	ternary,
	textSteps,
	unary,
	wrongElement,
	wrongType,
} from './operand.ts';
import { codePointCount, hasSurrogate, isSpace, mapCase, unitIndex } from './text.ts';

const onText = (name: string, run: (text: string) => Result): Builtin =>
	unary(name, (text, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(textSteps(text.length));
		return run(text);
	});

const onTexts = (name: string, run: (text: string, other: string, context: BuiltinContext) => Result): Builtin =>
	binary(name, (text, other, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		if (typeof other !== 'string') return wrongType(2, other, 'string');
		context.charge(textSteps(text.length + other.length));
		return run(text, other, context);
	});

function concat(separator: Value, list: Value, context: BuiltinContext): Result {
	if (typeof separator !== 'string') return wrongType(1, separator, 'string');
	const items = itemsOf(list);
	if (items === null) return wrongType(2, list, 'set', 'array');
	context.charge(items.length);
	let length = separator.length * Math.max(items.length - 1, 0);
	for (const item of items) {
		if (typeof item !== 'string') return wrongElement(2, list, item, 'string');
		length += item.length;
	}
	context.charge(textSteps(length));
	return items.join(separator);
}

function split(text: string, delimiter: string, context: BuiltinContext): Value {
	if (delimiter !== '') {
		const parts = text.split(delimiter);
		context.charge(parts.length);
		return parts;
	}
	context.charge(text.length);
	return Array.from(text);
}

/** The first so many parts, or the last where the number is negative. */
function splitSome(text: Value, delimiter: Value, count: Value, context: BuiltinContext): Result {
	if (typeof text !== 'string') return wrongType(1, text, 'string');
	if (typeof delimiter !== 'string') return wrongType(2, delimiter, 'string');
	const most = integerOperand(count, 3);
	if (typeof most === 'object') return most;
	context.charge(textSteps(text.length + delimiter.length));
	const parts = split(text, delimiter, context) as readonly Value[];
	return most >= 0 ? parts.slice(0, most) : parts.slice(most);
}

function substring(text: Value, offset: Value, length: Value, context: BuiltinContext): Result {
	if (typeof text !== 'string') return wrongType(1, text, 'string');
	const start = integerOperand(offset, 2);
	if (typeof start === 'object') return start;
	const count = integerOperand(length, 3);
	if (typeof count === 'object') return count;
	if (start < 0) return new BuiltinError('negative offset');
	context.charge(textSteps(text.length));
	if (!hasSurrogate(text)) return count < 0 ? text.slice(start) : text.slice(start, start + count);
	const begin = unitIndex(text, start);
	if (count < 0) return text.slice(begin);
	return text.slice(begin, begin + unitIndex(text.slice(begin), count));
}

function trimStart(text: string, isTrimmed: (codePoint: number) => boolean): string {
	let start = 0;
	while (start < text.length) {
		const codePoint = text.codePointAt(start) as number;
		if (!isTrimmed(codePoint)) break;
		start += codePoint > 0xffff ? 2 : 1;
	}
	return text.slice(start);
}

function trimEnd(text: string, isTrimmed: (codePoint: number) => boolean): string {
	let end = text.length;
	while (end > 0) {
		const isPair = end > 1 && (text.codePointAt(end - 2) as number) > 0xffff;
		const width = isPair ? 2 : 1;
		if (!isTrimmed(text.codePointAt(end - width) as number)) break;
		end -= width;
	}
	return text.slice(0, end);
}

/** The cut set is a string of characters to remove. */
function inCutSet(characters: string): (codePoint: number) => boolean {
	const set = new Set(Array.from(characters, (character) => character.codePointAt(0)));
	return (codePoint) => set.has(codePoint);
}

const radixes = new Set([2, 8, 10, 16]);

function formatInteger(value: Value, base: Value, context: BuiltinContext): Result {
	if (!isNumber(value)) return wrongType(1, value, 'number');
	if (!isNumber(base)) return wrongType(2, base, 'number');
	const radix = Number(base);
	if (!radixes.has(radix)) return new BuiltinError('operand 2 must be one of {2, 8, 10, 16}');
	context.charge(textSteps(typeof value === 'bigint' ? 4_096 : 64));
	const whole = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
	return whole.toString(radix);
}

function reverse(text: string): string {
	if (!hasSurrogate(text)) return text.split('').reverse().join('');
	return Array.from(text).reverse().join('');
}

/** Only for lists of strings: whether any begins with any of the others. */
function startsWithAny(texts: readonly string[], prefixes: readonly string[]): boolean {
	const sorted = texts.toSorted(byUnits);
	return prefixes.some((prefix) => {
		// All texts with that prefix stand together, from the first that is not less than it.
		let low = 0;
		let high = sorted.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if ((sorted[middle] as string) < prefix) low = middle + 1;
			else high = middle;
		}
		return low < sorted.length && (sorted[low] as string).startsWith(prefix);
	});
}

const byUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function textsOf(value: Value, position: number, context: BuiltinContext): readonly string[] | BuiltinError {
	if (typeof value === 'string') {
		context.charge(textSteps(value.length));
		return [value];
	}
	if (!isArray(value) && !isSet(value)) return wrongType(position, value, 'string', 'set', 'array');
	const texts: string[] = [];
	const items = itemsOf(value) as readonly Value[];
	// Sorted or looked up by halving: a factor of the logarithm.
	const factor = 33 - Math.clz32(items.length);
	for (const item of items) {
		if (typeof item !== 'string') return wrongElement(position, value, item, 'string');
		context.charge(factor * textSteps(item.length));
		texts.push(item);
	}
	return texts;
}

const anyMatch = (name: string, prepare: (text: string) => string): Builtin =>
	binary(name, (a, b, context) => {
		const texts = textsOf(a, 1, context);
		if (texts instanceof BuiltinError) return texts;
		const others = textsOf(b, 2, context);
		if (others instanceof BuiltinError) return others;
		return startsWithAny(texts.map(prepare), others.map(prepare));
	});

export const strings: readonly Builtin[] = [
	onText('lower', (text) => mapCase(text, false)),
	onText('upper', (text) => mapCase(text, true)),
	onText('trim_space', (text) => trimEnd(trimStart(text, isSpace), isSpace)),
	onText('strings.reverse', reverse),
	onTexts('trim', (text, cutSet) => trimEnd(trimStart(text, inCutSet(cutSet)), inCutSet(cutSet))),
	onTexts('trim_left', (text, cutSet) => trimStart(text, inCutSet(cutSet))),
	onTexts('trim_right', (text, cutSet) => trimEnd(text, inCutSet(cutSet))),
	onTexts('trim_prefix', (text, prefix) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
	onTexts('trim_suffix', (text, suffix) => (text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text)),
	onTexts('split', split),
	binary('concat', concat),
	binary('format_int', formatInteger),
	ternary('strings.split_n', splitSome),
	ternary('substring', substring),
	anyMatch('strings.any_prefix_match', (text) => text),
	anyMatch('strings.any_suffix_match', (text) => text.split('').reverse().join('')),
	onTexts('contains', (text, part) => text.includes(part)),
	onTexts('startswith', (text, prefix) => text.startsWith(prefix)),
	onTexts('endswith', (text, suffix) => text.endsWith(suffix)),
	onTexts('indexof', (text, part) => {
		if (part === '') return new BuiltinError('empty search character');
		const unit = text.indexOf(part);
		return unit < 0 ? -1 : codePointCount(text, unit);
	}),
	onTexts('indexof_n', (text, part, context) => {
		if (part === '') return new BuiltinError('empty search character');
		return indexesOf(text, part, context);
	}),
	onTexts('strings.count', (text, part) => {
		if (part === '') return codePointCount(text) + 1;
		let count = 0;
		for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
		return count;
	}),
];

/** Where the part occurs, overlapping too. */
function indexesOf(text: string, part: string, context: BuiltinContext): Value {
	const indexes: number[] = [];
	let codePoints = 0;
	let counted = 0;
	for (let unit = text.indexOf(part); unit >= 0; unit = text.indexOf(part, unit + 1)) {
		context.charge(textSteps(part.length));
		for (; counted < unit; counted++) {
			const code = text.charCodeAt(counted);
			if (code < 0xdc00 || code > 0xdfff) codePoints++;
		}
		indexes.push(codePoints);
	}
	return indexes;
}
