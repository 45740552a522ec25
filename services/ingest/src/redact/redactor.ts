// Takes secrets out of arguments and environment before they leave the host.
import type { Redactor } from '../event/process-info.ts';
import { namedSecrets, type Secret, schemeSecrets, shortOptionSecrets } from './named-secret.ts';
import type { Alphabet, BlockPattern, Pattern, TokenPattern, UrlPattern } from './patterns.ts';
import { shippedPatterns } from './patterns.ts';

/** Longer texts are not searched, and do not leave the host either. UTF-16 units. */
export const textLengthMax = 1 << 20;
export const tooLong = '[redacted:too-long]';

type Search = (text: string) => readonly Secret[];

/**
 * `text => text` with every secret replaced by `[redacted:NAME]`. Idempotent; time is linear in the text's length;
 * a text without a hint of a secret is returned as it is after one search.
 */
export function createRedactor(patterns: readonly Pattern[] = shippedPatterns): Redactor {
	const hint = new RegExp(patterns.flatMap(hintsOf).join('|'), 'i');
	const searches = patterns.map((pattern) => ({
		search: searchOf(pattern),
		replacement: `[redacted:${pattern.name}]`,
	}));
	return (text) => {
		if (text.length > textLengthMax) return tooLong;
		if (!hint.test(text)) return text;
		let redacted = text;
		for (const { search, replacement } of searches) redacted = replaceAll(redacted, search(redacted), replacement);
		return redacted;
	};
}

/** `secrets` in order, without overlap. */
function replaceAll(text: string, secrets: readonly Secret[], replacement: string): string {
	if (secrets.length === 0) return text;
	let result = '';
	let from = 0;
	for (const { start, end } of secrets) {
		if (start < from) continue;
		result += text.slice(from, start) + replacement;
		from = end;
	}
	return result + text.slice(from);
}

function searchOf(pattern: Pattern): Search {
	switch (pattern.kind) {
		case 'token':
			return tokenSecrets(pattern);
		case 'block':
			return blockSecrets(pattern);
		case 'url':
			return urlSecrets(pattern);
		case 'named':
			return namedSecrets(pattern);
		case 'scheme':
			return schemeSecrets(pattern);
		case 'short-option':
			return shortOptionSecrets(pattern);
	}
}

/** Regular expressions, any case, of which one matches wherever the pattern does. */
function hintsOf(pattern: Pattern): readonly string[] {
	switch (pattern.kind) {
		case 'token':
			return [escaped(pattern.prefix)];
		case 'block':
			return [escaped(pattern.begin)];
		case 'url':
			return [':\\/\\/'];
		case 'named':
			return ['pass', ...pattern.words.filter((word) => !word.endsWith('key')), '[a-z][-_]?key'];
		case 'scheme':
			return pattern.schemes;
		case 'short-option':
			return ['login', '-u[\\s=]', '--user', '--proxy-user'];
	}
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&');

const alphabets: Readonly<Record<Alphabet, string>> = {
	alphanumeric: 'A-Za-z0-9',
	upper: 'A-Z0-9',
	hex: '0-9a-f',
	word: '\\w-',
	dotted: '\\w.=-',
	path: '\\w/-',
};

/** Linear: a failed try looks at `min` characters, a good one ends where the alphabet does. */
function tokenSecrets(pattern: TokenPattern): Search {
	const { prefix, holds } = pattern;
	const form = new RegExp(`${escaped(prefix)}[${alphabets[pattern.alphabet]}]{${pattern.min},}`, 'g');
	return (text) => {
		if (!text.includes(prefix)) return none;
		const secrets: Secret[] = [];
		form.lastIndex = 0;
		for (let found = form.exec(text); found; found = form.exec(text)) {
			if (holds !== undefined && !found[0].includes(holds, prefix.length)) continue;
			secrets.push({ start: found.index, end: form.lastIndex });
		}
		return secrets;
	};
}

const none: readonly Secret[] = [];

const beginLineMax = 60;

function blockSecrets(pattern: BlockPattern): Search {
	// Capitals only up to the marker: what was redacted between them does not bring two parts together.
	const begin = new RegExp(`${escaped(pattern.begin)}[A-Z0-9 ]{0,${beginLineMax}}?${escaped(pattern.marker)}`, 'g');
	return (text) => {
		const secrets: Secret[] = [];
		begin.lastIndex = 0;
		for (let found = begin.exec(text); found; found = begin.exec(text)) {
			const close = text.indexOf(pattern.end, begin.lastIndex);
			const end = close < 0 ? text.length : endOfLine(text, close + pattern.end.length);
			secrets.push({ start: found.index, end });
			begin.lastIndex = end;
		}
		return secrets;
	};
}

/** After the five dashes that close the end line, or where they should be. */
function endOfLine(text: string, from: number): number {
	const dashes = text.indexOf('-----', from);
	return dashes < 0 || dashes - from > beginLineMax ? from : dashes + 5;
}

/** A user name alone is a secret when it is as long as a token. */
const userLengthMax = 15;

function urlSecrets(_pattern: UrlPattern): Search {
	// The last @ of the authority: a password may hold one. At most 512 characters are looked at for each `://`.
	const form = /:\/\/([^\s/?#"'<>]{1,512})@/g;
	return (text) => {
		const secrets: Secret[] = [];
		for (const match of text.matchAll(form)) {
			const userInfo = match[1] as string;
			if (!userInfo.includes(':') && userInfo.length <= userLengthMax) continue;
			if (/^\[redacted:[a-z0-9-]+\]$/.test(userInfo)) continue;
			const start = match.index + 3;
			secrets.push({ start, end: start + userInfo.length });
		}
		return secrets;
	};
}
