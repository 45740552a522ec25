// Event time: which events wait, which are settled, which come too late or are out of all time (design 6).
import { compareEvents, type TraceEvent, type UnpackedBatch } from '@affidavit/model/trace-event.ts';
import { apply } from './apply.ts';
import { closeDue } from './closing.ts';
import { forgetOld } from './forgetting.ts';
import { forgetGaps } from './gaps.ts';
import type { Step } from './host.ts';
import { notice } from './notices.ts';
import type { Refusal } from './refusal.ts';
import { forget, forgetExcess, type Item, insert, insertLate, next, pending, textExcess } from './reorder.ts';

/** Sorts the batch's events into the buffer; applies late ones at once. Returns the newest time taken, -1 when none was. */
export function takeItems(step: Step, batch: UnpackedBatch, items: readonly Item[], refusals: Refusal[]): number {
	const { host, settings, notices } = step;
	const { absurdUs, deadLetters } = settings.limits;
	const { reorder } = host;
	const timely: Item[] = [];
	const late: Item[] = [];
	let newestUs = -1;
	for (const item of items) {
		const { timeUs } = item.event;
		const ahead = isAhead(batch, timeUs, absurdUs);
		if (ahead || timeUs < reorder.watermarkUs - absurdUs) {
			notice(notices, 'events_dropped', ahead ? 'time-ahead' : 'time-behind', false);
			if (refusals.length < deadLetters) refusals.push(timeRefusal(item.event, ahead));
			continue;
		}
		if (timeUs > newestUs) newestUs = timeUs;
		if (host.firstUs === -1 || timeUs < host.firstUs) host.firstUs = timeUs;
		if (timeUs <= reorder.watermarkUs) late.push(item);
		else timely.push(item);
	}
	const duplicates = insert(reorder, timely);
	if (duplicates > 0) notice(notices, 'events_dropped', 'duplicate', true, duplicates);
	if (late.length > 0) applyLate(step, late);
	return newestUs;
}

/** Events of a batch without a clock cannot be ahead of it. */
export const isAhead = (batch: UnpackedBatch, timeUs: number, absurdUs: number): boolean =>
	batch.observedUs > 0 && timeUs > batch.observedUs + absurdUs;

const timeRefusal = (event: TraceEvent, ahead: boolean): Refusal => ({
	code: 'event-time',
	message: ahead
		? 'time: more than 10 minutes ahead of the batch'
		: 'time: more than 10 minutes behind what is settled',
	event,
	timeUs: event.timeUs,
});

function applyLate(step: Step, late: Item[]): void {
	const { reorder } = step.host;
	const { skewUs } = step.settings.limits;
	const ordered = late.sort((a, b) => compareEvents(a.event, b.event));
	step.late = true;
	for (const item of ordered) {
		// One skew behind the watermark, and no further: a restart remembers exactly as much.
		const remembered = item.event.timeUs >= reorder.watermarkUs - skewUs;
		if (remembered && !insertLate(reorder, item)) {
			notice(step.notices, 'events_dropped', 'duplicate', true);
			continue;
		}
		notice(step.notices, 'events_late', step.recovered ? 'recovered' : 'skew', step.recovered);
		apply(step, item);
	}
	step.late = false;
}

/** Applies what is settled after the batch. */
export function release(step: Step, batch: UnpackedBatch): void {
	const { host, settings } = step;
	const { reorder } = host;
	if (batch.endOfInput) {
		releaseUpTo(step, reorder.newestUs);
		return;
	}
	// On a live host a heartbeat moves time too, so that an idle host's events do not wait. A batch with events does not:
	// it may be one of a backlog, read long after its events happened.
	const heartbeat = !host.recorded && batch.events.length === 0;
	const newestUs = heartbeat ? Math.max(reorder.newestUs, host.observedUs) : reorder.newestUs;
	releaseUpTo(step, newestUs - settings.limits.skewUs);
	const { reorderEvents, reorderText } = settings.limits;
	const excess = Math.max(pending(reorder) - reorderEvents, textExcess(reorder, reorderText));
	if (excess > 0) {
		notice(step.notices, 'events_released_early', 'limit', false, excess);
		releaseUpTo(step, (reorder.items[reorder.head + excess - 1] as Item).event.timeUs);
	}
}

/** Moves the watermark and applies what it passes, in canonical order. */
export function releaseUpTo(step: Step, watermarkUs: number): void {
	const { reorder } = step.host;
	if (watermarkUs <= reorder.watermarkUs) return;
	reorder.watermarkUs = watermarkUs;
	for (let item = next(reorder); item !== undefined; item = next(reorder)) {
		forgetOld(step, item.event.timeUs);
		apply(step, item);
	}
	forgetOld(step, watermarkUs);
	if (watermarkUs > step.host.nextCloseUs) closeDue(step, watermarkUs);
}

/** Drops what no event to come can need. */
export function forgetPast(step: Step): void {
	const { host, settings } = step;
	const { skewUs, horizonUs } = settings.limits;
	const { watermarkUs } = host.reorder;
	forget(host.reorder, watermarkUs - skewUs);
	// Events of one moment never become old: what is kept to know their copies is bounded too.
	const bounds = { events: settings.limits.reorderEvents, text: settings.limits.reorderText };
	const forgotten = forgetExcess(host.reorder, bounds);
	if (forgotten > 0) notice(step.notices, 'duplicate_memory_forgotten', 'limit', false, forgotten);
	let keepUs = watermarkUs;
	for (const session of host.sessions.values()) keepUs = Math.min(keepUs, session.startUs);
	forgetGaps(host.gaps, keepUs - horizonUs);
}
