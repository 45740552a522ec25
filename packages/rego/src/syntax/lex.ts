// A module's text to tokens, in one pass. Spec: OPA's policy reference (lexical grammar).
import { scanQuoted, scanRaw } from './lex-string.ts';
import { type Punctuation, punctuations, type Token, type TokenKind } from './token.ts';

export const textLengthMax = 1_048_576;
export const tokensMax = 250_000;

/** Ends with one token of the kind end, illegal or limit. */
export function lex(text: string): Token[] {
	if (text.length > textLengthMax) {
		return [{ kind: 'limit', text: tooLong, row: 1, column: 1, spaced: false, newline: false }];
	}
	const lexer: Lexer = {
		text,
		at: text.charCodeAt(0) === 0xfeff ? 1 : 0,
		row: 1,
		lineStart: 0,
		tokens: [],
		templates: [],
	};
	while (lexer.tokens.length < tokensMax) {
		const kind = lexOne(lexer);
		if (kind === 'end' || kind === 'illegal') return lexer.tokens;
	}
	push(lexer, 'limit', `a module has at most ${tokensMax} tokens`, lexer.at, false, false);
	return lexer.tokens;
}

const tooLong = `a module has at most ${textLengthMax} characters`;

interface Lexer {
	text: string;
	at: number;
	row: number;
	lineStart: number;
	tokens: Token[];
	/** Templates whose expression is being read: the kind of quote and the braces open within. */
	templates: { raw: boolean; braces: number }[];
}

function push(
	lexer: Lexer,
	kind: TokenKind,
	text: string,
	start: number,
	spaced: boolean,
	newline: boolean,
): TokenKind {
	const { row, lineStart } = lexer;
	lexer.tokens.push({ kind, text, row, column: start - lineStart + 1, spaced, newline });
	return kind;
}

function lexOne(lexer: Lexer): TokenKind {
	const { text } = lexer;
	const from = lexer.at;
	const row = lexer.row;
	skipSpace(lexer);
	const spaced = lexer.at > from;
	const newline = lexer.row > row;
	const start = lexer.at;
	if (start >= text.length) return push(lexer, 'end', '', start, spaced, newline);
	const code = text.charCodeAt(start);
	if (isLetter(code)) {
		lexer.at = nameEnd(text, start);
		return push(lexer, 'name', text.slice(start, lexer.at), start, spaced, newline);
	}
	if (isDigit(code)) return lexNumber(lexer, spaced, newline);
	if (code === quote || code === backtick) return lexString(lexer, code === backtick, spaced, newline);
	if (code === dollar) {
		const next = text.charCodeAt(start + 1);
		if (next === quote || next === backtick) {
			lexer.at = start + 2;
			return lexTemplate(lexer, next === backtick, spaced, newline);
		}
	}
	const found = punctuationAt(text, start);
	if (found === undefined) return push(lexer, 'illegal', illegalCharacter(text, start), start, spaced, newline);
	lexer.at = start + found.length;
	push(lexer, found, found, start, spaced, newline);
	return afterPunctuation(lexer, found);
}

/** A } may end the expression of a template, whose text then goes on. */
function afterPunctuation(lexer: Lexer, found: Punctuation): TokenKind {
	const template = lexer.templates.at(-1);
	if (template === undefined) return found;
	if (found === '{') template.braces++;
	if (found !== '}') return found;
	if (template.braces-- > 0) return found;
	lexer.templates.pop();
	return lexTemplate(lexer, template.raw, false, false);
}

function skipSpace(lexer: Lexer): void {
	const { text } = lexer;
	for (; lexer.at < text.length; lexer.at++) {
		const code = text.charCodeAt(lexer.at);
		if (code === hash) {
			const end = text.indexOf('\n', lexer.at);
			lexer.at = end === -1 ? text.length : end;
			if (end === -1) return;
		}
		if (text.charCodeAt(lexer.at) === lineFeed) {
			lexer.row++;
			lexer.lineStart = lexer.at + 1;
		} else if (code !== space && code !== tab && code !== carriageReturn) return;
	}
}

function lexNumber(lexer: Lexer, spaced: boolean, newline: boolean): TokenKind {
	const { text } = lexer;
	const start = lexer.at;
	let at = digitsEnd(text, start);
	if (text.charCodeAt(at) === dot && isDigit(text.charCodeAt(at + 1))) at = digitsEnd(text, at + 1);
	else if (text.charCodeAt(at) === dot)
		return push(lexer, 'illegal', 'expected digits after the dot of a number', start, spaced, newline);
	if ((text.charCodeAt(at) | lowerCase) === letterE) {
		const sign = text.charCodeAt(at + 1);
		const digits = sign === plus || sign === minus ? at + 2 : at + 1;
		if (!isDigit(text.charCodeAt(digits)))
			return push(lexer, 'illegal', 'expected digits in the exponent of a number', start, spaced, newline);
		at = digitsEnd(text, digits);
	}
	if (isLetter(text.charCodeAt(at))) {
		const all = text.slice(start, nameEnd(text, at));
		return push(lexer, 'illegal', `illegal number ${all.slice(0, 30)}`, start, spaced, newline);
	}
	lexer.at = at;
	return push(lexer, 'number', text.slice(start, at), start, spaced, newline);
}

function lexString(lexer: Lexer, raw: boolean, spaced: boolean, newline: boolean): TokenKind {
	const start = lexer.at;
	const scanned = raw ? scanRaw(lexer.text, start + 1, false) : scanQuoted(lexer.text, start + 1, false);
	if (scanned.kind === 'illegal') return push(lexer, 'illegal', scanned.reason, start, spaced, newline);
	push(lexer, 'string', scanned.value, start, spaced, newline);
	moveTo(lexer, scanned.end);
	return 'string';
}

/** From after the quote, or after the } of the expression before. */
function lexTemplate(lexer: Lexer, raw: boolean, spaced: boolean, newline: boolean): TokenKind {
	const start = lexer.at;
	const scanned = raw ? scanRaw(lexer.text, start, true) : scanQuoted(lexer.text, start, true);
	if (scanned.kind === 'illegal') return push(lexer, 'illegal', scanned.reason, start, spaced, newline);
	const kind = scanned.kind === 'part' ? 'templatePart' : 'templateEnd';
	push(lexer, kind, scanned.value, start, spaced, newline);
	if (kind === 'templatePart') lexer.templates.push({ raw, braces: 0 });
	moveTo(lexer, scanned.end);
	return kind;
}

/** Raw strings may hold line ends. */
function moveTo(lexer: Lexer, end: number): void {
	const { text } = lexer;
	for (let at = text.indexOf('\n', lexer.at); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) {
		lexer.row++;
		lexer.lineStart = at + 1;
	}
	lexer.at = end;
}

function punctuationAt(text: string, at: number): Punctuation | undefined {
	const pair = text.charCodeAt(at + 1) === equals ? text.slice(at, at + 2) : '';
	return pairs.get(pair) ?? singles.get(text.charAt(at));
}

const pairs = new Map(punctuations.filter(({ length }) => length === 2).map((mark) => [mark as string, mark]));
const singles = new Map(punctuations.filter(({ length }) => length === 1).map((mark) => [mark as string, mark]));

function illegalCharacter(text: string, at: number): string {
	const point = text.codePointAt(at) ?? 0;
	const hex = point.toString(16).toUpperCase().padStart(4, '0');
	const shown = point > space && point < 0x7f ? ` ${String.fromCodePoint(point)}` : '';
	return `illegal character${shown} (U+${hex})`;
}

function nameEnd(text: string, from: number): number {
	let at = from;
	while (isLetter(text.charCodeAt(at)) || isDigit(text.charCodeAt(at))) at++;
	return at;
}

function digitsEnd(text: string, from: number): number {
	let at = from;
	while (isDigit(text.charCodeAt(at))) at++;
	return at;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isLetter = (code: number): boolean => {
	const lower = code | lowerCase;
	return (lower >= 0x61 && lower <= 0x7a) || code === underscore;
};

const lowerCase = 0x20;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const hash = 0x23;
const dollar = 0x24;
const plus = 0x2b;
const minus = 0x2d;
const dot = 0x2e;
const equals = 0x3d;
const underscore = 0x5f;
const backtick = 0x60;
const letterE = 0x65;
