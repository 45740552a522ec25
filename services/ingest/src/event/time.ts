// Event times: RFC 3339 text and seconds with nanoseconds, both to microseconds since 1970.

/** 1970-01-01 and 2200-01-01: outside of it a time is garbage, and microseconds stay exact in a double. */
const firstSecond = 0;
const endSecond = 7_258_118_400;

/** Results that are no time. */
export const malformedTime = -1;
export const timeOutOfRange = -2;

const minLength = 20; // 2026-11-23T04:10:53Z
const maxLength = 35; // 2026-11-23T04:10:53.324969801+00:00
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const colon = 0x3a;
const dash = 0x2d;

/** Microseconds since 1970 (truncated), or a negative code. `nanos` must be in [0, 1e9). */
export function timestampUs(seconds: number, nanos: number): number {
	if (!(nanos >= 0 && nanos < 1e9)) return malformedTime;
	return inRange(seconds) ? seconds * 1e6 + Math.trunc(nanos / 1000) : timeOutOfRange;
}

const inRange = (seconds: number): boolean => seconds >= firstSecond && seconds < endSecond;

/** Text of the last date and time of day, to the second, and what it is: one second holds many events. */
const lastText = new Uint8Array(19);
let lastSeconds = Number.NaN;

/** RFC 3339 with `Z` or an offset and at most nine fraction digits, in `bytes[start, end)`. */
export function timeTextUs(bytes: Uint8Array, start: number, end: number): number {
	const length = end - start;
	if (length < minLength || length > maxLength) return malformedTime;
	const local = localSeconds(bytes, start);
	if (Number.isNaN(local)) return malformedTime;
	let p = start + 19;
	let micros = 0;
	if (bytes[p] === 0x2e) {
		const first = ++p;
		for (; p < end; p++) {
			const digit = (bytes[p] as number) - 0x30;
			if (digit < 0 || digit > 9) break;
			// What is below a microsecond is cut off.
			if (p - first < 6) micros = micros * 10 + digit;
		}
		const digits = p - first;
		if (digits === 0 || digits > 9) return malformedTime;
		if (digits < 6) micros *= tens[6 - digits] as number;
	}
	const offset = offsetSeconds(bytes, p, end);
	if (Number.isNaN(offset)) return malformedTime;
	const seconds = local - offset;
	return inRange(seconds) ? seconds * 1e6 + micros : timeOutOfRange;
}

/** Seconds since 1970 of the nineteen characters from `start` on, as if they were UTC; NaN when they are no time. */
function localSeconds(bytes: Uint8Array, start: number): number {
	let same = 18;
	// From the end: that is where two times differ.
	while (same >= 0 && lastText[same] === bytes[start + same]) same--;
	if (same < 0) return lastSeconds;
	const year = two(bytes, start) * 100 + two(bytes, start + 2);
	const month = two(bytes, start + 5);
	const day = two(bytes, start + 8);
	const hour = two(bytes, start + 11);
	const minute = two(bytes, start + 14);
	const second = two(bytes, start + 17);
	const separated =
		bytes[start + 4] === dash &&
		bytes[start + 7] === dash &&
		bytes[start + 10] === 0x54 &&
		bytes[start + 13] === colon &&
		bytes[start + 16] === colon;
	// two() is NaN on a non-digit, and NaN fails every comparison.
	const inside = year >= 0 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 59;
	if (!separated || !inside || day > daysOf(year, month)) return Number.NaN;
	lastSeconds = daysSince1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	for (let i = 0; i < 19; i++) lastText[i] = bytes[start + i] as number;
	return lastSeconds;
}

const tens = [1, 10, 100, 1000, 10_000, 100_000];

function offsetSeconds(bytes: Uint8Array, p: number, end: number): number {
	if (end - p === 1 && bytes[p] === 0x5a) return 0;
	if (end - p !== 6 || bytes[p + 3] !== colon) return Number.NaN;
	const hours = two(bytes, p + 1);
	const minutes = two(bytes, p + 4);
	if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
	const seconds = hours * 3600 + minutes * 60;
	if (bytes[p] === 0x2b) return seconds;
	return bytes[p] === dash ? -seconds : Number.NaN;
}

/** Two decimal digits; NaN when they are none. */
function two(bytes: Uint8Array, p: number): number {
	const high = (bytes[p] as number) - 0x30;
	const low = (bytes[p + 1] as number) - 0x30;
	return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : Number.NaN;
}

function daysOf(year: number, month: number): number {
	if (month !== 2) return monthDays[month - 1] as number;
	return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March. */
function daysSince1970(year: number, month: number, day: number): number {
	const y = month <= 2 ? year - 1 : year;
	const m = month <= 2 ? month + 9 : month - 3;
	const days = 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
	return days + Math.floor((153 * m + 2) / 5) + day - 1 - 719468;
}

const scratch = Buffer.alloc(maxLength + 5);

/** The same for text that is a JavaScript string already. */
export function timeStringUs(text: string): number {
	if (text.length > maxLength) return malformedTime;
	const length = scratch.write(text, 'utf8');
	return timeTextUs(scratch, 0, length);
}
