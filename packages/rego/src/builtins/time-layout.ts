// Layouts of Go's package time: the reference time Mon Jan 2 15:04:05 MST 2006 written in the wanted form.

import type { BuiltinContext } from './builtin.ts';
import { remembered } from './pattern.ts';

export interface Element {
	/** Text before it. */
	prefix: string;
	/** The layout's own text, such as 2006, Jan or Z07:00; empty at the end of the layout. */
	std: string;
}

/** Longest first where one begins as another; those in `words` may not be followed by a lower-case letter. */
const elements = [
	...['January', 'Jan', 'Monday', 'Mon', 'MST', '002', '01', '02', '03', '04', '05', '06', '15', '1', '2006', '2'],
	...['__2', '_2', '3', '4', '5', 'PM', 'pm', '-070000', '-07:00:00', '-0700', '-07:00', '-07'],
	...['Z070000', 'Z07:00:00', 'Z0700', 'Z07:00', 'Z07'],
];
const words = new Set(['Jan', 'Mon']);

const byFirst = new Map<string, string[]>();
for (const element of elements) {
	const list = byFirst.get(element.charAt(0));
	if (list === undefined) byFirst.set(element.charAt(0), [element]);
	else list.push(element);
}

const isDigit = (character: string): boolean => character >= '0' && character <= '9';
const isLower = (character: string): boolean => character >= 'a' && character <= 'z';

/** .000 or ,999: fractions of a second, where no other digit follows. */
function fractionAt(layout: string, at: number): string | undefined {
	const digit = layout.charAt(at + 1);
	if (digit !== '0' && digit !== '9') return undefined;
	let end = at + 1;
	while (layout[end] === digit) end++;
	return isDigit(layout.charAt(end)) ? undefined : layout.slice(at, end);
}

function elementAt(layout: string, at: number): string | undefined {
	const first = layout.charAt(at);
	if (first === '.' || first === ',') return fractionAt(layout, at);
	// _2006 is a plain _ before the year.
	if (first === '_' && layout.startsWith('2006', at + 1)) return undefined;
	return byFirst
		.get(first)
		?.find(
			(element) =>
				layout.startsWith(element, at) && !(words.has(element) && isLower(layout.charAt(at + element.length))),
		);
}

export const parseLayout = (layout: string, context: BuiltinContext): readonly Element[] =>
	remembered(`layout:${layout}`, context, () => readLayout(layout, context));

/** Steps of a character that is read. */
const characterSteps = 4;

function readLayout(layout: string, context: BuiltinContext): readonly Element[] {
	context.charge(1 + characterSteps * layout.length);
	const found: Element[] = [];
	let start = 0;
	for (let at = 0; at < layout.length; ) {
		const std = elementAt(layout, at);
		if (std === undefined) {
			at++;
			continue;
		}
		found.push({ prefix: layout.slice(start, at), std });
		at += std.length;
		start = at;
	}
	found.push({ prefix: layout.slice(start), std: '' });
	return found;
}

export const isFraction = (std: string): boolean => std.startsWith('.') || std.startsWith(',');
export const isZone = (std: string): boolean => std.startsWith('Z07') || std.startsWith('-07');

export const monthNames: readonly string[] = [
	...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
	...['August', 'September', 'October', 'November', 'December'],
];
export const dayNames: readonly string[] = [
	...['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'],
];

/** Layouts that OPA knows by name. */
export const namedLayouts: ReadonlyMap<string, string> = new Map([
	['ANSIC', 'Mon Jan _2 15:04:05 2006'],
	['UnixDate', 'Mon Jan _2 15:04:05 MST 2006'],
	['RubyDate', 'Mon Jan 02 15:04:05 -0700 2006'],
	['RFC822', '02 Jan 06 15:04 MST'],
	['RFC822Z', '02 Jan 06 15:04 -0700'],
	['RFC850', 'Monday, 02-Jan-06 15:04:05 MST'],
	['RFC1123', 'Mon, 02 Jan 2006 15:04:05 MST'],
	['RFC1123Z', 'Mon, 02 Jan 2006 15:04:05 -0700'],
	['RFC3339', '2006-01-02T15:04:05Z07:00'],
	['RFC3339Nano', '2006-01-02T15:04:05.999999999Z07:00'],
]);
