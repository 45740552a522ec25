// What the lexer makes of a module's text. Keywords stay names: which of them are keywords depends on the imports.

export type TokenKind =
	| 'name'
	| 'number'
	| 'string'
	/** The text of a template up to a {, and up to its end. */
	| 'templatePart'
	| 'templateEnd'
	/** Something that is no token; `text` is the whole complaint. */
	| 'illegal'
	/** The text goes on, and is not read any further; `text` names the limit. */
	| 'limit'
	| 'end'
	| Punctuation;

export type Punctuation = (typeof punctuations)[number];

/** Those of two characters all end with =. */
export const punctuations = [
	...([':=', '==', '!=', '>=', '<='] as const),
	...(['{', '}', '[', ']', '(', ')', ',', ':', ';', '.', '+', '-', '*', '/', '%', '&', '|', '=', '<', '>'] as const),
] as const;

export interface Token {
	kind: TokenKind;
	/** Name, digits, decoded string, complaint; the characters themselves for punctuation. */
	text: string;
	/** Count from 1. */
	row: number;
	column: number;
	/** White space or a comment before it, and whether that held a line's end. */
	spaced: boolean;
	newline: boolean;
}

const excerptLength = 30;

export function describeToken({ kind, text }: Token): string {
	const excerpt = text.length > excerptLength ? `${text.slice(0, excerptLength)}…` : text;
	switch (kind) {
		case 'end':
			return 'the end of the module';
		case 'string':
			return `the string ${JSON.stringify(excerpt)}`;
		case 'templatePart':
		case 'templateEnd':
			return 'a template string';
		case 'number':
			return `the number ${excerpt}`;
		default:
			return excerpt;
	}
}
