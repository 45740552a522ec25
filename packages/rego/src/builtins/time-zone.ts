// Instants and the clocks of time zones, with the zones of the runtime's own data (Intl).
import { type BuiltinContext, BuiltinError } from './builtin.ts';
import { remembered } from './pattern.ts';

export interface Instant {
	/** Seconds since 1970, floored. */
	seconds: number;
	nanoseconds: number;
}

export interface Zone {
	/** Seconds east of UTC at a time, in seconds since 1970. */
	offset(seconds: number): number;
	/** Its name for itself at a time: CET, CEST. */
	abbreviation(seconds: number): string;
}

const billion = 1_000_000_000n;
export const nanosecondsMax = 2n ** 63n - 1n;
export const nanosecondsMin = -(2n ** 63n);

export function fromNanoseconds(value: bigint): Instant {
	const rest = ((value % billion) + billion) % billion;
	return { seconds: Number((value - rest) / billion), nanoseconds: Number(rest) };
}

/** undefined: beyond what 64 bits of nanoseconds hold, 1677 to 2262. */
export function toNanoseconds({ seconds, nanoseconds }: Instant): bigint | undefined {
	if (!Number.isSafeInteger(seconds)) return undefined;
	const value = BigInt(seconds) * billion + BigInt(nanoseconds);
	return value > nanosecondsMax || value < nanosecondsMin ? undefined : value;
}

export const utc: Zone = { offset: () => 0, abbreviation: () => 'UTC' };

const fields: Intl.DateTimeFormatOptions = {
	hourCycle: 'h23',
	year: 'numeric',
	month: 'numeric',
	day: 'numeric',
	hour: 'numeric',
	minute: 'numeric',
	second: 'numeric',
};
/** Each has short names of its own region's zones. */
const locales = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA'];
/** Making a formatter takes about so many steps, using it the next. */
const zoneSteps = 2_000;
export const clockSteps = 50;

export function findZone(name: string, context: BuiltinContext): Zone | BuiltinError {
	// What depends on the machine is taken for UTC.
	if (name === '' || name === 'UTC' || name === 'Local') return utc;
	if (name.length > 100 || !/^[A-Z][A-Za-z0-9_+/-]*$/.test(name)) {
		return new BuiltinError(`unknown time zone ${name.slice(0, 100)}`);
	}
	return remembered(`zone:${name}`, context, () => makeZone(name, context));
}

function makeZone(name: string, context: BuiltinContext): Zone | BuiltinError {
	context.charge(zoneSteps);
	let clock: Intl.DateTimeFormat;
	try {
		clock = new Intl.DateTimeFormat('en-US', { ...fields, timeZone: name });
	} catch (error) {
		if (error instanceof RangeError) return new BuiltinError(`unknown time zone ${name}`);
		throw error;
	}
	const offset = (seconds: number): number => {
		const read: Record<string, number> = {};
		for (const { type, value } of clock.formatToParts(seconds * 1_000)) read[type] = Number(value);
		const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read;
		return Date.UTC(year, month - 1, day, hour, minute, second) / 1_000 - seconds;
	};
	const namers: Intl.DateTimeFormat[] = [];
	const abbreviation = (seconds: number): string => {
		if (namers.length === 0) {
			context.charge(zoneSteps * locales.length);
			for (const locale of locales) {
				namers.push(new Intl.DateTimeFormat(locale, { timeZone: name, timeZoneName: 'short' }));
			}
		}
		const east = offset(seconds);
		// The runtime has names for recent times: those with the same offset lend theirs.
		const likes = [seconds, ...recent].filter((time) => offset(time) === east);
		return likes.map((time) => shortName(namers, time)).find((found) => found !== undefined) ?? offsetName(east);
	};
	return { offset, abbreviation };
}

/** January and July 2024. */
const recent = [1_705_276_800, 1_721_001_600];

function shortName(namers: readonly Intl.DateTimeFormat[], seconds: number): string | undefined {
	for (const names of namers) {
		const found = names.formatToParts(seconds * 1_000).find(({ type }) => type === 'timeZoneName')?.value;
		if (found !== undefined && !/^(?:GMT|UTC).+/.test(found)) return found;
	}
	return undefined;
}

/** Zones without letters are called by their offset: +03, +0545. */
function offsetName(offset: number): string {
	const minutes = Math.abs(Math.trunc(offset / 60));
	const two = (value: number): string => String(value).padStart(2, '0');
	return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${minutes % 60 === 0 ? '' : two(minutes % 60)}`;
}

export interface Clock {
	year: number;
	/** From 1. */
	month: number;
	day: number;
	hour: number;
	minute: number;
	second: number;
	/** 0 is Sunday. */
	weekday: number;
	/** From 1. */
	yearDay: number;
}

const dayMs = 86_400_000;

export function clockAt(seconds: number, zone: Zone): Clock {
	const date = new Date((seconds + zone.offset(seconds)) * 1_000);
	const year = date.getUTCFullYear();
	return {
		year,
		month: date.getUTCMonth() + 1,
		day: date.getUTCDate(),
		hour: date.getUTCHours(),
		minute: date.getUTCMinutes(),
		second: date.getUTCSeconds(),
		weekday: date.getUTCDay(),
		yearDay: Math.floor((date.getTime() - utcTime(year, 1, 1)) / dayMs) + 1,
	};
}

/** Milliseconds; months and days may lie outside their year and month. NaN beyond what a Date holds. */
export function utcTime(year: number, month: number, day: number): number {
	// Date.UTC takes years below 100 for 1900 and on.
	const date = new Date(0);
	return date.setUTCFullYear(year, month - 1, day);
}

/** The instant at which the zone's clock shows this, as Go chooses where there are two or none. NaN: out of range. */
export function secondsAt(clock: Omit<Clock, 'weekday' | 'yearDay'>, zone: Zone): number {
	const date = utcTime(clock.year, clock.month, clock.day) / 1_000;
	const shown = date + clock.hour * 3_600 + clock.minute * 60 + clock.second;
	if (Number.isNaN(shown) || Math.abs(shown) > 8e12) return Number.NaN;
	const first = zone.offset(shown);
	if (first === 0) return shown;
	const second = zone.offset(shown - first);
	return shown - (second === first ? first : second);
}
