// Times in Go's layouts.
import type { BuiltinContext } from './builtin.ts';
import { dayNames, isFraction, isZone, monthNames, parseLayout } from './time-layout.ts';
import { type Clock, clockAt, type Instant, type Zone } from './time-zone.ts';

const two = (value: number): string => String(value).padStart(2, '0');

export function formatTime(instant: Instant, zone: Zone, layout: string, context: BuiltinContext): string {
	const clock = clockAt(instant.seconds, zone);
	let text = '';
	for (const { prefix, std } of parseLayout(layout, context)) {
		text += prefix;
		if (isFraction(std)) text += fraction(instant.nanoseconds, std);
		else if (isZone(std)) text += zoneText(zone.offset(instant.seconds), std);
		else if (std === 'MST') text += zone.abbreviation(instant.seconds);
		else text += dateText(clock, std) ?? clockText(clock, std);
	}
	return text;
}

function year(value: number): string {
	return value < 0 ? `-${String(-value).padStart(4, '0')}` : String(value).padStart(4, '0');
}

function dateText(clock: Clock, std: string): string | undefined {
	switch (std) {
		case '2006':
			return year(clock.year);
		case '06':
			return two(Math.abs(clock.year) % 100);
		case 'January':
			return monthNames[clock.month - 1] as string;
		case 'Jan':
			return (monthNames[clock.month - 1] as string).slice(0, 3);
		case '1':
			return String(clock.month);
		case '01':
			return two(clock.month);
		case 'Monday':
			return dayNames[clock.weekday] as string;
		case 'Mon':
			return (dayNames[clock.weekday] as string).slice(0, 3);
		case '2':
			return String(clock.day);
		case '_2':
			return String(clock.day).padStart(2, ' ');
		case '02':
			return two(clock.day);
		case '__2':
			return String(clock.yearDay).padStart(3, ' ');
		case '002':
			return String(clock.yearDay).padStart(3, '0');
		default:
			return undefined;
	}
}

function clockText(clock: Clock, std: string): string {
	const hour = clock.hour % 12 === 0 ? 12 : clock.hour % 12;
	switch (std) {
		case '15':
			return two(clock.hour);
		case '3':
			return String(hour);
		case '03':
			return two(hour);
		case '4':
			return String(clock.minute);
		case '04':
			return two(clock.minute);
		case '5':
			return String(clock.second);
		case '05':
			return two(clock.second);
		case 'PM':
			return clock.hour >= 12 ? 'PM' : 'AM';
		case 'pm':
			return clock.hour >= 12 ? 'pm' : 'am';
		default:
			return '';
	}
}

/** Zeros keep their places, nines drop what is zero at the end. */
function fraction(nanoseconds: number, std: string): string {
	const places = std.length - 1;
	let digits = String(nanoseconds).padStart(9, '0').slice(0, places);
	// Go knows no places beyond nanoseconds.
	if (std[1] === '0') digits = digits.padEnd(Math.min(places, 9), '0');
	else {
		digits = digits.replace(/0+$/, '');
		if (digits === '') return '';
	}
	return `${std[0]}${digits}`;
}

function zoneText(offset: number, std: string): string {
	if (offset === 0 && std.startsWith('Z')) return 'Z';
	const magnitude = Math.abs(offset);
	const minutes = Math.floor(magnitude / 60);
	const colon = std.includes(':') ? ':' : '';
	// Below a minute west of UTC, Go has no sign.
	let text = `${offset <= -60 ? '-' : '+'}${two(Math.floor(minutes / 60))}`;
	if (std.length > 3) text += `${colon}${two(minutes % 60)}`;
	if (std.length >= 7 && std !== 'Z07:00' && std !== '-07:00') text += `${colon}${two(magnitude % 60)}`;
	return text;
}
