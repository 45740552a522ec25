// Texts of ASN.1 strings, with the alphabets that Go's x509 holds them to.
import type { DerNode } from './der.ts';
import { contentOf, latin1 } from './der.ts';

const tag = { utf8: 12, numeric: 18, printable: 19, t61: 20, ia5: 22, bmp: 30 };

const printable = /^[A-Za-z0-9 '()+,\-./:=?*&]*$/;
const numeric = /^[0-9 ]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: IA5 is ASCII with its control characters.
const ascii = /^[\u0000-\u007f]*$/;

/** null for what is no string, or holds characters that its type does not have. */
export function textOf(node: DerNode): string | null {
	if (node.idBlock.tagClass !== 1 || node.idBlock.isConstructed) return null;
	const bytes = contentOf(node);
	switch (node.idBlock.tagNumber) {
		case tag.utf8:
			return utf8(bytes);
		case tag.printable:
			return matching(bytes, printable);
		case tag.numeric:
			return matching(bytes, numeric);
		case tag.ia5:
			return matching(bytes, ascii);
		case tag.t61:
			return latin1(bytes);
		case tag.bmp:
			return bmp(bytes);
		default:
			return null;
	}
}

/** ASCII text of raw bytes, null when it is none. */
export const asciiOf = (bytes: Uint8Array): string | null => matching(bytes, ascii);

function matching(bytes: Uint8Array, alphabet: RegExp): string | null {
	const text = latin1(bytes);
	return alphabet.test(text) ? text : null;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | null {
	try {
		return decoder.decode(bytes);
	} catch {
		return null;
	}
}

/** UCS-2, big endian: no surrogates, no noncharacters. */
function bmp(bytes: Uint8Array): string | null {
	if (bytes.length % 2 !== 0) return null;
	let text = '';
	for (let i = 0; i < bytes.length; i += 2) {
		const point = (bytes[i] as number) * 256 + (bytes[i + 1] as number);
		if (point >= 0xfffe || (point >= 0xfdd0 && point <= 0xfdef) || (point >= 0xd800 && point <= 0xdfff)) return null;
		text += String.fromCharCode(point);
	}
	return text.endsWith('\0') ? text.slice(0, -1) : text;
}
