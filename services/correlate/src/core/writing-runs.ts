// When the writing runs of a content began, by the minute: a session counts those since its horizon only, so that the version in
// a statement does not depend on how long the correlator has known the file.
import type { Content } from './content.ts';

const minuteUs = 60_000_000;
/** Minutes with runs that are remembered per content. */
const minutesMax = 64;

/** A process that pauses for longer begins another run: what was before its pause may be known to nobody any more. */
export const runPauseUs = minuteUs;

/** What a rebuild must see before a session's horizon: the minute that the horizon is in, and a pause before it. */
export const runMarginUs = 2 * minuteUs;

/** Notes that the content's present version began. */
export function noteRun({ runs, version }: Content, timeUs: number): void {
	const minute = Math.floor(timeUs / minuteUs);
	if (runs.length > 0 && (runs[runs.length - 2] as number) >= minute) return;
	runs.push(minute, version);
	if (runs.length > 2 * minutesMax) runs.splice(0, 2);
}

/** Number of runs that had begun before the minute of `sinceUs`. */
function runsBefore({ runs, version }: Content, sinceUs: number): number {
	const minute = Math.floor(sinceUs / minuteUs);
	for (let i = 0; i < runs.length; i += 2) if ((runs[i] as number) >= minute) return (runs[i + 1] as number) - 1;
	return version;
}

/** A version as a session tells it: 0 for a run that began before its horizon. */
export const versionSince = (content: Content, version: number, sinceUs: number): number =>
	version === 0 ? 0 : Math.max(0, version - runsBefore(content, sinceUs));

/** True when two times are in one minute: what is folded may not reach across. */
export const sameMinute = (aUs: number, bUs: number): boolean =>
	Math.floor(aUs / minuteUs) === Math.floor(bUs / minuteUs);

export const isBeforeMinute = (timeUs: number, ofUs: number): boolean =>
	Math.floor(timeUs / minuteUs) < Math.floor(ofUs / minuteUs);
