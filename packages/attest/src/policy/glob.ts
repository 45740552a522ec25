// The globs of Witness's constraints on Fulcio's extensions (gobwas/glob without separators), matched in linear steps:
// `*` and `**` any text, `?` one character, [abc], [!abc], [a-z], {one,other}, \ for the character itself.

type Part =
	| { kind: 'text'; chars: readonly string[] }
	| { kind: 'any' }
	| { kind: 'single' }
	| { kind: 'chars'; chars: ReadonlySet<string>; not: boolean }
	| { kind: 'range'; low: number; high: number; not: boolean }
	| { kind: 'alternatives'; patterns: readonly Glob[] };

export type Glob = readonly Part[];

/** Longest pattern, characters; and longest text that is matched. */
export const globLengthMax = 1_000;
export const globTextMax = 10_000;
const alternativesDepthMax = 16;

interface Reader {
	chars: readonly string[];
	at: number;
	depth: number;
}

/** Null when it is no pattern; the real engine crashes on one. */
export function compileGlob(pattern: string): Glob | null {
	const chars = [...pattern];
	if (chars.length > globLengthMax) return null;
	const reader: Reader = { chars, at: 0, depth: 0 };
	const glob = readPattern(reader);
	return glob === null || reader.at < chars.length ? null : glob;
}

function readPattern(reader: Reader): Glob | null {
	const parts: Part[] = [];
	let literal: string[] = [];
	const flush = (): void => {
		if (literal.length > 0) parts.push({ kind: 'text', chars: literal });
		literal = [];
	};
	while (reader.at < reader.chars.length) {
		const char = reader.chars[reader.at] as string;
		if (reader.depth > 0 && (char === ',' || char === '}')) break;
		reader.at++;
		if (char === '\\') {
			const escaped = reader.chars[reader.at++];
			if (escaped !== undefined) literal.push(escaped);
			continue;
		}
		const part = readPart(reader, char);
		if (part === null) return null;
		if (part === 'literal') literal.push(char);
		else {
			flush();
			parts.push(part);
		}
	}
	flush();
	return parts;
}

function readPart(reader: Reader, char: string): Part | 'literal' | null {
	switch (char) {
		case '*':
			return { kind: 'any' };
		case '?':
			return { kind: 'single' };
		case '[':
			return readClass(reader);
		case '{':
			return readAlternatives(reader);
		default:
			return 'literal';
	}
}

function readClass(reader: Reader): Part | null {
	const not = reader.chars[reader.at] === '!';
	if (not) reader.at++;
	const [low, dash, high, close] = reader.chars.slice(reader.at, reader.at + 4);
	if (dash === '-') {
		if (low === undefined || high === undefined || close !== ']') return null;
		const from = low.codePointAt(0) ?? 0;
		const to = high.codePointAt(0) ?? 0;
		if (to < from) return null;
		reader.at += 4;
		return { kind: 'range', low: from, high: to, not };
	}
	const chars = new Set<string>();
	for (; reader.at < reader.chars.length; reader.at++) {
		let char = reader.chars[reader.at] as string;
		if (char === ']') {
			reader.at++;
			return chars.size === 0 ? null : { kind: 'chars', chars, not };
		}
		if (char === '\\') char = reader.chars[++reader.at] ?? '';
		chars.add(char);
	}
	return null;
}

function readAlternatives(reader: Reader): Part | null {
	if (++reader.depth > alternativesDepthMax) return null;
	const patterns: Glob[] = [];
	for (;;) {
		const pattern = readPattern(reader);
		if (pattern === null) return null;
		patterns.push(pattern);
		const end = reader.chars[reader.at++];
		if (end === '}') break;
		if (end !== ',') return null;
	}
	reader.depth--;
	return { kind: 'alternatives', patterns };
}

export function matchGlob(glob: Glob, text: string): boolean {
	const chars = [...text];
	if (chars.length > globTextMax) return false;
	const start = new Uint8Array(chars.length + 1);
	start[0] = 1;
	return advance(glob, chars, start)[chars.length] === 1;
}

/** Positions that can be reached from `from` by the pattern; one byte for each position. */
function advance(glob: Glob, chars: readonly string[], from: Uint8Array): Uint8Array {
	let positions = from;
	for (const part of glob) positions = step(part, chars, positions);
	return positions;
}

function step(part: Part, chars: readonly string[], from: Uint8Array): Uint8Array {
	const to = new Uint8Array(from.length);
	switch (part.kind) {
		case 'any': {
			const first = from.indexOf(1);
			if (first >= 0) to.fill(1, first);
			return to;
		}
		case 'text':
			for (let i = 0; i + part.chars.length < from.length; i++)
				if (from[i] === 1 && part.chars.every((char, j) => chars[i + j] === char)) to[i + part.chars.length] = 1;
			return to;
		case 'alternatives':
			for (const pattern of part.patterns) {
				const reached = advance(pattern, chars, from);
				for (let i = 0; i < to.length; i++) if (reached[i] === 1) to[i] = 1;
			}
			return to;
		default:
			for (let i = 0; i < chars.length; i++) if (from[i] === 1 && accepts(part, chars[i] as string)) to[i + 1] = 1;
			return to;
	}
}

function accepts(part: Exclude<Part, { kind: 'any' | 'text' | 'alternatives' }>, char: string): boolean {
	switch (part.kind) {
		case 'single':
			return true;
		case 'chars':
			return part.chars.has(char) !== part.not;
		case 'range': {
			const code = char.codePointAt(0) ?? 0;
			return (code >= part.low && code <= part.high) !== part.not;
		}
	}
}
