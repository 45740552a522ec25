// One verified batch of a host: chain, time, release, close. Pure: a function of the host's state and the batch.
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import { type ProcessInfo, type TraceEvent, unpackEvents } from '@affidavit/model/trace-event.ts';
import { apply } from './apply.ts';
import { accept, type ChainVerdict, judge } from './batch-chain.ts';
import { closeAll, closeDue } from './closing.ts';
import { createCollector, cutAll, type SessionOutput } from './collector.ts';
import { evictContents } from './content.ts';
import { inWorkspace } from './file-report.ts';
import { addKnownGap, addUnknown, forgetGaps } from './gaps.ts';
import { type Host, noteHook, type Settings, type Step } from './host.ts';
import { type Notices, notice } from './notices.ts';
import { note } from './record-trail.ts';
import { forget, type Item, insert, insertLate, next, pending } from './reorder.ts';
import { resetHost } from './reset.ts';
import { widen } from './session.ts';

/** A batch or an event that was refused. */
export interface Refusal {
	code: 'not-a-batch' | 'batch-chain' | 'event-time';
	message: string;
	/** -1 for the whole batch. */
	event: TraceEvent | null;
	timeUs: number;
}

export interface BatchOutcome {
	outputs: SessionOutput[];
	refusals: Refusal[];
	/** False when nothing of the batch was taken. */
	accepted: boolean;
}

/** Renames of folders followed per record: each looks at every written file. */
const folderScansMax = 64;

export function stepBatch(
	settings: Settings,
	host: Host,
	batch: TraceBatch,
	payloadDigest: Uint8Array,
	offset: number,
	notices: Notices,
): BatchOutcome {
	const refusals: Refusal[] = [];
	const items = unpackItems(batch, refusals);
	if (items === null) return { outputs: [], refusals, accepted: false };
	const collector = createCollector(settings.limits, host.tree);
	const step: Step = { settings, host, collector, notices, late: false, recovered: false, folderScans: folderScansMax };
	if (batch.source === 'tick') {
		// A tick moves time and says nothing else: it is outside the host's chain.
		if (items.length > 0 || batch.endOfInput) {
			refusals.push({
				code: 'not-a-batch',
				message: 'events: expected none in a tick',
				event: null,
				timeUs: batch.observedUs,
			});
			return { outputs: [], refusals, accepted: false };
		}
	} else if (!followChain(step, batch, payloadDigest, items, offset, refusals))
		return { outputs: [], refusals, accepted: false };
	// A new boot or recording replaced the tree.
	collector.tree = host.tree;

	const beforeUs = host.reorder.newestUs;
	const generation = host.sizes.generation;
	noteLosses(step, batch, items);
	for (const hook of batch.hooks) noteHook(step, hook);
	const newestUs = takeItems(step, batch, items, refusals);
	note(host.records, offset, beforeUs, newestUs);
	release(step, batch);
	if (batch.endOfInput) {
		closeAll(step, 'end_of_input');
		cutAll(collector, host.reorder.watermarkUs);
		resetHost(host, offset + 1);
	} else {
		evictContents(host.contents, settings.limits.contents, (content) => {
			for (const session of host.sessions.values())
				if (content.names.some((name) => inWorkspace(session, '', name)))
					session.evicted = widen(session.evicted, content.writtenUs);
			notice(notices, 'contents_evicted', 'limit', false);
		});
		cutAll(collector, host.reorder.watermarkUs);
		forgetPast(step);
	}
	noteForgotten(step, generation);
	for (const session of collector.touched) if (!session.closed) host.dirtySessions.add(session);
	return { outputs: collector.outputs, refusals, accepted: true };
}

/** What the bounds made the tables forget. */
function noteForgotten(step: Step, generation: number): void {
	const { host, notices, settings } = step;
	const rotations = host.sizes.generation - generation;
	if (rotations > 0)
		notice(notices, 'digests_forgotten', 'limit', true, rotations * Math.ceil(settings.limits.digests / 2));
	if (host.contents.namesDropped > 0)
		notice(notices, 'file_names_forgotten', 'limit', false, host.contents.namesDropped);
	host.contents.namesDropped = 0;
}

/** Events with their processes; null when the batch's indices are wrong. */
export function unpackItems(batch: TraceBatch, refusals: Refusal[]): Item[] | null {
	try {
		const { processes, events } = unpackEvents(batch);
		const byId = new Map<string, ProcessInfo>();
		for (const process of processes) byId.set(process.execId, process);
		const parents = processes.map((p) => (p.parentExecId === '' ? null : (byId.get(p.parentExecId) ?? null)));
		return events.map((event, i) => {
			const index = (batch.events[i] as { process: number }).process;
			return { event, process: processes[index] as ProcessInfo, parent: parents[index] ?? null };
		});
	} catch (cause) {
		if (!(cause instanceof RangeError)) throw cause;
		refusals.push({ code: 'not-a-batch', message: cause.message, event: null, timeUs: batch.observedUs });
		return null;
	}
}

function followChain(
	step: Step,
	batch: TraceBatch,
	payloadDigest: Uint8Array,
	items: readonly Item[],
	offset: number,
	refusals: Refusal[],
): boolean {
	const { host, notices } = step;
	const newBoot = host.boot !== '' && batch.boot !== host.boot;
	const known = host.reorder.newestUs === -1 ? batch.observedUs : host.reorder.newestUs;
	const { skewUs } = step.settings.limits;
	const missing = { fromUs: known - skewUs, toUs: Math.max(known, newest(items, batch.observedUs)) };
	const verdict = judge(host.chain, batch, payloadDigest, newBoot, missing);
	const gaps = step.settings.limits.gaps;
	switch (verdict.kind) {
		case 'duplicate':
			notice(notices, 'batches_dropped', 'duplicate', true);
			return false;
		case 'fork':
			notice(notices, 'batches_dropped', 'chain-fork', false);
			refusals.push({ code: 'batch-chain', message: verdict.message, event: null, timeUs: batch.observedUs });
			addKnownGap(
				host.gaps,
				{ cause: 'chain-gap', detail: 'fork', fromUs: known, toUs: Math.max(known, batch.observedUs), count: -1 },
				gaps,
			);
			return false;
		case 'hole':
			notice(notices, 'batches_missing', 'chain-gap', false, verdict.hole.to - verdict.hole.from + 1);
			break;
		case 'fills':
			step.recovered = true;
			notice(notices, 'batches_recovered', 'chain-gap', true);
			break;
	}
	const lost = accept(host.chain, batch, payloadDigest, verdict);
	if (lost !== null)
		addKnownGap(
			host.gaps,
			{ cause: 'chain-gap', detail: 'lost', fromUs: lost.fromUs, toUs: lost.toUs, count: -1 },
			gaps,
		);
	if (newBoot) endBoot(step, offset);
	enter(host, batch, verdict, gaps);
	return true;
}

function newest(items: readonly Item[], otherwise: number): number {
	let newestUs = -1;
	for (const item of items) if (item.event.timeUs > newestUs) newestUs = item.event.timeUs;
	return newestUs === -1 ? otherwise : newestUs;
}

function oldest(items: readonly Item[], otherwise: number): number {
	let oldestUs = Number.POSITIVE_INFINITY;
	for (const item of items) if (item.event.timeUs < oldestUs) oldestUs = item.event.timeUs;
	return oldestUs === Number.POSITIVE_INFINITY ? otherwise : oldestUs;
}

/** After a reboot nothing of the boot before lives: its events are settled and its sessions end. */
function endBoot(step: Step, offset: number): void {
	const { host } = step;
	const nowUs = host.reorder.newestUs;
	releaseUpTo(step, nowUs);
	if (host.sessions.size > 0)
		addKnownGap(
			host.gaps,
			{ cause: 'disconnected', detail: 'reboot', fromUs: nowUs, toUs: nowUs, count: -1 },
			step.settings.limits.gaps,
		);
	closeAll(step, 'exited');
	cutAll(step.collector, nowUs);
	resetHost(host, offset);
}

function enter(host: Host, batch: TraceBatch, verdict: ChainVerdict, gapsMax: number): void {
	host.boot = batch.boot;
	host.recorded = batch.source === 'file' || batch.source === 'imported';
	host.assurance = batch.source === 'imported' ? 'ptrace' : 'kernel';
	if (verdict.kind === 'fills') return;
	if (!host.recorded && batch.observedUs < host.observedUs)
		addKnownGap(
			host.gaps,
			{ cause: 'clock-jump', detail: '', fromUs: batch.observedUs, toUs: host.observedUs, count: -1 },
			gapsMax,
		);
}

const gapDetailMax = 256;

/** The agent's own counters tell how it lost events; all others are the sensor's. */
function causeOf(counter: string): string {
	if (counter.startsWith('affidavit_spool')) return 'spool-drop';
	return counter.startsWith('affidavit_source_disconnected') ? 'disconnected' : 'loss-counter';
}

function noteLosses(step: Step, batch: TraceBatch, items: readonly Item[]): void {
	const { host, settings } = step;
	for (const loss of batch.losses) {
		const { counter, count, fromUs, toUs } = loss;
		const gap = {
			cause: causeOf(counter),
			detail: counter.slice(0, gapDetailMax),
			fromUs,
			toUs,
			count: count > 0 ? count : -1,
		};
		addKnownGap(host.gaps, gap, settings.limits.gaps);
	}
	if (batch.lossCounters === 'unknown' && batch.source !== 'tick') {
		const fromUs = oldest(items, batch.observedUs);
		if (items.length > 0 || !host.recorded) addUnknown(host.gaps, fromUs, Math.max(fromUs, batch.observedUs));
	}
	if (batch.observedUs > host.observedUs) host.observedUs = batch.observedUs;
}

/** Sorts the batch's events into the buffer; applies late ones at once. Returns the newest time taken, -1 when none was. */
function takeItems(step: Step, batch: TraceBatch, items: readonly Item[], refusals: Refusal[]): number {
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
export const isAhead = (batch: TraceBatch, timeUs: number, absurdUs: number): boolean =>
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
	const ordered = late.sort((a, b) => a.event.timeUs - b.event.timeUs);
	step.late = true;
	for (const item of ordered) {
		if (!insertLate(step.host.reorder, item)) {
			notice(step.notices, 'events_dropped', 'duplicate', true);
			continue;
		}
		notice(step.notices, 'events_late', step.recovered ? 'recovered' : 'skew', step.recovered);
		apply(step, item);
	}
	step.late = false;
}

function release(step: Step, batch: TraceBatch): void {
	const { host, settings } = step;
	const { reorder } = host;
	if (batch.endOfInput) {
		releaseUpTo(step, reorder.newestUs);
		return;
	}
	// On a live host its clock moves time too, so that an idle host's events do not wait.
	const newestUs = host.recorded ? reorder.newestUs : Math.max(reorder.newestUs, host.observedUs);
	releaseUpTo(step, newestUs - settings.limits.skewUs);
	const excess = pending(reorder) - settings.limits.reorderEvents;
	if (excess > 0) {
		notice(step.notices, 'events_released_early', 'limit', false, excess);
		releaseUpTo(step, (reorder.items[reorder.head + excess - 1] as Item).event.timeUs);
	}
}

function releaseUpTo(step: Step, watermarkUs: number): void {
	const { reorder } = step.host;
	if (watermarkUs <= reorder.watermarkUs) return;
	reorder.watermarkUs = watermarkUs;
	for (let item = next(reorder); item !== undefined; item = next(reorder)) apply(step, item);
	if (watermarkUs > step.host.nextCloseUs) closeDue(step, watermarkUs);
}

function forgetPast(step: Step): void {
	const { host, settings } = step;
	const { skewUs, horizonUs } = settings.limits;
	const { watermarkUs } = host.reorder;
	forget(host.reorder, watermarkUs - skewUs);
	let keepUs = watermarkUs;
	for (const session of host.sessions.values()) keepUs = Math.min(keepUs, session.startUs);
	forgetGaps(host.gaps, keepUs - horizonUs);
}
