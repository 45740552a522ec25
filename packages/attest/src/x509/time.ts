// Times of ASN.1 in the forms of DER: UTC, with seconds.
import type { DerNode } from './der.ts';
import { contentOf, latin1 } from './der.ts';

const utcTime = 23;
const generalizedTime = 24;

/** Unix time in milliseconds of a UTCTime or a GeneralizedTime with a year of four digits; null for anything else. */
export function readTime(node: DerNode): number | null {
	const { tagClass, tagNumber } = node.idBlock;
	if (tagClass !== 1 || (tagNumber !== utcTime && tagNumber !== generalizedTime)) return null;
	const text = latin1(contentOf(node));
	if (tagNumber === utcTime)
		return /^[0-9]{12}Z$/.test(text) ? readDigits(`${text < '50' ? '20' : '19'}${text}`) : null;
	return /^[0-9]{14}Z$/.test(text) ? readDigits(text) : null;
}

/** As readTime, but a GeneralizedTime that may have a fraction of a second, as timestamps do. */
export function readPreciseTime(node: DerNode): number | null {
	if (node.idBlock.tagClass !== 1 || node.idBlock.tagNumber !== generalizedTime) return null;
	const parts = /^([0-9]{14})(\.[0-9]{1,9})?Z$/.exec(latin1(contentOf(node)));
	const ms = parts ? readDigits(parts[1] as string) : null;
	return ms === null ? null : ms + Math.floor(Number(parts?.[2] ?? 0) * 1000);
}

/** yyyymmddhhmmss; null for a day or an hour that there is not. */
function readDigits(digits: string): number | null {
	const at = (from: number, to: number): string => digits.slice(from, to);
	const iso = `${at(0, 4)}-${at(4, 6)}-${at(6, 8)}T${at(8, 10)}:${at(10, 12)}:${at(12, 14)}.000Z`;
	const ms = Date.parse(iso);
	return Number.isFinite(ms) && new Date(ms).toISOString() === iso ? ms : null;
}
