// The sensor sends some opens and checks twice: the same body with the same digest, less than a millisecond apart.
import type { TraceEvent } from '@affidavit/model/trace-event.ts';
import { addFile } from './collector.ts';
import type { Kept, Step } from './host.ts';
import { notice } from './notices.ts';

/** Kept events that are compared, at most: what opens in one millisecond. */
const keptMax = 256;

/** True when the event is a copy of one that was kept; it is then folded away. */
export function foldCopy(step: Step, event: TraceEvent): boolean {
	const { kept } = step.host;
	for (let i = kept.length - 1; i >= 0; i--) {
		const k = kept[i] as Kept;
		if (Math.abs(event.timeUs - k.timeUs) >= step.settings.limits.copyUs) continue;
		if (
			k.ino !== event.ino ||
			k.execId !== event.execId ||
			k.size !== event.size ||
			k.flags !== event.flags ||
			k.dev !== event.dev ||
			k.digest !== event.digest ||
			k.path !== event.path ||
			k.hook !== event.hook
		)
			continue;
		count(step, k);
		return true;
	}
	return false;
}

function count(step: Step, kept: Kept): void {
	notice(step.notices, 'events_dropped', 'sensor-copy', true);
	if (kept.pending !== null) {
		kept.pending.copies++;
		return;
	}
	const session = kept.session === '' ? undefined : step.host.sessions.get(kept.session);
	if (session === undefined || kept.fact === null) return;
	session.copies++;
	addFile(step.collector, session, { ...kept.fact, count: 0, copies: 1 });
}

/** Remembers an event as long as a copy may follow. */
export function keepForCopies(step: Step, event: TraceEvent): Kept {
	const { kept } = step.host;
	const oldest = event.timeUs - step.settings.limits.copyUs;
	let gone = 0;
	while (gone < kept.length && ((kept[gone] as Kept).timeUs <= oldest || kept.length - gone >= keptMax)) gone++;
	if (gone > 0) kept.splice(0, gone);
	const fresh: Kept = {
		timeUs: event.timeUs,
		execId: event.execId,
		hook: event.hook,
		path: event.path,
		dev: event.dev,
		ino: event.ino,
		size: event.size,
		flags: event.flags,
		digest: event.digest,
		session: '',
		fact: null,
		pending: null,
	};
	kept.push(fresh);
	return fresh;
}
