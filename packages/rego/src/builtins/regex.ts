// regex.*: RE2's syntax and Go's way of finding.
import type { Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { globsIntersect } from './glob-intersection.ts';
import { binary, integerOperand, type Result, ternary, textSteps, unary, wrongType } from './operand.ts';
import {
	allMatches,
	compilePattern,
	groupText,
	type Match,
	type Pattern,
	parsePattern,
	remembered,
	testPattern,
} from './pattern.ts';
import { templatePattern } from './regex-template.ts';

const onTexts = (name: string, run: (a: string, b: string, context: BuiltinContext) => Result): Builtin =>
	binary(name, (a, b, context) => {
		if (typeof a !== 'string') return wrongType(1, a, 'string');
		if (typeof b !== 'string') return wrongType(2, b, 'string');
		return run(a, b, context);
	});

function match(source: string, text: string, context: BuiltinContext): Result {
	const pattern = compilePattern(source, context);
	return pattern instanceof BuiltinError ? pattern : testPattern(pattern, text, context);
}

function split(source: string, text: string, context: BuiltinContext): Result {
	const pattern = compilePattern(source, context);
	if (pattern instanceof BuiltinError) return pattern;
	if (source !== '' && text === '') return [''];
	const parts: string[] = [];
	let begin = 0;
	let end = 0;
	for (const found of allMatches(pattern, text, -1, context)) {
		end = found[0] as number;
		const after = found[1] as number;
		// An empty match at the very beginning splits nothing off.
		if (after !== 0) parts.push(text.slice(begin, end));
		begin = after;
	}
	if (end !== text.length) parts.push(text.slice(begin));
	return parts;
}

const finding = (name: string, show: (text: string, found: Match) => Value): Builtin =>
	ternary(name, (source, text, count, context) => {
		if (typeof source !== 'string') return wrongType(1, source, 'string');
		if (typeof text !== 'string') return wrongType(2, text, 'string');
		const max = integerOperand(count, 3);
		if (typeof max === 'object') return max;
		const pattern = compilePattern(source, context);
		if (pattern instanceof BuiltinError) return pattern;
		return allMatches(pattern, text, max, context).map((found) => show(text, found));
	});

const groups = (text: string, found: Match): Value =>
	Array.from({ length: found.length / 2 }, (_, group) => groupText(text, found, group));

const isNameCharacter = (character: string | undefined): boolean =>
	character !== undefined && /^[\p{L}\p{Nd}_]$/u.test(character);

/** $1 ${1} $name ${name} $$ in a replacement; a name that is not there is empty, a lone $ stands for itself. */
function expand(template: string, text: string, found: Match, names: Readonly<Record<string, number>>): string {
	let result = '';
	let at = 0;
	for (let dollar = template.indexOf('$'); dollar >= 0; dollar = template.indexOf('$', at)) {
		result += template.slice(at, dollar);
		if (template[dollar + 1] === '$') {
			result += '$';
			at = dollar + 2;
			continue;
		}
		const braced = template[dollar + 1] === '{';
		const start = dollar + (braced ? 2 : 1);
		let end = start;
		while (isNameCharacter(template[end])) end++;
		if (end === start || (braced && template[end] !== '}')) {
			result += '$';
			at = dollar + 1;
			continue;
		}
		const name = template.slice(start, end);
		at = braced ? end + 1 : end;
		const group = /^[0-9]+$/.test(name) ? Number(name) : Object.hasOwn(names, name) ? names[name] : undefined;
		if (group !== undefined) result += groupText(text, found, group);
	}
	return result + template.slice(at);
}

function replace(text: Value, source: Value, template: Value, context: BuiltinContext): Result {
	if (typeof text !== 'string') return wrongType(1, text, 'string');
	if (typeof source !== 'string') return wrongType(2, source, 'string');
	if (typeof template !== 'string') return wrongType(3, template, 'string');
	const pattern = compilePattern(source, context);
	if (pattern instanceof BuiltinError) return pattern;
	const names = pattern.regex.namedGroups();
	const dollars = template.split('$').length;
	const parts: string[] = [];
	let last = 0;
	for (const found of allMatches(pattern, text, -1, context)) {
		const [start = 0, end = 0] = found;
		// At most every $ of the template repeats the match.
		context.charge(dollars + textSteps(template.length + dollars * (end - start) + start - last));
		parts.push(text.slice(last, start), expand(template, text, found, names));
		last = end;
	}
	parts.push(text.slice(last));
	return parts.join('');
}

const templateMatch: Builtin = {
	name: 'regex.template_match',
	arity: 4,
	run([template, text, open, close], context) {
		if (typeof template !== 'string') return wrongType(1, template as Value, 'string');
		if (typeof text !== 'string') return wrongType(2, text as Value, 'string');
		if (typeof open !== 'string') return wrongType(3, open as Value, 'string');
		if (typeof close !== 'string') return wrongType(4, close as Value, 'string');
		for (const [name, delimiter] of [['start', open] as const, ['end', close] as const]) {
			const length = Buffer.byteLength(delimiter);
			if (length !== 1) {
				return new BuiltinError(
					`${name} delimiter has to be exactly one character long but is ${Buffer.byteLength(open)} long`,
				);
			}
		}
		const pattern = remembered<Pattern | BuiltinError>(`template:${open}${close}${template}`, context, () =>
			templatePattern(template, open, close, context),
		);
		return pattern instanceof BuiltinError ? pattern : testPattern(pattern, text, context);
	},
};

export const regexes: readonly Builtin[] = [
	onTexts('regex.match', match),
	onTexts('re_match', match),
	onTexts('regex.split', split),
	onTexts('regex.globs_match', globsIntersect),
	unary('regex.is_valid', (source, context) => {
		if (typeof source !== 'string') return false;
		return !(parsePattern(source, context) instanceof BuiltinError);
	}),
	finding('regex.find_n', (text, found) => groupText(text, found, 0)),
	finding('regex.find_all_string_submatch_n', groups),
	ternary('regex.replace', replace),
	templateMatch,
];
