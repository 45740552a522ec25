// The payload of an envelope straight from its JSON bytes: a text of 100 MB as JavaScript strings would cost several times that.

export interface ByteRange {
	start: number;
	end: number;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBrace = 0x7d;
const closeBracket = 0x5d;

/** Names as they stand between quotes. */
const payloadName = Buffer.from('payload');
const bundleName = Buffer.from('dsseEnvelope');

/**
 * Where the text of `payload` lies, of the envelope or of a bundle's dsseEnvelope. Taking it out leaves JSON that means the
 * same with an empty payload. null whenever that is not certain (twice, escaped names or text, no string, more than
 * `restMax` bytes beside it): the caller then reads the whole.
 */
export function findPayload(bytes: Buffer, restMax: number): ByteRange | null {
	/** Of the envelope itself, and of a bundle's. */
	const found: (ByteRange | null)[] = [null, null];
	let bundles = 0;
	let inBundle = false;
	let depth = 0;
	let lifted = 0;
	let i = 0;
	while (i < bytes.length) {
		if (i - lifted > restMax) return null;
		const byte = bytes[i] as number;
		if (byte !== quote) {
			if (byte === openBrace || byte === openBracket) depth++;
			else if ((byte === closeBrace || byte === closeBracket) && --depth < 2) inBundle = false;
			i++;
			continue;
		}
		const text = readString(bytes, i, restMax);
		if (!text) return null;
		i = text.end + 1;
		const level = depth === 1 ? 0 : depth === 2 && inBundle ? 1 : -1;
		const afterName = skipSpace(bytes, i);
		if (level < 0 || bytes[afterName] !== colon) continue;
		// JSON may spell any name with escapes.
		if (text.escaped) return null;
		const value = skipSpace(bytes, afterName + 1);
		const name = bytes.subarray(text.start, text.end);
		if (level === 0 && name.equals(bundleName)) {
			if (++bundles > 1) return null;
			inBundle = bytes[value] === openBrace;
		}
		if (!name.equals(payloadName)) continue;
		const payload = bytes[value] === quote ? readString(bytes, value, restMax) : null;
		if (!payload || payload.escaped || found[level]) return null;
		found[level] = { start: payload.start, end: payload.end };
		lifted += payload.end - payload.start;
		i = payload.end + 1;
	}
	return found[bundles] ?? null;
}

interface StringBytes extends ByteRange {
	escaped: boolean;
}

/** The string whose quote is at `from`; null when it does not end, or has escapes over more than `escapedMax` bytes. */
function readString(bytes: Buffer, from: number, escapedMax: number): StringBytes | null {
	const start = from + 1;
	const close = bytes.indexOf(quote, start);
	if (close < 0) return null;
	// Most strings are short and few are not the payload, so looking twice costs little.
	if (!bytes.subarray(start, close).includes(backslash)) return { start, end: close, escaped: false };
	for (let i = start; i < bytes.length && i - start <= escapedMax; i++) {
		const byte = bytes[i];
		if (byte === backslash) i++;
		else if (byte === quote) return { start, end: i, escaped: true };
	}
	return null;
}

function skipSpace(bytes: Buffer, from: number): number {
	let i = from;
	while (bytes[i] === 0x20 || bytes[i] === 0x0a || bytes[i] === 0x0d || bytes[i] === 0x09) i++;
	return i;
}

const equals = 0x3d;
const dash = 0x2d;
const underscore = 0x5f;

/** Bytes that a padded base64 text decodes to; null when its length is none of such a text. */
export function base64Size(text: Buffer, { start, end }: ByteRange): number | null {
	const length = end - start;
	if (length % 4 !== 0) return null;
	if (length === 0) return 0;
	const padding = text[end - 1] !== equals ? 0 : text[end - 2] !== equals ? 1 : 2;
	return (length / 4) * 3 - padding;
}

/** Characters that are decoded at once: a multiple of four. */
const chunkChars = 64 * 1024;

/**
 * Decodes standard, padded base64 behind `head`, in one allocation, and gives the part after it; null for anything else
 * (Node's own decoder skips what it does not know, takes the URL-safe alphabet, and stops at padding).
 */
export function decodeBase64(
	text: Buffer,
	range: ByteRange = { start: 0, end: text.length },
	head: Buffer = emptyHead,
): Buffer | null {
	const size = base64Size(text, range);
	if (size === null) return null;
	const encoded = text.subarray(range.start, range.end);
	if (encoded.includes(dash) || encoded.includes(underscore)) return null;
	const bytes = Buffer.allocUnsafeSlow(head.length + size);
	head.copy(bytes);
	let at = head.length;
	for (let from = 0; from < encoded.length; from += chunkChars) {
		const chunk = encoded.toString('latin1', from, Math.min(from + chunkChars, encoded.length));
		at += bytes.write(chunk, at, 'base64');
	}
	return at === bytes.length ? bytes.subarray(head.length) : null;
}

const emptyHead = Buffer.alloc(0);
