// RFC 3339 times as Go's time package reads and writes them in JSON.

const form = /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** Go's time.Time{}. */
export const zeroTime = '0001-01-01T00:00:00Z';

export interface GoTime {
	/** As Go writes it: RFC 3339, fraction without trailing zeros. */
	text: string;
	/** Unix time in milliseconds, rounded down. */
	ms: number;
}

/** `strict`: as time.Time's UnmarshalJSON; else as time.Parse, which also takes one digit of hours and a comma. */
export function parseRfc3339(text: string, strict: boolean): GoTime | null {
	if (text.length > 64) return null;
	const match = form.exec(text);
	if (!match) return null;
	const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = '', zone = ''] = match;
	if (strict && (hour.length !== 2 || text.includes(','))) return null;
	if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
	if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > daysOf(Number(year), Number(month)))
		return null;
	const offsetMinutes = zone === 'Z' ? 0 : minutesOf(zone);
	if (offsetMinutes === null) return null;
	// Date.UTC takes years below 100 for 19xx.
	const date = new Date(0);
	date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
	date.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0').slice(0, 3)));
	const nanos = fraction.slice(0, 9).replace(/0+$/, '');
	const clock = `${hour.padStart(2, '0')}:${minute}:${second}${nanos === '' ? '' : `.${nanos}`}`;
	const offset = offsetMinutes === 0 ? 'Z' : zone;
	return { text: `${year}-${month}-${day}T${clock}${offset}`, ms: date.getTime() - offsetMinutes * 60_000 };
}

function minutesOf(zone: string): number | null {
	const hours = Number(zone.slice(1, 3));
	const minutes = Number(zone.slice(4));
	if (hours > 23 || minutes > 59) return null;
	return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

function daysOf(year: number, month: number): number {
	if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
	return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
