// base64, base64url and hex. Texts are encoded as UTF-8; decoded bytes that are no UTF-8 become U+FFFD.
import type { Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { dearCall, type Result, textSteps, unary, wrongType } from './operand.ts';

const onText = (name: string, run: (text: string) => Result): Builtin =>
	unary(name, (text, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(dearCall + textSteps(3 * text.length));
		return run(text);
	});

const standard = /^[A-Za-z0-9+/]*={0,2}$/;
const url = /^[A-Za-z0-9_-]*={0,2}$/;
const outside = { base64: /[^A-Za-z0-9+/]/, base64url: /[^A-Za-z0-9_-]/ };

/** Padding is required, line ends are not looked at, as in Go. */
function decode(text: string, encoding: 'base64' | 'base64url'): string | BuiltinError {
	const clean = text.replace(/[\r\n]/g, '');
	const isWhole = clean.length % 4 === 0 && (encoding === 'base64' ? standard : url).test(clean);
	if (isWhole) return Buffer.from(clean, encoding).toString('utf8');
	const at = text.search(outside[encoding]);
	return new BuiltinError(`illegal base64 data at input byte ${at < 0 ? text.length : at}`);
}

/** base64url may leave its padding out. */
function decodeUrl(text: string): Result {
	if (text.endsWith('=')) return decode(text, 'base64url');
	const rest = text.length % 4;
	if (rest === 1) return new BuiltinError(`illegal base64url string: ${text}`);
	return decode(text + '='.repeat((4 - rest) % 4), 'base64url');
}

const padded = (text: string): string => {
	const encoded = Buffer.from(text, 'utf8').toString('base64url');
	return encoded + '='.repeat((4 - (encoded.length % 4)) % 4);
};

function decodeHex(text: string): Result {
	const bad = /[^0-9A-Fa-f]/u.exec(text);
	// Go looks at the pairs first: a single digit at the end is only seen where all before it are right.
	if (bad !== null) {
		const character = bad[0];
		const byte = Buffer.from(character, 'utf8')[0] as number;
		const shown = byte < 0x80 && byte >= 0x20 ? ` '${character}'` : '';
		return new BuiltinError(
			`encoding/hex: invalid byte: U+${byte.toString(16).toUpperCase().padStart(4, '0')}${shown}`,
		);
	}
	if (text.length % 2 === 1) return new BuiltinError('encoding/hex: odd length hex string');
	return Buffer.from(text, 'hex').toString('utf8');
}

export const encodings: readonly Builtin[] = [
	onText('base64.encode', (text) => Buffer.from(text, 'utf8').toString('base64')),
	onText('base64.decode', (text) => decode(text, 'base64')),
	unary('base64.is_valid', (value: Value, context) => {
		if (typeof value !== 'string') return false;
		context.charge(dearCall + textSteps(3 * value.length));
		return typeof decode(value, 'base64') === 'string';
	}),
	onText('base64url.encode', padded),
	onText('base64url.encode_no_pad', (text) => Buffer.from(text, 'utf8').toString('base64url')),
	onText('base64url.decode', decodeUrl),
	onText('hex.encode', (text) => Buffer.from(text, 'utf8').toString('hex')),
	onText('hex.decode', decodeHex),
];
