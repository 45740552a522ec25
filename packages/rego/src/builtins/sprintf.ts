// sprintf: Go's verbs, flags, widths, precisions and argument indexes; what does not fit is printed, never an error.
import { isArray, type Value } from '../value/value.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';
import { type Flags, noFlags, pad, truncate } from './format-flags.ts';
import { formatFloat } from './format-float.ts';
import { formatBig, formatInteger } from './format-integer.ts';
import { beyondLimit, binary, chargeValue, type Result, textSteps, wrongType } from './operand.ts';
import { quoted, valueText } from './value-text.ts';

/** Go's: wider is no width. */
const widthMax = 1_000_000;
const outputMax = 64 * 1024 * 1024;

/** What Go is given: integers, large ones, floats, and text for all the rest, true and null too. */
type Argument = { type: 'int64' | '*big.Int'; value: bigint } | { type: 'float64'; value: number } | Text;
interface Text {
	type: 'string';
	value: string;
}

function argument(value: Value): Argument {
	if (typeof value === 'string') return { type: 'string', value };
	if (typeof value === 'number') {
		return Number.isInteger(value) ? whole(BigInt(value)) : { type: 'float64', value };
	}
	return typeof value === 'bigint' ? whole(value) : { type: 'string', value: valueText(value) };
}

const whole = (value: bigint): Argument => ({
	type: BigInt.asIntN(64, value) === value ? 'int64' : '*big.Int',
	value,
});

interface Printer {
	format: string;
	at: number;
	args: readonly Argument[];
	next: number;
	/** Arguments were named by index: extra ones are not reported. */
	reordered: boolean;
	goodIndex: boolean;
	afterIndex: boolean;
	out: string;
	context: BuiltinContext;
}

function write(printer: Printer, text: string): void {
	printer.context.charge(textSteps(text.length));
	printer.out += text;
	if (printer.out.length > outputMax) printer.context.charge(beyondLimit);
}

const isDigit = (character: string | undefined): boolean =>
	character !== undefined && character >= '0' && character <= '9';

function readNumber(printer: Printer): number | undefined {
	const start = printer.at;
	let number = 0;
	while (isDigit(printer.format[printer.at])) {
		// As Go: looked at before the next digit, so that one more is let through.
		if (number > widthMax) {
			printer.at = printer.format.length;
			return undefined;
		}
		number = number * 10 + Number(printer.format[printer.at]);
		printer.at++;
	}
	return printer.at > start ? number : undefined;
}

/** [3] names the next argument. */
function readIndex(printer: Printer): void {
	if (printer.format[printer.at] !== '[') {
		printer.afterIndex = false;
		return;
	}
	printer.reordered = true;
	const end = printer.format.indexOf(']', printer.at);
	printer.afterIndex = end >= 0;
	if (end < 0) {
		printer.goodIndex = false;
		printer.at++;
		return;
	}
	const digits = printer.format.slice(printer.at + 1, end);
	const index = digits.length <= 7 && /^[0-9]+$/.test(digits) ? Number(digits) : -1;
	printer.at = end + 1;
	if (index >= 1 && index <= printer.args.length) printer.next = index - 1;
	else {
		printer.goodIndex = false;
		printer.afterIndex = index >= 0;
	}
}

/** The argument that * takes for a width or precision. */
function readStar(printer: Printer): number | undefined {
	printer.at++;
	const taken = printer.args[printer.next];
	if (taken === undefined) return undefined;
	printer.next++;
	if (taken.type !== 'int64') return undefined;
	return taken.value <= BigInt(widthMax) && taken.value >= -BigInt(widthMax) ? Number(taken.value) : undefined;
}

function readWidth(printer: Printer, flags: Flags): void {
	if (printer.format[printer.at] !== '*') {
		flags.width = readNumber(printer);
		if (printer.afterIndex && flags.width !== undefined) printer.goodIndex = false;
		return;
	}
	flags.width = readStar(printer);
	if (flags.width === undefined) write(printer, '%!(BADWIDTH)');
	else if (flags.width < 0) {
		flags.width = -flags.width;
		flags.minus = true;
		flags.zero = false;
	}
	printer.afterIndex = false;
}

function readPrecision(printer: Printer, flags: Flags): void {
	if (printer.format[printer.at] !== '.' || printer.at + 1 >= printer.format.length) return;
	printer.at++;
	if (printer.afterIndex) printer.goodIndex = false;
	readIndex(printer);
	if (printer.format[printer.at] !== '*') {
		flags.precision = readNumber(printer) ?? 0;
		return;
	}
	const precision = readStar(printer);
	if (precision !== undefined && precision >= 0) flags.precision = precision;
	else write(printer, '%!(BADPREC)');
	printer.afterIndex = false;
}

const flagNames: Readonly<Record<string, 'sharp' | 'zero' | 'plus' | 'minus' | 'space'>> = {
	'#': 'sharp',
	'0': 'zero',
	'+': 'plus',
	'-': 'minus',
	' ': 'space',
};

/** From behind the % to behind the verb. */
function directive(printer: Printer): void {
	const flags = noFlags();
	printer.goodIndex = true;
	printer.afterIndex = false;
	for (;;) {
		const name = flagNames[printer.format.charAt(printer.at)];
		if (name === undefined) break;
		flags[name] = true;
		printer.at++;
	}
	readIndex(printer);
	readWidth(printer, flags);
	readPrecision(printer, flags);
	if (!printer.afterIndex) readIndex(printer);
	if (printer.at >= printer.format.length) {
		write(printer, '%!(NOVERB)');
		return;
	}
	const verb = String.fromCodePoint(printer.format.codePointAt(printer.at) as number);
	printer.at += verb.length;
	if (verb === '%') write(printer, '%');
	else if (!printer.goodIndex) write(printer, `%!${verb}(BADINDEX)`);
	else {
		const next = printer.args[printer.next];
		if (next === undefined) {
			write(printer, `%!${verb}(MISSING)`);
			return;
		}
		printer.next++;
		print(printer, next, verb, flags);
	}
}

function print(printer: Printer, value: Argument, verb: string, flags: Flags): void {
	const length = value.type === 'string' ? 2 * value.value.length : 1_024;
	printer.context.charge(textSteps(length + (flags.width ?? 0) + (flags.precision ?? 0)));
	if (verb === 'T') {
		write(printer, pad(truncate(value.type, flags.precision), flags));
		return;
	}
	// Of v (and w, its like) # and + mean another syntax; only large integers still take the sign.
	const isPlain = verb === 'v' || verb === 'w';
	const plus = flags.plus && value.type === '*big.Int';
	const plain: Flags = isPlain ? { ...flags, sharpV: flags.sharp, sharp: false, plus } : flags;
	const text = verb === 'p' ? undefined : formatted(value, verb, plain);
	write(printer, text ?? `%!${verb}(${value.type}=${formatted(value, 'v', plain) ?? ''})`);
}

function formatted(value: Argument, verb: string, flags: Flags): string | undefined {
	switch (value.type) {
		case 'int64':
			return formatInteger(value.value, verb, flags);
		case '*big.Int':
			return formatBig(value.value, verb, flags);
		case 'float64':
			return formatFloat(value.value, verb, flags);
		default:
			return formatText(value.value, verb, flags);
	}
}

function formatText(text: string, verb: string, flags: Flags): string | undefined {
	switch (verb) {
		case 's':
			return pad(truncate(text, flags.precision), flags);
		case 'v':
			return flags.sharpV ? quotedText(text, flags) : pad(truncate(text, flags.precision), flags);
		case 'q':
			return quotedText(text, flags);
		case 'x':
		case 'X':
			return hexText(text, verb, flags);
		default:
			return undefined;
	}
}

function quotedText(text: string, flags: Flags): string {
	const cut = truncate(text, flags.precision);
	const isRaw = flags.sharp && !/[`\u007f\ufeff]|[^\P{Cc}\t]/u.test(cut);
	return pad(isRaw ? `\`${cut}\`` : quoted(cut, flags.plus), flags);
}

/** The bytes of UTF-8; the precision counts bytes. */
function hexText(text: string, verb: string, flags: Flags): string {
	const bytes = Buffer.from(text, 'utf8').subarray(0, flags.precision);
	if (bytes.length === 0) return pad('', flags);
	const upper = verb === 'X';
	const hex = upper ? bytes.toString('hex').toUpperCase() : bytes.toString('hex');
	const lead = flags.sharp ? `0${verb}` : '';
	if (!flags.space) return pad(lead + hex, flags);
	const pairs = hex.match(/../g) as string[];
	return pad(pairs.map((pair) => lead + pair).join(' '), flags);
}

function sprintf(format: Value, list: Value, context: BuiltinContext): Result {
	if (typeof format !== 'string') return wrongType(1, format, 'string');
	if (!isArray(list)) return wrongType(2, list, 'array');
	chargeValue(list, context);
	context.charge(textSteps(format.length));
	const args = list.map(argument);
	const printer: Printer = {
		format,
		at: 0,
		args,
		next: 0,
		reordered: false,
		goodIndex: true,
		afterIndex: false,
		out: '',
		context,
	};
	while (printer.at < format.length) {
		const percent = format.indexOf('%', printer.at);
		const end = percent < 0 ? format.length : percent;
		write(printer, format.slice(printer.at, end));
		printer.at = end + 1;
		if (percent >= 0) directive(printer);
	}
	if (!printer.reordered && printer.next < args.length) {
		const extra = args.slice(printer.next).map((arg) => `${arg.type}=${formatted(arg, 'v', noFlags())}`);
		write(printer, `%!(EXTRA ${extra.join(', ')})`);
	}
	return printer.out;
}

export const sprintfFamily: readonly Builtin[] = [binary('sprintf', sprintf)];
