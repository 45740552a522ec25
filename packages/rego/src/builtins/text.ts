// Texts as OPA sees them: sequences of code points. JavaScript's are sequences of UTF-16 units.

const isLead = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** Whether the text has a surrogate: elsewhere units and code points are the same. */
export function hasSurrogate(text: string): boolean {
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit >= 0xd800 && unit <= 0xdfff) return true;
	}
	return false;
}

/** Code points in text[0, end). */
export function codePointCount(text: string, end: number = text.length): number {
	let count = end;
	for (let i = 0; i + 1 < end; i++) {
		if (!isLead(text.charCodeAt(i))) continue;
		const next = text.charCodeAt(i + 1);
		if (next < 0xdc00 || next > 0xdfff) continue;
		count--;
		i++;
	}
	return count;
}

/** The unit at which the code point of that index begins; the text's length beyond its end. */
export function unitIndex(text: string, codePoint: number): number {
	let unit = 0;
	for (let i = 0; i < codePoint && unit < text.length; i++) {
		unit += (text.codePointAt(unit) as number) > 0xffff ? 2 : 1;
	}
	return unit;
}

/** Unicode's white space, as Go's unicode.IsSpace: U+0085 is, U+FEFF is not. */
export function isSpace(unit: number): boolean {
	if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
	if (unit < 0x1680) return unit === 0x85 || unit === 0xa0;
	if (unit >= 0x2000 && unit <= 0x200a) return true;
	return unit === 0x1680 || unit === 0x2028 || unit === 0x2029 || unit === 0x202f || unit === 0x205f || unit === 0x3000;
}

/** Go maps each code point to one: no ß to SS, no final sigma, and a dotted İ to a plain i. */
export function mapCase(text: string, upper: boolean): string {
	const native = upper ? text.toUpperCase() : text.toLowerCase();
	if (isAscii(text)) return native;
	let result = '';
	for (const character of text) {
		const mapped = upper ? character.toUpperCase() : character === '\u0130' ? 'i' : character.toLowerCase();
		result += codePointCount(mapped) === 1 ? mapped : character;
	}
	return result;
}

function isAscii(text: string): boolean {
	for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
	return true;
}
