// Values of Go that are one text or number in JSON, read and written again as their packages do it.
import { isIP } from 'node:net';
import type { Context } from './go-json-context.ts';
import { isObject, mismatch, where } from './go-json-context.ts';
import { Members, NumberToken } from './go-json-text.ts';
import { parseRfc3339 } from './rfc3339.ts';

const keyTypes: ReadonlySet<unknown> = new Set(['EC', 'RSA', 'OKP', 'oct']);

export function readKey(value: unknown, context: Context): unknown {
	const kind = isObject(value) && !(value instanceof Members) ? value['kty'] : undefined;
	return keyTypes.has(kind) ? value : mismatch(context, 'a JSON web key of type EC, RSA, OKP or oct', value);
}

export function readInteger(min: bigint, max: bigint, value: unknown, context: Context): unknown {
	if (typeof value === 'number' && Number.isInteger(value)) {
		if (value >= min && value <= max) return value + 0;
	} else if (value instanceof NumberToken && /^-?\d{1,30}$/.test(value.text)) {
		const whole = BigInt(value.text);
		if (whole >= min && whole <= max) return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
	}
	return mismatch(context, `an integer from ${min} to ${max}`, value);
}

/** The shortest decimal text that gives the same 32 bits, as Go writes it. */
export function readFloat(value: unknown, context: Context): unknown {
	const number = value instanceof NumberToken ? Number(value.text) : value;
	const single = typeof number === 'number' ? Math.fround(number) : Number.NaN;
	if (!Number.isFinite(single)) return mismatch(context, 'a number of 32 bits', value);
	for (let digits = 1; digits < 9; digits++) {
		const shortest = Number(single.toPrecision(digits));
		if (Math.fround(shortest) === single) return shortest;
	}
	return Number(single.toPrecision(9));
}

export function readAddress(value: unknown, context: Context): unknown {
	if (value === '') return '';
	const kind = typeof value === 'string' && !value.includes('%') ? isIP(value) : 0;
	if (kind === 0) return mismatch(context, 'an IP address', value);
	if (kind === 4) return value;
	const short = new URL(`http://[${value}]`).hostname.slice(1, -1);
	const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short);
	if (!mapped) return short;
	const high = Number.parseInt(mapped[1] as string, 16);
	const low = Number.parseInt(mapped[2] as string, 16);
	return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

export function readTime(value: unknown, context: Context): unknown {
	const time = typeof value === 'string' ? parseRfc3339(value, true) : null;
	return time === null ? mismatch(context, 'a time (RFC 3339)', value) : time.text;
}

export function readBytes(value: unknown, context: Context): unknown {
	if (Array.isArray(value)) context.ambiguity ||= `${where(context)} is an array of numbers, read as bytes`;
	const bytes = typeof value === 'string' ? decodeGoBase64(value) : byteList(value);
	return bytes === null ? mismatch(context, 'base64 (standard alphabet, padded)', value) : bytes.toString('base64');
}

/** Go also takes an array of numbers for bytes. */
function byteList(value: unknown): Buffer | null {
	if (!Array.isArray(value)) return null;
	for (const item of value) if (!Number.isInteger(item) || item < 0 || item > 255) return null;
	return Buffer.from(value as number[]);
}

/** Standard base64 with padding; line ends are skipped, as Go's decoder does. */
export function decodeGoBase64(encoded: string): Buffer | null {
	const text = encoded.includes('\n') || encoded.includes('\r') ? encoded.replace(/[\r\n]/g, '') : encoded;
	if (text.length % 4 !== 0) return null;
	const bytes = Buffer.from(text, 'base64');
	const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
	// Node skips what it does not know and takes the URL-safe alphabet too; both show.
	if (bytes.length !== (text.length / 4) * 3 - padding) return null;
	return text.includes('-') || text.includes('_') ? null : bytes;
}
