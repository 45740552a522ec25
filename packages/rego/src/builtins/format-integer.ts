// Integers by the verbs of Go's package fmt, of 64 bits and larger ones (Go's int64 and *big.Int), which differ a little.
import { type Flags, pad } from './format-flags.ts';
import { quoted } from './value-text.ts';

const radixes: Readonly<Record<string, number>> = { b: 2, o: 8, O: 8, d: 10, v: 10, x: 16, X: 16 };
const codePointMax = 0x10ffffn;

const sign = (negative: boolean, flags: Flags): string => (negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '');

function prefix(verb: string, digits: string, flags: Flags): string {
	if (verb === 'O') return flags.sharp && !digits.startsWith('0') ? '0o0' : '0o';
	if (!flags.sharp) return '';
	if (verb === 'b') return '0b';
	if (verb === 'o') return digits.startsWith('0') ? '' : '0';
	return verb === 'x' ? '0x' : verb === 'X' ? '0X' : '';
}

/** undefined: no verb of integers. */
export function formatInteger(value: bigint, verb: string, flags: Flags): string | undefined {
	if (verb === 'c') return pad(character(value), flags);
	if (verb === 'q') return pad(quotedCharacter(value, flags.plus), flags);
	if (verb === 'U') return unicode(value, flags);
	const radix = radixes[verb];
	if (radix === undefined) return undefined;
	const negative = value < 0n;
	let digits = (negative ? -value : value).toString(radix);
	if (verb === 'X') digits = digits.toUpperCase();
	const signText = sign(negative, flags);
	let length = 0;
	if (flags.precision !== undefined) {
		if (flags.precision === 0 && value === 0n) return ' '.repeat(flags.width ?? 0);
		length = flags.precision;
	} else if (flags.zero && !flags.minus && flags.width !== undefined) length = flags.width - signText.length;
	digits = digits.padStart(length, '0');
	return pad(signText + prefix(verb, digits, flags) + digits, flags, false);
}

const character = (value: bigint): string =>
	value < 0n || value > codePointMax || (value >= 0xd800n && value <= 0xdfffn)
		? '\ufffd'
		: String.fromCodePoint(Number(value));

function quotedCharacter(value: bigint, ascii: boolean): string {
	const text = character(value);
	if (text === "'") return "'\\''";
	return text === '"' ? `'"'` : `'${quoted(text, ascii).slice(1, -1)}'`;
}

function unicode(value: bigint, flags: Flags): string {
	const unsigned = BigInt.asUintN(64, value);
	const digits = unsigned
		.toString(16)
		.toUpperCase()
		.padStart(Math.max(flags.precision ?? 4, 4), '0');
	const shown = flags.sharp && unsigned <= codePointMax && !quoted(character(unsigned)).startsWith('"\\');
	return pad(shown ? `U+${digits} '${character(unsigned)}'` : `U+${digits}`, flags, false);
}

/** Beyond 64 bits: as Go's *big.Int formats itself. */
export function formatBig(value: bigint, verb: string, flags: Flags): string {
	const radix = verb === 's' ? 10 : radixes[verb];
	if (radix === undefined) return `%!${verb}(big.Int=${value})`;
	const negative = value < 0n;
	let digits = (negative ? -value : value).toString(radix);
	if (verb === 'X') digits = digits.toUpperCase();
	const lead = sign(negative, flags) + (verb === 'O' ? '0o' : flags.sharp ? bigPrefix(verb) : '');
	let zeros = Math.max((flags.precision ?? 0) - digits.length, 0);
	const missing = (flags.width ?? 0) - lead.length - zeros - digits.length;
	if (missing <= 0) return lead + '0'.repeat(zeros) + digits;
	if (flags.minus) return lead + '0'.repeat(zeros) + digits + ' '.repeat(missing);
	if (flags.zero && flags.precision === undefined) zeros = missing;
	const left = zeros === missing && flags.zero && flags.precision === undefined ? 0 : missing;
	return ' '.repeat(left) + lead + '0'.repeat(zeros) + digits;
}

const bigPrefix = (verb: string): string => ({ b: '0b', o: '0', x: '0x', X: '0X' })[verb] ?? '';
