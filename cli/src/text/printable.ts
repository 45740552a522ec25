// What a build host reports is printed to a terminal: a path may hold newlines, escape sequences or bidirectional overrides.

const escapeOf = (code: number): string =>
	code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`;

/** C0, DEL, C1, line and paragraph separators, bidirectional marks and zero-width characters. */
const isUnprintable = (code: number): boolean =>
	code < 0x20 ||
	(code >= 0x7f && code <= 0x9f) ||
	(code >= 0x200b && code <= 0x200f) ||
	(code >= 0x2028 && code <= 0x202e) ||
	(code >= 0x2060 && code <= 0x2069) ||
	code === 0xfeff;

/** One line that cannot move the cursor or reorder text; characters that could are shown as \xNN or \uNNNN. */
export function printable(text: string): string {
	let out = '';
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		out += isUnprintable(code) ? escapeOf(code) : text[i];
	}
	return out;
}

/** `printable`, cut to `charsMax` characters with an ellipsis. */
export function clipped(text: string, charsMax: number): string {
	const line = printable(text.length > charsMax * 2 ? text.slice(0, charsMax * 2) : text);
	return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line;
}
