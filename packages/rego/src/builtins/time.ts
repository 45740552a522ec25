// time.*: nanoseconds since 1970, alone or with a time zone (and a layout): [ns, tz, layout].
import { integer, isArray, isNumber, typeName, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { binary, integerOperand, type Result, textSteps, unary, wrongType } from './operand.ts';
import { parseDuration } from './time-duration.ts';
import { formatTime } from './time-format.ts';
import { dayNames, namedLayouts } from './time-layout.ts';
import { parseTime } from './time-parse.ts';
import {
	type Clock,
	clockAt,
	clockSteps,
	findZone,
	fromNanoseconds,
	type Instant,
	nanosecondsMax,
	nanosecondsMin,
	secondsAt,
	toNanoseconds,
	utc,
	utcTime,
	type Zone,
} from './time-zone.ts';

const outOfRange = new BuiltinError('time outside of valid range');

interface ZonedTime {
	instant: Instant;
	zone: Zone;
	layout: string;
}

const wrongTime = (value: Value): BuiltinError =>
	new BuiltinError(`operand 1 must be either number (ns) or [number (ns), string (tz)] but got ${typeName(value)}`);

function zonedTime(value: Value, context: BuiltinContext): ZonedTime | BuiltinError {
	context.charge(clockSteps);
	if (isNumber(value)) return atZone(value, utc, '');
	if (!isArray(value)) return wrongTime(value);
	const [ns, name = '', layout = ''] = value;
	if (ns === undefined) return wrongTime(value);
	if (!isNumber(ns)) return wrongType(1, ns, 'number');
	if (typeof name !== 'string') return wrongType(1, name, 'string');
	const zone = findZone(name, context);
	if (zone instanceof BuiltinError) return zone;
	if (typeof layout !== 'string') return wrongType(1, layout, 'string');
	return atZone(ns, zone, layout);
}

function atZone(ns: number | bigint, zone: Zone, layout: string): ZonedTime | BuiltinError {
	const isWhole = typeof ns === 'bigint' || Number.isInteger(ns);
	if (!isWhole || ns > nanosecondsMax || ns < nanosecondsMin) return new BuiltinError('timestamp too big');
	return { instant: fromNanoseconds(BigInt(ns)), zone, layout };
}

const nanoseconds = (instant: Instant): Result => {
	const ns = toNanoseconds(instant);
	return ns === undefined ? outOfRange : integer(ns);
};

const onClock = (name: string, run: (clock: Clock) => Value): Builtin =>
	unary(name, (value, context) => {
		const time = zonedTime(value, context);
		return time instanceof BuiltinError ? time : run(clockAt(time.instant.seconds, time.zone));
	});

function format(value: Value, context: BuiltinContext): Result {
	const time = zonedTime(value, context);
	if (time instanceof BuiltinError) return time;
	const layout = namedLayouts.get(time.layout || 'RFC3339Nano') ?? time.layout;
	context.charge(textSteps(layout.length * 8));
	// Every element of the layout may ask the zone.
	if (time.zone !== utc) context.charge(clockSteps * layout.length);
	return formatTime(time.instant, time.zone, layout, context);
}

/** More than this in any field cannot lead back into the range of times. */
const fieldMax = 1_000_000;

function addDate(args: readonly Value[], context: BuiltinContext): Result {
	const time = zonedTime(args[0] as Value, context);
	if (time instanceof BuiltinError) return time;
	const added: number[] = [];
	for (const position of [2, 3, 4]) {
		const field = integerOperand(args[position - 1] as Value, position);
		if (typeof field === 'object') return field;
		added.push(field);
	}
	const [years = 0, months = 0, days = 0] = added;
	if (added.some((field) => Math.abs(field) > fieldMax)) return outOfRange;
	const clock = clockAt(time.instant.seconds, time.zone);
	const moved = { ...clock, year: clock.year + years, month: clock.month + months, day: clock.day + days };
	const date = utcTime(moved.year, moved.month, moved.day);
	// Zones are only asked where they have an answer.
	if (Number.isNaN(date) || Math.abs(date) > 1e13) return outOfRange;
	return nanoseconds({ seconds: secondsAt(moved, time.zone), nanoseconds: time.instant.nanoseconds });
}

const isLater = (a: Instant, b: Instant): boolean =>
	a.seconds > b.seconds || (a.seconds === b.seconds && a.nanoseconds > b.nanoseconds);

/** Years, months, days, hours, minutes, seconds between two times on the first one's clock. */
function difference(a: Value, b: Value, context: BuiltinContext): Result {
	const first = zonedTime(a, context);
	if (first instanceof BuiltinError) return first;
	const second = zonedTime(b, context);
	if (second instanceof BuiltinError) return second;
	const [from, to] = isLater(first.instant, second.instant)
		? [second.instant, first.instant]
		: [first.instant, second.instant];
	const start = clockAt(from.seconds, first.zone);
	const end = clockAt(to.seconds, first.zone);
	let [year, month, day] = [end.year - start.year, end.month - start.month, end.day - start.day];
	let [hour, minute, seconds] = [end.hour - start.hour, end.minute - start.minute, end.second - start.second];
	if (seconds < 0) {
		seconds += 60;
		minute--;
	}
	if (minute < 0) {
		minute += 60;
		hour--;
	}
	if (hour < 0) {
		hour += 24;
		day--;
	}
	if (day < 0) {
		// The days of the first one's month.
		day += new Date(utcTime(start.year, start.month + 1, 0)).getUTCDate();
		month--;
	}
	if (month < 0) {
		month += 12;
		year--;
	}
	return [year, month, day, hour, minute, seconds];
}

function parse(layout: string, text: string, context: BuiltinContext): Result {
	context.charge(clockSteps + textSteps(64 * layout.length + text.length));
	const instant = parseTime(namedLayouts.get(layout) ?? layout, text, context);
	return instant instanceof BuiltinError ? instant : nanoseconds(instant);
}

export const times: readonly Builtin[] = [
	{ name: 'time.now_ns', arity: 0, run: (_args, context) => integer(context.nowNs) },
	binary('time.parse_ns', (layout, text, context) => {
		if (typeof layout !== 'string') return wrongType(1, layout, 'string');
		if (typeof text !== 'string') return wrongType(2, text, 'string');
		return parse(layout, text, context);
	}),
	unary('time.parse_rfc3339_ns', (text, context) =>
		typeof text === 'string' ? parse('RFC3339', text, context) : wrongType(1, text, 'string'),
	),
	unary('time.parse_duration_ns', (text, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(textSteps(64 * text.length));
		const ns = parseDuration(text);
		return ns instanceof BuiltinError ? ns : integer(ns);
	}),
	onClock('time.date', ({ year, month, day }) => [year, month, day]),
	onClock('time.clock', ({ hour, minute, second }) => [hour, minute, second]),
	onClock('time.weekday', ({ weekday }) => dayNames[weekday] as string),
	unary('time.format', format),
	{ name: 'time.add_date', arity: 4, run: addDate },
	binary('time.diff', difference),
];
