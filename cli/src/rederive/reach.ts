// From where on a host's trace is read for one session: first as little as a session needs that nothing disturbs, then more, then
// all there is. That it was enough is known when the bytes are equal.
import type { Config } from '../config/schema.ts';
import type { OffsetRange } from '../replay/overlay-log.ts';
import type { PastLog } from '../replay/past.ts';
import type { Pins } from './pins.ts';

export interface Reach extends OffsetRange {
	/** Nothing older is in the log. */
	isWhole: boolean;
	/** How long before a session something may have happened that its statement depends on, microseconds. */
	historyUs: number;
}

/** The correlator's horizon and the margins around it. */
const horizonUs = 15 * 60_000_000;
/** Of hosts' clocks against the log's, and of the brokers' among each other: mostly less than this, */
const clocksUsualUs = 10 * 60_000_000;
/** and hardly ever more than this. */
const clocksUs = 3_600_000_000;

/** `signedUs`: log time of the attestation; -1 unknown. Empty when the partition is. */
export async function reachesOf(
	log: PastLog,
	partition: number,
	{ startedUs }: Pick<Pins, 'startedUs'>,
	{ sessionMaxMs, skewMsMax, graceMs }: Pick<Config, 'sessionMaxMs' | 'skewMsMax' | 'graceMs'>,
	signedUs: number,
): Promise<Reach[]> {
	const { start, end } = await log.bounds('trace', partition);
	const to = signedUs === -1 ? end : Math.min(end, await log.offsetAt('trace', partition, signedUs + clocksUs));
	const historyUs = horizonUs + skewMsMax * 1000;
	const longestUs = (sessionMaxMs + graceMs) * 1000;
	const froms: number[] = [];
	for (const beforeUs of [historyUs + clocksUsualUs, historyUs + longestUs + clocksUs]) {
		const at = await log.offsetAt('trace', partition, Math.max(0, startedUs - beforeUs));
		froms.push(Math.max(start, Math.min(at, to)));
	}
	return [...new Set([...froms, start])]
		.sort((a, b) => b - a)
		.filter((from) => from < to)
		.map((from) => ({ from, to, isWhole: from === start, historyUs }));
}
