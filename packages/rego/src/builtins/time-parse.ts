// Times by Go's layouts: elements may be out of order or missing; what is missing is as in year 0.
import { type BuiltinContext, BuiltinError } from './builtin.ts';
import { dayNames, type Element, isFraction, isZone, monthNames, parseLayout } from './time-layout.ts';
import { type Instant, secondsAt, utc, utcTime } from './time-zone.ts';
import { quoted } from './value-text.ts';

interface Reading {
	text: string;
	at: number;
	year: number;
	month: number | undefined;
	day: number | undefined;
	yearDay: number | undefined;
	hour: number;
	minute: number;
	second: number;
	nanoseconds: number;
	half: 'am' | 'pm' | undefined;
	/** Seconds east of UTC. */
	offset: number;
}

/** true: read; false: it does not fit; a text: what is out of range. */
type Outcome = boolean | string;

const isDigit = (character: string | undefined): boolean =>
	character !== undefined && character >= '0' && character <= '9';

/** Spaces stand for any number of spaces, none at the end too. */
function skip(reading: Reading, prefix: string): boolean {
	for (let i = 0; i < prefix.length; ) {
		const here = reading.text[reading.at];
		if (prefix[i] === ' ') {
			if (here !== undefined && here !== ' ') return false;
			while (prefix[i] === ' ') i++;
			while (reading.text[reading.at] === ' ') reading.at++;
			continue;
		}
		if (here !== prefix[i]) return false;
		i++;
		reading.at++;
	}
	return true;
}

/** One or more digits up to the most; exactly so many where fixed. */
function digits(reading: Reading, most: number, fixed: boolean): number | undefined {
	let end = reading.at;
	while (end < reading.at + most && isDigit(reading.text[end])) end++;
	const count = end - reading.at;
	if (count === 0 || (fixed && count < most)) return undefined;
	const value = Number(reading.text.slice(reading.at, end));
	reading.at = end;
	return value;
}

function name(reading: Reading, names: readonly string[], length: number | undefined): number | undefined {
	for (let i = 0; i < names.length; i++) {
		const wanted = (names[i] as string).slice(0, length);
		const found = reading.text.slice(reading.at, reading.at + wanted.length);
		if (found.toLowerCase() !== wanted.toLowerCase()) continue;
		reading.at += wanted.length;
		return i;
	}
	return undefined;
}

function readDate(reading: Reading, std: string): Outcome | undefined {
	switch (std) {
		case '2006': {
			const value = digits(reading, 4, true);
			reading.year = value ?? 0;
			return value !== undefined;
		}
		case '06': {
			const value = digits(reading, 2, true);
			reading.year = (value ?? 0) + ((value ?? 0) >= 69 ? 1900 : 2000);
			return value !== undefined;
		}
		case 'Jan':
		case 'January': {
			const found = name(reading, monthNames, std === 'Jan' ? 3 : undefined);
			reading.month = (found ?? 0) + 1;
			return found !== undefined;
		}
		case '1':
		case '01': {
			reading.month = digits(reading, 2, std === '01');
			if (reading.month === undefined) return false;
			return reading.month >= 1 && reading.month <= 12 ? true : 'month';
		}
		case 'Mon':
			return name(reading, dayNames, 3) !== undefined;
		case 'Monday':
			return name(reading, dayNames, undefined) !== undefined;
		case '2':
		case '_2':
		case '02':
			if (std === '_2' && reading.text[reading.at] === ' ') reading.at++;
			reading.day = digits(reading, 2, std === '02');
			return reading.day !== undefined;
		case '__2':
		case '002':
			for (let i = 0; i < 2; i++) if (std === '__2' && reading.text[reading.at] === ' ') reading.at++;
			reading.yearDay = digits(reading, 3, std === '002');
			return reading.yearDay !== undefined;
		default:
			return undefined;
	}
}

function readClock(reading: Reading, std: string, next: string): Outcome | undefined {
	switch (std) {
		case '15':
		case '3':
		case '03': {
			const value = digits(reading, 2, std === '03');
			reading.hour = value ?? 0;
			if (value === undefined) return false;
			return value > (std === '15' ? 23 : 12) ? 'hour' : true;
		}
		case '4':
		case '04': {
			const value = digits(reading, 2, std === '04');
			reading.minute = value ?? 0;
			if (value === undefined) return false;
			return value > 59 ? 'minute' : true;
		}
		case '5':
		case '05': {
			const value = digits(reading, 2, std === '05');
			reading.second = value ?? 0;
			if (value === undefined) return false;
			if (value > 59) return 'second';
			// A fraction may follow even where the layout has none.
			return isFraction(next) || readFraction(reading, undefined);
		}
		case 'PM':
		case 'pm': {
			const half = reading.text.slice(reading.at, reading.at + 2);
			if (half.toLowerCase() !== 'am' && half.toLowerCase() !== 'pm') return false;
			if ((half === half.toLowerCase()) !== (std === 'pm')) return false;
			reading.half = half.toLowerCase() as 'am' | 'pm';
			reading.at += 2;
			return half === half.toLowerCase() || half === half.toUpperCase();
		}
		default:
			return undefined;
	}
}

/** Exactly so many places, or as many as there are, none too. */
function readFraction(reading: Reading, places: number | undefined): boolean {
	const separator = reading.text[reading.at];
	const isThere = (separator === '.' || separator === ',') && isDigit(reading.text[reading.at + 1]);
	if (!isThere) return places === undefined;
	let end = reading.at + 1;
	const stop = places === undefined ? reading.text.length : end + places;
	while (end < stop && isDigit(reading.text[end])) end++;
	if (places !== undefined && end < stop) return false;
	const shown = reading.text.slice(reading.at + 1, Math.min(end, reading.at + 10));
	reading.nanoseconds = Number(shown.padEnd(9, '0'));
	reading.at = end;
	return true;
}

function readOffset(reading: Reading, std: string): Outcome {
	if (std.startsWith('Z') && reading.text[reading.at] === 'Z') {
		reading.at++;
		reading.offset = 0;
		return true;
	}
	const part = reading.text.slice(reading.at, reading.at + std.length);
	// The layout's own form, digit for digit.
	const form = std.slice(1).replace(/[0-9]/g, '[0-9]');
	if (!new RegExp(`^[+-]${form}$`).test(part)) return false;
	const [hour = 0, minute = 0, second = 0] = (part.slice(1).replaceAll(':', '').match(/../g) ?? []).map(Number);
	if (hour > 24) return 'time zone offset hour';
	if (minute > 60) return 'time zone offset minute';
	if (second > 60) return 'time zone offset second';
	reading.at += std.length;
	reading.offset = (part.startsWith('-') ? -1 : 1) * (hour * 3_600 + minute * 60 + second);
	return true;
}

const zoneName =
	/^(?:ChST|MeST|[+-](?:[01]?[0-9]|2[0-3])(?![0-9])|[A-Z]{4}T(?![A-Z])|WITA(?![A-Z])|[A-Z]{3}T(?![A-Z])|[A-Z]{3}(?![A-Z]))/;

/** A name says nothing of its offset: all are taken for UTC, as Go does for those it does not know, GMT+3 too. */
function readZoneName(reading: Reading): boolean {
	const rest = reading.text.slice(reading.at, reading.at + 16);
	if (rest.startsWith('UTC')) {
		reading.at += 3;
		return true;
	}
	const greenwich = /^GMT([+-][0-9]+)?/.exec(rest);
	if (greenwich !== null) {
		reading.at += Math.abs(Number(greenwich[1] ?? 0)) <= 23 ? greenwich[0].length : 3;
		return true;
	}
	const found = zoneName.exec(rest);
	reading.at += found?.[0].length ?? 0;
	return found !== null;
}

function read(reading: Reading, std: string, next: string): Outcome {
	if (isFraction(std)) return readFraction(reading, std[1] === '0' ? std.length - 1 : undefined);
	if (isZone(std)) return readOffset(reading, std);
	if (std === 'MST') return readZoneName(reading);
	return readDate(reading, std) ?? readClock(reading, std, next) ?? false;
}

const daysIn = (year: number, month: number): number => new Date(utcTime(year, month + 1, 0)).getUTCDate();

/** Month and day, from the day of the year where there is one. A text: what is wrong. */
function settleDate(reading: Reading): string | undefined {
	if (reading.yearDay !== undefined) {
		const length = daysIn(reading.year, 2) === 29 ? 366 : 365;
		if (reading.yearDay < 1 || reading.yearDay > length) return 'day-of-year out of range';
		const date = new Date(utcTime(reading.year, 1, reading.yearDay));
		const month = date.getUTCMonth() + 1;
		if (reading.month !== undefined && reading.month !== month) return 'day-of-year does not match month';
		if (reading.day !== undefined && reading.day !== date.getUTCDate()) return 'day-of-year does not match day';
		reading.month = month;
		reading.day = date.getUTCDate();
	}
	const day = reading.day ?? 1;
	return day < 1 || day > daysIn(reading.year, reading.month ?? 1) ? 'day out of range' : undefined;
}

function failure(reading: Reading, layout: string, element: Element, at: number, why: string): BuiltinError {
	const left = quoted(reading.text.slice(at));
	const cause = why === '' ? ` as ${quoted(element.std || element.prefix)}: cannot parse ${left}` : `: ${why}`;
	return new BuiltinError(`parsing time ${quoted(reading.text)}${why === '' ? ` as ${quoted(layout)}` : ''}${cause}`);
}

export function parseTime(layout: string, text: string, context: BuiltinContext): Instant | BuiltinError {
	const reading: Reading = {
		text,
		at: 0,
		year: 0,
		month: undefined,
		day: undefined,
		yearDay: undefined,
		hour: 0,
		minute: 0,
		second: 0,
		nanoseconds: 0,
		half: undefined,
		offset: 0,
	};
	const parts = parseLayout(layout, context);
	for (let i = 0; i < parts.length; i++) {
		const element = parts[i] as Element;
		const start = reading.at;
		if (!skip(reading, element.prefix)) return failure(reading, layout, element, start, '');
		const at = reading.at;
		if (element.std === '') {
			if (at < text.length) return failure(reading, layout, element, at, `extra text: ${quoted(text.slice(at))}`);
			break;
		}
		const outcome = read(reading, element.std, parts[i + 1]?.prefix === '' ? (parts[i + 1]?.std ?? '') : '');
		if (outcome === false) return failure(reading, layout, element, at, '');
		if (typeof outcome === 'string') return failure(reading, layout, element, at, `${outcome} out of range`);
	}
	const wrong = settleDate(reading);
	if (wrong !== undefined) return failure(reading, layout, parts[0] as Element, 0, wrong);
	if (reading.half === 'pm' && reading.hour < 12) reading.hour += 12;
	else if (reading.half === 'am' && reading.hour === 12) reading.hour = 0;
	const clock = { ...reading, month: reading.month ?? 1, day: reading.day ?? 1 };
	return { seconds: secondsAt(clock, utc) - reading.offset, nanoseconds: reading.nanoseconds };
}
