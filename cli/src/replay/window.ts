// The window of a replay: times as a user gives them, and the offsets that they stand for.
import { InvalidArgumentError } from 'commander';
import type { Config } from '../config/schema.ts';
import type { OffsetRange } from './overlay-log.ts';
import type { PastLog } from './past.ts';

const unitMs: ReadonlyMap<string, number> = new Map([
	['s', 1000],
	['m', 60_000],
	['h', 3_600_000],
	['d', 86_400_000],
]);
const rfc3339 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$/;
const durationMsMax = 3650 * 86_400_000;

/** `90s`, `15m`, `24h`, `7d`: milliseconds. */
export function duration(text: string): number {
	const match = /^(\d{1,9})([smhd])$/.exec(text);
	const ms = match === null ? Number.NaN : Number(match[1]) * (unitMs.get(match[2] as string) as number);
	if (!(ms <= durationMsMax)) throw new InvalidArgumentError('expected a duration, e.g. 90s, 15m, 24h, 7d.');
	return ms;
}

/** RFC 3339 (a date alone is its midnight, UTC), `now`, or a duration before `nowMs`: microseconds since 1970. */
export const timeOption =
	(nowMs: number) =>
	(text: string): number => {
		if (text === 'now') return nowMs * 1000;
		if (/^\d{1,9}[smhd]$/.test(text)) return (nowMs - duration(text)) * 1000;
		const ms = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
		if (!(ms >= 0))
			throw new InvalidArgumentError('expected 2026-11-20T08:00:00Z, 2026-11-20, now, or how long ago: 90m, 24h, 7d.');
		return ms * 1000;
	};

/** Log times, microseconds since 1970. */
export interface Window {
	fromUs: number;
	toUs: number;
	/** From where on is read, so that the hosts' history is known. */
	readFromUs: number;
	/** Up to where is read at most, so that sessions of the window can close. */
	readToUs: number;
}

export interface PartitionOffsets {
	/** Sessions of the window opened here. */
	window: OffsetRange;
	read: OffsetRange;
}

/** Of topic `trace`, by partition. */
export async function traceOffsets(log: PastLog, window: Window): Promise<PartitionOffsets[]> {
	const offsets: PartitionOffsets[] = [];
	for (let partition = 0; partition < log.partitions('trace'); partition++) {
		const at = (timeUs: number): Promise<number> => log.offsetAt('trace', partition, Math.max(0, timeUs));
		const from = await at(window.fromUs);
		const to = Math.max(from, await at(window.toUs));
		const read = { from: Math.min(from, await at(window.readFromUs)), to: Math.max(to, await at(window.readToUs)) };
		offsets.push({ window: { from, to }, read });
	}
	return offsets;
}

/** Of topic `verdict`: from the window's beginning until `untilUs`. */
export async function verdictOffsets(log: PastLog, fromUs: number, untilUs: number): Promise<OffsetRange[]> {
	const ranges: OffsetRange[] = [];
	for (let partition = 0; partition < log.partitions('verdict'); partition++)
		ranges.push({
			from: await log.offsetAt('verdict', partition, fromUs),
			to: await log.offsetAt('verdict', partition, untilUs),
		});
	return ranges;
}

/** What the correlator remembers of a time before a session (its horizon), and what a clock may be wrong by. */
const marginUs = 30 * 60_000_000;

/** `longestMs` undefined: the configuration's longest session. */
export function windowOf(
	{ fromUs, toUs }: Pick<Window, 'fromUs' | 'toUs'>,
	{ sessionMaxMs, skewMsMax, graceMs }: Pick<Config, 'sessionMaxMs' | 'skewMsMax' | 'graceMs'>,
	longestMs: number = sessionMaxMs,
): Window {
	const longestUs = (longestMs + skewMsMax + graceMs) * 1000 + marginUs;
	return { fromUs, toUs, readFromUs: Math.max(0, fromUs - longestUs), readToUs: toUs + longestUs };
}
