// Durations as Go reads them, 1h15m30.918273645s, -1.5h, 100ms, and days, weeks and years of 365 days.
import { BuiltinError } from './builtin.ts';
import { quoted } from './value-text.ts';

const unitNs: ReadonlyMap<string, bigint> = new Map([
	['ns', 1n],
	['us', 1_000n],
	['µs', 1_000n],
	['μs', 1_000n],
	['ms', 1_000_000n],
	['s', 1_000_000_000n],
	['m', 60_000_000_000n],
	['h', 3_600_000_000_000n],
	['d', 86_400_000_000_000n],
	['w', 604_800_000_000_000n],
	['y', 31_536_000_000_000_000n],
]);

const part = /([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/y;
const largest = 2n ** 63n;
/** Digits after the point that can matter. */
const placesMax = 18;
const digitsMax = 30;

/** Nanoseconds. */
export function parseDuration(text: string): bigint | BuiltinError {
	const invalid = new BuiltinError(`time: invalid duration ${quoted(text)}`);
	const negative = text.startsWith('-');
	const rest = negative || text.startsWith('+') ? text.slice(1) : text;
	if (rest === '0') return 0n;
	if (rest === '') return invalid;
	let total = 0n;
	part.lastIndex = 0;
	while (part.lastIndex < rest.length) {
		const [, whole = '', fraction = '', unit = ''] = part.exec(rest) ?? [];
		if ((whole === '' && fraction === '') || whole.replace(/^0+/, '').length > digitsMax) return invalid;
		if (unit === '') return new BuiltinError(`time: missing unit in duration ${quoted(text)}`);
		const factor = unitNs.get(unit);
		if (factor === undefined) {
			return new BuiltinError(`time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`);
		}
		const places = fraction.slice(0, placesMax);
		total += BigInt(whole.slice(-digitsMax) || 0) * factor;
		if (places !== '') total += (BigInt(places) * factor) / 10n ** BigInt(places.length);
		if (total > largest) return invalid;
	}
	if (!negative && total === largest) return invalid;
	return negative ? -total : total;
}
