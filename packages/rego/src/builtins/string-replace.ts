// replace and strings.replace_n: one pass over the text; at each place the first pattern in the order of the keys wins.
import { isObject, objectEntries, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { binary, type Result, ternary, textSteps, wrongType } from './operand.ts';

interface Replacement {
	old: string;
	text: string;
}

function replace(text: string, replacements: readonly Replacement[], context: BuiltinContext): string {
	const byFirst = new Map<string, Replacement[]>();
	let empty: Replacement | undefined;
	for (const replacement of replacements) {
		if (replacement.old === '') empty = replacement;
		else {
			const first = replacement.old.charAt(0);
			const list = byFirst.get(first);
			if (list === undefined) byFirst.set(first, [replacement]);
			else list.push(replacement);
		}
	}
	const parts: string[] = [];
	let last = 0;
	let previousEmpty = false;
	for (let i = 0; i <= text.length; ) {
		const found = matchAt(text, i, byFirst, previousEmpty ? undefined : empty, context);
		previousEmpty = found?.old === '';
		if (found === undefined) {
			i += (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
			continue;
		}
		context.charge(textSteps(found.text.length + i - last));
		parts.push(text.slice(last, i), found.text);
		i += found.old.length;
		last = i;
	}
	parts.push(text.slice(last));
	return parts.join('');
}

function matchAt(
	text: string,
	at: number,
	byFirst: ReadonlyMap<string, readonly Replacement[]>,
	empty: Replacement | undefined,
	context: BuiltinContext,
): Replacement | undefined {
	// The empty pattern sorts first: where it may match, it does.
	if (empty !== undefined) return empty;
	const candidates = byFirst.get(text.charAt(at));
	if (candidates === undefined) return undefined;
	for (const candidate of candidates) {
		context.charge(textSteps(candidate.old.length));
		if (text.startsWith(candidate.old, at)) return candidate;
	}
	return undefined;
}

function replaceOne(text: Value, old: Value, replacement: Value, context: BuiltinContext): Result {
	if (typeof text !== 'string') return wrongType(1, text, 'string');
	if (typeof old !== 'string') return wrongType(2, old, 'string');
	if (typeof replacement !== 'string') return wrongType(3, replacement, 'string');
	context.charge(textSteps(text.length));
	if (old === '') return replace(text, [{ old, text: replacement }], context);
	let count = 0;
	for (let at = text.indexOf(old); at >= 0; at = text.indexOf(old, at + old.length)) count++;
	if (count === 0) return text;
	context.charge(count + textSteps(count * replacement.length));
	// By split: the replacement's $ must not be read as a pattern.
	return text.split(old).join(replacement);
}

function replaceMany(patterns: Value, text: Value, context: BuiltinContext): Result {
	if (!isObject(patterns)) return wrongType(1, patterns, 'object');
	if (typeof text !== 'string') return wrongType(2, text, 'string');
	const replacements: Replacement[] = [];
	for (const [old, replacement] of objectEntries(patterns)) {
		if (typeof old !== 'string') return new BuiltinError('operand 1 non-string key found in pattern object');
		if (typeof replacement !== 'string') {
			return new BuiltinError('operand 1 non-string value found in pattern object');
		}
		context.charge(textSteps(old.length + replacement.length));
		replacements.push({ old, text: replacement });
	}
	context.charge(1 + text.length);
	return replace(text, replacements, context);
}

export const stringReplace: readonly Builtin[] = [
	ternary('replace', replaceOne),
	binary('strings.replace_n', replaceMany),
];
