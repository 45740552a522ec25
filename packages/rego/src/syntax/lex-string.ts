// Strings: quoted with JSON's escapes, raw between backticks, and the pieces of templates of both kinds.

export type Scanned =
	/** `part`: a template's text before an expression. `end` is the index after the closing character. */
	{ kind: 'whole' | 'part'; value: string; end: number } | { kind: 'illegal'; reason: string };

const backslash = 0x5c;
const brace = 0x7b;
const quote = 0x22;
const backtick = 0x60;
const lineFeed = 0x0a;

/** `from`: the index after the opening quote. */
export function scanQuoted(text: string, from: number, template: boolean): Scanned {
	let escaped = false;
	for (let at = from; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === quote) return decoded(text.slice(from, at), 'whole', at + 1, escaped, template);
		if (template && code === brace) return decoded(text.slice(from, at), 'part', at + 1, escaped, template);
		if (code === lineFeed) break;
		if (code !== backslash) continue;
		escaped = true;
		at++;
	}
	return { kind: 'illegal', reason: 'the string has no closing "' };
}

function decoded(inner: string, kind: 'whole' | 'part', end: number, escaped: boolean, template: boolean): Scanned {
	if (!escaped) return { kind, value: inner, end };
	const value = unescaped(inner, template);
	return value === null ? { kind: 'illegal', reason: 'illegal escape sequence in a string' } : { kind, value, end };
}

const escapes = new Map([
	['"', '"'],
	['\\', '\\'],
	['/', '/'],
	['b', '\b'],
	['f', '\f'],
	['n', '\n'],
	['r', '\r'],
	['t', '\t'],
]);

function unescaped(inner: string, template: boolean): string | null {
	let value = '';
	let from = 0;
	for (let at = inner.indexOf('\\'); at !== -1; at = inner.indexOf('\\', from)) {
		value += inner.slice(from, at);
		const letter = inner.charAt(at + 1);
		if (letter === 'u') {
			const hex = inner.slice(at + 2, at + 6);
			if (!/^[0-9a-fA-F]{4}$/.test(hex)) return null;
			value += String.fromCharCode(Number.parseInt(hex, 16));
			from = at + 6;
			continue;
		}
		const character = template && letter === '{' ? letter : escapes.get(letter);
		if (character === undefined) return null;
		value += character;
		from = at + 2;
	}
	// Half a surrogate pair has no UTF-8; Go reads it as U+FFFD.
	return (value + inner.slice(from)).toWellFormed();
}

/** Backslashes stand for themselves, but for \{ in a template. */
export function scanRaw(text: string, from: number, template: boolean): Scanned {
	let value = '';
	let start = from;
	for (let at = from; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === backtick) return { kind: 'whole', value: value + text.slice(start, at), end: at + 1 };
		if (!template) continue;
		if (code === brace) return { kind: 'part', value: value + text.slice(start, at), end: at + 1 };
		if (code === backslash && text.charCodeAt(at + 1) === brace) {
			value += text.slice(start, at);
			start = at + 1;
			at++;
		}
	}
	return { kind: 'illegal', reason: 'the raw string has no closing `' };
}
