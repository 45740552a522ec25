// glob.match and glob.quote_meta: * and ? stop at delimiters, ** does not; [abc] [!a-z] {a,b} and \ for all of them.
// A glob becomes one expression for the linear matcher.
import { isArray, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { type Result, ternary, textSteps, unary, wrongElement, wrongType } from './operand.ts';
import { type Pattern, parsePattern, remembered, testPattern } from './pattern.ts';

/** Braces in braces. */
const depthMax = 100;

interface Reader {
	characters: readonly string[];
	at: number;
	depth: number;
	/** One character that is no delimiter. */
	single: string;
}

const code = (character = ''): number => character.codePointAt(0) ?? 0;
const literal = (character: string): string => `\\x{${code(character).toString(16)}}`;

const trailingEscape = new BuiltinError('glob: trailing `\\`');

/** Up to an unescaped breaker. */
function readText(reader: Reader, breakers: string): string | BuiltinError {
	let text = '';
	while (reader.at < reader.characters.length) {
		let character = reader.characters[reader.at] as string;
		if (breakers.includes(character)) break;
		reader.at++;
		if (character === '\\') {
			if (reader.at >= reader.characters.length) return trailingEscape;
			character = reader.characters[reader.at] as string;
			reader.at++;
		}
		text += literal(character);
	}
	return text;
}

const unexpectedEnd = new BuiltinError('unexpected end of input');

/** Behind the [ */
function readRange(reader: Reader): string | BuiltinError {
	const not = reader.characters[reader.at] === '!';
	if (not) reader.at++;
	const [low, dash, high] = reader.characters.slice(reader.at, reader.at + 3);
	if (low === undefined) return unexpectedEnd;
	let content: string;
	if (dash === '-') {
		if (high === undefined) return unexpectedEnd;
		content = `${literal(low)}-${literal(high)}`;
		reader.at += 3;
	} else {
		const text = readText(reader, ']');
		if (text instanceof BuiltinError) return text;
		content = text;
	}
	if (reader.at >= reader.characters.length) return unexpectedEnd;
	if (reader.characters[reader.at] !== ']') return new BuiltinError('expected close range character');
	if (dash === '-' && code(high) < code(low)) {
		return new BuiltinError(`hi character '${high}' should be greater than lo '${low}'`);
	}
	if (content === '') return new BuiltinError('could not parse range');
	reader.at++;
	return `[${not ? '^' : ''}${content}]`;
}

function translate(reader: Reader): string | BuiltinError {
	let source = '';
	while (reader.at < reader.characters.length) {
		const character = reader.characters[reader.at] as string;
		if (character === '*') {
			reader.at++;
			if (reader.characters[reader.at] === '*') {
				reader.at++;
				source += '.*';
			} else source += `${reader.single}*`;
		} else if (character === '?') {
			reader.at++;
			source += reader.single;
		} else if (character === '[') {
			reader.at++;
			const range = readRange(reader);
			if (range instanceof BuiltinError) return range;
			source += range;
		} else if (character === '{') {
			if (++reader.depth > depthMax) return new BuiltinError('too many nested alternatives');
			source += '(?:';
			reader.at++;
		} else if (character === ',' && reader.depth > 0) {
			source += '|';
			reader.at++;
		} else if (character === '}' && reader.depth > 0) {
			reader.depth--;
			source += ')';
			reader.at++;
		} else {
			const text = readText(reader, reader.depth > 0 ? '?*[{},' : '?*[{');
			if (text instanceof BuiltinError) return text;
			source += text;
		}
	}
	return reader.depth > 0 ? new BuiltinError('glob: unclosed `{`') : source;
}

function compileGlob(glob: string, delimiters: readonly string[], context: BuiltinContext): Pattern | BuiltinError {
	context.charge(1 + glob.length);
	const single = delimiters.length === 0 ? '.' : `[^${delimiters.map(literal).join('')}]`;
	const source = translate({ characters: Array.from(glob), at: 0, depth: 0, single });
	return source instanceof BuiltinError ? source : parsePattern(`(?s)\\A(?:${source})\\z`, context);
}

const fullStop: readonly string[] = ['.'];

/** null: none; an empty array: the full stop. */
function delimitersOf(value: Value, context: BuiltinContext): readonly string[] | BuiltinError {
	if (value === null) return [];
	if (!isArray(value)) return wrongType(2, value, 'array', 'null');
	if (value.length === 0) return fullStop;
	context.charge(value.length);
	for (const item of value) {
		if (typeof item !== 'string') return wrongElement(2, value, item, 'string');
		const [first, second] = item;
		if (first === undefined || second !== undefined) return wrongElement(2, value, item, 'rune');
	}
	return value as readonly string[];
}

function globMatch(glob: Value, delimiterList: Value, text: Value, context: BuiltinContext): Result {
	if (typeof glob !== 'string') return wrongType(1, glob, 'string');
	const delimiters = delimitersOf(delimiterList, context);
	if (delimiters instanceof BuiltinError) return delimiters;
	if (typeof text !== 'string') return wrongType(3, text, 'string');
	const key = `glob:${delimiters.length}:${delimiters.join('')}${glob}`;
	const pattern = remembered(key, context, () => compileGlob(glob, delimiters, context));
	return pattern instanceof BuiltinError ? pattern : testPattern(pattern, text, context);
}

export const globs: readonly Builtin[] = [
	ternary('glob.match', globMatch),
	unary('glob.quote_meta', (text, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(textSteps(2 * text.length));
		return text.replace(/[*?\\[\]{}]/g, '\\$&');
	}),
];
