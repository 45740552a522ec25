// Known-bad and known-good digests as a session is judged against them, with the snapshot that its verdict pins.
import { canonicalJson, sha256Hex } from '@affidavit/model/digests.ts';
import type { Indicator } from '@affidavit/model/generated/indicator.ts';

export interface IndicatorSet {
	/** Known-bad digests, hex. */
	bad: ReadonlyMap<string, Indicator>;
	/** Known-good digests, hex. */
	good: ReadonlyMap<string, Indicator>;
	/** Canonical JSON of all entries, ordered by value and kind. */
	bytes: Uint8Array;
	/** sha256 of `bytes`, hex. */
	digest: string;
}

const order = (a: Indicator, b: Indicator): number =>
	a.value < b.value ? -1 : a.value > b.value ? 1 : a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0;

/** Later entries of one value and kind replace earlier ones, as in the compacted topic. */
export function createIndicatorSet(indicators: Iterable<Indicator>): IndicatorSet {
	const latest = new Map<string, Indicator>();
	for (const entry of indicators) latest.set(`${entry.kind} ${entry.value}`, entry);
	const entries = [...latest.values()].sort(order);
	const bad = new Map<string, Indicator>();
	const good = new Map<string, Indicator>();
	for (const entry of entries) {
		if (entry.kind !== 'digest') continue;
		if (entry.status === 'bad') bad.set(entry.value, entry);
		else good.set(entry.value, entry);
	}
	const bytes = Buffer.from(canonicalJson(entries));
	return { bad, good, bytes, digest: sha256Hex(bytes) };
}

/** True when the entry is in force at `timeUs` (event time). */
export const inForce = (entry: Indicator, timeUs: number): boolean => entry.expiresUs < 0 || timeUs < entry.expiresUs;
