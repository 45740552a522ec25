// Strings as bytes. UTF-8; a lone surrogate, which UTF-8 has no form for, as its three bytes of generalized UTF-8 (WTF-8), so
// that every key comes back as it went in. Foreign bytes that are neither become U+FFFD.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeText(text: string): Buffer {
	if (text.isWellFormed()) return Buffer.from(text, 'utf8');
	const parts: Buffer[] = [];
	let from = 0;
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit < 0xd800 || unit > 0xdfff) continue;
		const next = text.charCodeAt(i + 1);
		if (unit <= 0xdbff && next >= 0xdc00 && next <= 0xdfff) {
			i += 1;
			continue;
		}
		parts.push(Buffer.from(text.slice(from, i), 'utf8'), surrogateBytes(unit));
		from = i + 1;
	}
	parts.push(Buffer.from(text.slice(from), 'utf8'));
	return Buffer.concat(parts);
}

const surrogateBytes = (unit: number): Buffer =>
	Buffer.from([0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]);

export function decodeText(bytes: Uint8Array): string {
	try {
		return utf8.decode(bytes);
	} catch {
		return decodeGeneralized(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
	}
}

function decodeGeneralized(bytes: Buffer): string {
	let text = '';
	let from = 0;
	for (let i = 0; i + 2 < bytes.length; i++) {
		if (bytes[i] !== 0xed) continue;
		const second = bytes[i + 1] as number;
		const third = bytes[i + 2] as number;
		if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) continue;
		text += bytes.toString('utf8', from, i) + String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
		i += 2;
		from = i + 1;
	}
	return text + bytes.toString('utf8', from);
}
