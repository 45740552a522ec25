// Values as Rego writes them: {"a": [1, "x"]}, {1, 2}, set(). For sprintf, template strings and error messages.
import { isArray, isSet, objectEntries, type RegoObject, type Value } from '../value/value.ts';

/** Charge the value (chargeValue) before it is written. */
export function valueText(value: Value): string {
	if (typeof value === 'string') return quoted(value);
	if (typeof value !== 'object' || value === null) return String(value);
	if (isArray(value)) return `[${value.map(valueText).join(', ')}]`;
	if (isSet(value)) return value.size === 0 ? 'set()' : `{${value.items().map(valueText).join(', ')}}`;
	const entries = objectEntries(value as RegoObject);
	return `{${entries.map(([key, item]) => `${valueText(key)}: ${valueText(item)}`).join(', ')}}`;
}

const named = new Map([
	[0x07, '\\a'],
	[0x08, '\\b'],
	[0x09, '\\t'],
	[0x0a, '\\n'],
	[0x0b, '\\v'],
	[0x0c, '\\f'],
	[0x0d, '\\r'],
	[0x22, '\\"'],
	[0x5c, '\\\\'],
]);
const plain = /^[ !#-[\]-~]*$/;
/** Go prints letters, marks, numbers, punctuation, symbols and the ASCII space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const ascii7 = /^[ -~]*$/;
const special = /["\\]|[^ -~]/gu;

/** As Go's strconv.Quote, or QuoteToASCII. */
export function quoted(text: string, ascii = false): string {
	if (plain.test(text)) return `"${text}"`;
	if (ascii7.test(text)) return quotedAscii(text);
	return `"${inPieces(text, (piece) => piece.replace(special, (character) => escaped(character, ascii)))}"`;
}

const quote = 0x22;
const backslash = 0x5c;

/** Byte by byte: a hostile text is nothing but backslashes. */
function quotedAscii(text: string): string {
	const source = Buffer.from(text, 'latin1');
	const quotedText = Buffer.allocUnsafe(2 * source.length + 2);
	let at = 0;
	quotedText[at++] = quote;
	for (let i = 0; i < source.length; i++) {
		const byte = source[i] as number;
		if (byte === quote || byte === backslash) quotedText[at++] = backslash;
		quotedText[at++] = byte;
	}
	quotedText[at++] = quote;
	return quotedText.toString('latin1', 0, at);
}

/** What a replacement keeps for each match goes with the piece; a text grown by characters is a tree to V8, 30 bytes for each. */
const pieceLength = 65_536;

function inPieces(text: string, replace: (piece: string) => string): string {
	if (text.length <= pieceLength) return replace(text);
	const pieces: string[] = [];
	for (let from = 0; from < text.length; ) {
		const last = text.charCodeAt(from + pieceLength - 1);
		// Not between the halves of a surrogate pair.
		const end = from + pieceLength - (last >= 0xd800 && last <= 0xdbff ? 1 : 0);
		pieces.push(replace(text.slice(from, end)));
		from = end;
	}
	return pieces.join('');
}

function escaped(character: string, ascii: boolean): string {
	const code = character.codePointAt(0) as number;
	const name = named.get(code);
	if (name !== undefined) return name;
	if (code >= 0xd800 && code <= 0xdfff) return ascii ? '\\ufffd' : '\ufffd';
	if (ascii ? code >= 0x20 && code < 0x7f : printable.test(character)) return character;
	const hex = code.toString(16);
	if (code < 0x80) return `\\x${hex.padStart(2, '0')}`;
	return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}
