// One verified batch of a host: chain, time, release, close. Pure: a function of the host's state and the batch.
import type { ProcessInfo, UnpackedBatch } from '@affidavit/model/trace-event.ts';
import { arrivalsOf, type Sighting, sightArrivals, withdrawUnopened } from './arrival.ts';
import { closeAll } from './closing.ts';
import { createCollector, cutAll, type SessionOutput } from './collector.ts';
import { type Content, evictContents, splitName } from './content.ts';
import { inWorkspace } from './file-report.ts';
import { followChain, isLive, noteLosses } from './follow.ts';
import { type Host, listHook, type Settings, type Step } from './host.ts';
import { type Notices, notice } from './notices.ts';
import { note } from './record-trail.ts';
import type { Refusal } from './refusal.ts';
import { forgetPast, release, takeItems } from './release.ts';
import type { Item } from './reorder.ts';
import { resetHost } from './reset.ts';
import { widen } from './session.ts';
import { endSilence, takeTick } from './silence.ts';
import { measureSkew, type SkewState } from './skew.ts';

export interface BatchOutcome {
	outputs: SessionOutput[];
	refusals: Refusal[];
	/** False when nothing of the batch was taken. */
	accepted: boolean;
	/** What may be a lead, to be told after the outputs. */
	sightings: Sighting[];
	/** Set when the host's clock has come out of bounds, or back. */
	skewed: SkewState | null;
}

/** Renames of folders followed per record: each looks at every written file. */
const folderScansMax = 64;

/** `loggedUs`: log time of the batch, microseconds; -1 where the log has no clock. */
export function stepBatch(
	settings: Settings,
	host: Host,
	batch: UnpackedBatch,
	payloadDigest: Uint8Array,
	offset: number,
	notices: Notices,
	loggedUs = -1,
): BatchOutcome {
	const refusals: Refusal[] = [];
	const refused: BatchOutcome = { outputs: [], refusals, accepted: false, sightings: [], skewed: null };
	const items = itemsOf(batch);
	const collector = createCollector(settings.limits, host.tree);
	const { announced, reorder } = host;
	const step: Step = { settings, host, collector, notices, late: false, recovered: false, folderScans: folderScansMax };
	if (batch.source === 'tick') return stepTick(step, batch, loggedUs, items, refused);
	if (!followChain(step, batch, payloadDigest, items, offset, refusals)) return refused;
	// A new boot or recording replaced the tree.
	collector.tree = host.tree;

	endSilence(step, batch, loggedUs);
	host.loggedUs = Math.max(host.loggedUs, loggedUs);
	const timely = !host.recorded && !step.recovered;
	const skewed = timely ? measureSkew(host.skew, loggedUs, batch.observedUs, settings.limits.skewUs) : null;
	const beforeUs = host.reorder.newestUs;
	noteLosses(step, batch, items);
	const arrivals = isLive(batch) ? arrivalsOf(step) : null;
	const newestUs = takeItems(step, batch, items, refusals);
	for (const hook of batch.hooks) listHook(step, hook, host.reorder.newestUs);
	note(host.records, offset, beforeUs, newestUs);
	release(step, batch);
	if (batch.endOfInput) {
		closeAll(step, 'end_of_input');
		cutAll(collector, host.reorder.watermarkUs);
		resetHost(host, offset + 1);
	} else {
		evictContents(host.contents, settings.limits.contents, (content) => noteEvicted(step, content));
		cutAll(collector, host.reorder.watermarkUs);
		forgetPast(step);
	}
	noteForgotten(step);
	noteDirty(step);
	const sightings = withdrawUnopened(step, announced, host.reorder !== reorder, collector.outputs);
	if (arrivals !== null && host.arrivals === arrivals) sightings.push(...sightArrivals(step, arrivals, batch, items));
	return { outputs: collector.outputs, refusals, accepted: true, sightings, skewed };
}

/** A tick says that the log is alive and nothing else: it is outside the host's chain. */
function stepTick(
	step: Step,
	batch: UnpackedBatch,
	loggedUs: number,
	items: readonly Item[],
	refused: BatchOutcome,
): BatchOutcome {
	if (items.length > 0 || batch.endOfInput) {
		const message = 'events: expected none in a tick';
		refused.refusals.push({ code: 'not-a-batch', message, event: null, timeUs: batch.observedUs });
		return refused;
	}
	const { host, collector } = step;
	const { announced } = host;
	takeTick(step, batch, loggedUs);
	cutAll(collector, host.reorder.watermarkUs);
	noteDirty(step);
	const sightings = withdrawUnopened(step, announced, false, collector.outputs);
	return { ...refused, outputs: collector.outputs, accepted: true, sightings };
}

function noteDirty({ collector, host }: Step): void {
	for (const session of collector.touched) if (!session.closed) host.dirtySessions.add(session);
}

/** A session that loses the history of a file in its workspace has a gap. */
function noteEvicted(step: Step, content: Content): void {
	notice(step.notices, 'contents_evicted', 'limit', false);
	for (const session of step.host.sessions.values()) {
		const inside = content.names.some((name) => {
			const { container, path } = splitName(name);
			return inWorkspace(session, container, path);
		});
		if (!inside) continue;
		session.evicted = widen(session.evicted, content.writtenUs);
		step.collector.touched.add(session);
	}
}

/** What the bounds made the tables forget. */
function noteForgotten(step: Step): void {
	const { host, notices } = step;
	if (host.sizes.dropped > 0) notice(notices, 'digests_forgotten', 'limit', true, host.sizes.dropped);
	host.sizes.dropped = 0;
	if (host.contents.namesDropped > 0)
		notice(notices, 'file_names_forgotten', 'limit', false, host.contents.namesDropped);
	host.contents.namesDropped = 0;
}

/** Events with their processes, as they came. */
export function itemsOf({ processes, events, actors }: UnpackedBatch): Item[] {
	const byId = new Map<string, ProcessInfo>();
	for (const process of processes) byId.set(process.execId, process);
	const parents = processes.map((p) => (p.parentExecId === '' ? null : (byId.get(p.parentExecId) ?? null)));
	return events.map((event, i) => {
		const actor = actors[i] as number;
		return { event, process: processes[actor] as ProcessInfo, parent: parents[actor] ?? null };
	});
}
