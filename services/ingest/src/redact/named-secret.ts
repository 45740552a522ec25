// Values that their name makes secrets. A keyword is found by one search; around it at most `nameMax` characters are
// looked at, and each value is passed once, so the time is linear.
import type { NamedPattern, SchemePattern, ShortOptionPattern } from './patterns.ts';

/** Longest part of a name before or after the keyword. */
const nameMax = 64;
const spacesMax = 8;

/** [start, end) of a secret in the text. */
export interface Secret {
	readonly start: number;
	readonly end: number;
}

/** `password`, `pass-word` is not searched: only the words' own joints may have a hyphen or an underscore. */
const joints: Readonly<Record<string, string>> = {
	apikey: 'api[-_]?key',
	accesskey: 'access[-_]?key',
	accountkey: 'account[-_]?key',
	authkey: 'auth[-_]?key',
	privatekey: 'private[-_]?key',
	signingkey: 'signing[-_]?key',
};

export function namedSecrets(pattern: NamedPattern): (text: string) => Secret[] {
	const words = pattern.words.map((word) => joints[word] ?? word);
	// `pass` alone only as a name's last word: bypass and compass are none.
	const keyword = new RegExp(`${words.join('|')}|(?<![A-Za-z0-9])pass(?![A-Za-z0-9_.-])`, 'gi');
	return (text) => {
		const secrets: Secret[] = [];
		keyword.lastIndex = 0;
		for (let found = keyword.exec(text); found; found = keyword.exec(text)) {
			const secret = namedValue(text, found.index, keyword.lastIndex, pattern);
			if (!secret) continue;
			secrets.push(secret);
			keyword.lastIndex = secret.end;
		}
		return secrets;
	};
}

function namedValue(text: string, start: number, end: number, pattern: NamedPattern): Secret | null {
	const first = nameStart(text, start);
	let p = end;
	while (p < text.length && p - end < nameMax && isNameCharacter(text.charCodeAt(p))) p++;
	const bare = text.slice(start, p).toLowerCase().replaceAll(/[-_.]/g, '');
	if (pattern.exceptSuffixes.some((suffix) => bare.endsWith(suffix))) return null;
	const isOption = text[first] === '-';
	const separator = separatorEnd(text, p, isOption);
	if (separator < 0) return null;
	// An option whose value is missing: the next option follows.
	if (isOption && text[separator - 1] !== '=' && text.startsWith('--', separator)) return null;
	return secretAt(text, withScheme(text, separator));
}

function nameStart(text: string, keyword: number): number {
	let p = keyword;
	while (p > 0 && keyword - p < nameMax && isNameCharacter(text.charCodeAt(p - 1))) p--;
	return p;
}

/** Letters, digits, `-`, `_`, `.`. */
function isNameCharacter(code: number): boolean {
	return (
		(code >= 0x61 && code <= 0x7a) ||
		(code >= 0x41 && code <= 0x5a) ||
		(code >= 0x30 && code <= 0x39) ||
		code === 0x2d ||
		code === 0x5f ||
		code === 0x2e
	);
}

/** Where the value begins: after `=`, after `:`, or after blanks where the name is an option's; -1 when it has none. */
function separatorEnd(text: string, afterName: number, isOption: boolean): number {
	let p = afterName;
	// "password": "X", also with the quotes escaped.
	if (text[p] === '\\') p++;
	if (text[p] === '"' || text[p] === "'") p++;
	const quoted = p > afterName;
	p = skipBlanks(text, p);
	if (text[p] === '=' || text[p] === ':') return skipBlanks(text, p + 1);
	return isOption && !quoted && p > afterName ? p : -1;
}

function skipBlanks(text: string, start: number): number {
	let p = start;
	while (p < text.length && p - start < spacesMax && isBlank(text.charCodeAt(p))) p++;
	return p;
}

const isBlank = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);

const schemeWord = /(?:bearer|basic|token|digest)\s{1,8}/iy;

/** Authorization: Bearer X: the secret is the second word. */
function withScheme(text: string, start: number): number {
	schemeWord.lastIndex = start;
	return schemeWord.test(text) ? schemeWord.lastIndex : start;
}

const marker = /\[redacted:[a-z0-9-]{1,40}\]/y;

/** The word (or the quoted words) at `start`; null when there is none, or when it is redacted already. */
function secretAt(text: string, start: number): Secret | null {
	const end = trimmedEnd(text, start, wordEnd(text, start));
	if (end <= start) return null;
	marker.lastIndex = start;
	if (marker.test(text) && marker.lastIndex === end) return null;
	return { start, end };
}

/** To the next blank that is in no quotes. */
function wordEnd(text: string, start: number): number {
	let p = start;
	let quote = '';
	// Only quotes that open the word hold blanks: an apostrophe inside it is a character like others.
	if (text[p] === '\\' && (text[p + 1] === '"' || text[p + 1] === "'")) p++;
	if (text[p] === '"' || text[p] === "'") quote = text[p++] as string;
	for (; p < text.length; p++) {
		if (quote !== '') {
			if (text[p] === quote) quote = '';
		} else if (isBlank(text.charCodeAt(p))) break;
	}
	return p;
}

/** Without the quotes and brackets that close what is around the word. */
function trimmedEnd(text: string, start: number, wordsEnd: number): number {
	const opening = text[start];
	if (opening === '"' || opening === "'") return wordsEnd;
	let end = wordsEnd;
	while (end > start && (text[end - 1] === '"' || text[end - 1] === "'")) end--;
	return end;
}

/** The word after `Bearer`. */
export function schemeSecrets(pattern: SchemePattern): (text: string) => Secret[] {
	// 16 characters: `basic usage` is no credential.
	const form = new RegExp(`(?<![A-Za-z0-9])(?:${pattern.schemes.join('|')})\\s{1,8}(?=[A-Za-z0-9+/=_.~-]{16})`, 'gi');
	return (text) => secretsAfter(text, form);
}

/** `-u user:password`, `--user user:password` (numbers are a user and a group), `login … -p X`. */
export function shortOptionSecrets(_pattern: ShortOptionPattern): (text: string) => Secret[] {
	const user =
		/(?<=^|[\s"'])(?:-u|--user|--proxy-user)[\s=]{1,8}["']?(?!\d{1,10}:\d{1,10}(?:[\s"']|$))[^\s:"'/]{1,128}:/g;
	const login = /(?<=^|[\s"'])login(?=[\s"']|$)/;
	const password = /(?<=^|[\s"'])-p[\s=]{1,8}/g;
	return (text) => {
		const secrets = secretsAfter(text, user);
		const from = text.search(login);
		if (from >= 0) for (const secret of secretsAfter(text, password)) if (secret.start > from) secrets.push(secret);
		return secrets.sort((a, b) => a.start - b.start);
	};
}

function secretsAfter(text: string, form: RegExp): Secret[] {
	const secrets: Secret[] = [];
	form.lastIndex = 0;
	while (form.test(text)) {
		const secret = secretAt(text, form.lastIndex);
		if (!secret) continue;
		secrets.push(secret);
		form.lastIndex = secret.end;
	}
	return secrets;
}
