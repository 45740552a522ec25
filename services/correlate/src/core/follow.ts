// A batch in its host's chain: what it continues, what is missing before it, what it says was lost.
import type { UnpackedBatch } from '@affidavit/model/trace-event.ts';
import { accept, type ChainVerdict, endBoot as endChainBoot, judge, refuse } from './batch-chain.ts';
import { closeAll } from './closing.ts';
import { cutAll } from './collector.ts';
import { addKnownGap, addUnknown, type Gap } from './gaps.ts';
import type { Step } from './host.ts';
import { notice } from './notices.ts';
import type { Refusal } from './refusal.ts';
import { releaseUpTo } from './release.ts';
import { createReorder, type Item } from './reorder.ts';
import { resetHost } from './reset.ts';

/** Judges where the batch belongs; false when it is not taken. */
export function followChain(
	step: Step,
	batch: UnpackedBatch,
	payloadDigest: Uint8Array,
	items: readonly Item[],
	offset: number,
	refusals: Refusal[],
): boolean {
	const { host, notices } = step;
	const { chain } = host;
	const live = isLive(batch);
	const newBoot = host.boot !== '' && batch.boot !== host.boot;
	const known = host.reorder.newestUs === -1 ? batch.observedUs : host.reorder.newestUs;
	const { skewUs, absurdUs, gaps } = step.settings.limits;
	const missing = { fromUs: known - skewUs, toUs: Math.max(known, newest(items, batch.observedUs)) };
	const verdict = judge(chain, batch, payloadDigest, { newBoot, live, staleUs: host.observedUs - absurdUs, missing });
	switch (verdict.kind) {
		case 'duplicate':
			notice(notices, 'batches_dropped', verdict.reason, true);
			return false;
		case 'fork':
			notice(notices, 'batches_dropped', 'chain-fork', false);
			refuse(chain, batch, payloadDigest);
			refusals.push({ code: 'batch-chain', message: verdict.message, event: null, timeUs: batch.observedUs });
			// Nobody knows which of the two is true: what was refused may hold events of this time.
			addKnownGap(host.gaps, { cause: 'chain-gap', detail: 'fork', ...missing, count: -1 }, gaps);
			return false;
		case 'start':
			// Of a session that was running before the first batch that is there, the beginning is missing.
			if (!verdict.missing) break;
			notice(notices, 'batches_missing', 'chain-start-missing', false, batch.sequence);
			addKnownGap(host.gaps, startGap(step, batch, items), gaps);
			break;
		case 'adopts':
			notice(notices, 'chains_replaced', 'branch-went-on', false);
			addKnownGap(host.gaps, { cause: 'chain-gap', detail: 'fork', ...missing, count: -1 }, gaps);
			break;
		case 'hole':
			notice(notices, 'batches_missing', 'chain-gap', false, verdict.hole.to - verdict.hole.from + 1);
			break;
		case 'fills':
			step.recovered = true;
			notice(notices, 'batches_recovered', 'chain-gap', true);
			break;
	}
	for (const lost of accept(chain, batch, payloadDigest, verdict))
		addKnownGap(
			host.gaps,
			{ cause: 'chain-gap', detail: 'lost', fromUs: lost.fromUs, toUs: lost.toUs, count: -1 },
			gaps,
		);
	if (newBoot) {
		if (live && !host.recorded) endChainBoot(chain, host.boot);
		endBoot(step, offset);
	}
	enter(step, batch, verdict, offset);
	return true;
}

export const isLive = (batch: UnpackedBatch): boolean => batch.source === 'export' || batch.source === 'grpc';

function startGap(step: Step, batch: UnpackedBatch, items: readonly Item[]): Gap {
	const toUs = oldest(items, batch.observedUs);
	const fromUs = toUs - step.settings.limits.skewUs;
	return { cause: 'chain-start-missing', detail: '', fromUs, toUs, count: -1 };
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

function enter(step: Step, batch: UnpackedBatch, verdict: ChainVerdict, offset: number): void {
	const { host, settings } = step;
	host.boot = batch.boot;
	host.recorded = batch.source === 'file' || batch.source === 'imported';
	host.assurance = batch.source === 'imported' ? 'declared' : 'kernel';
	if (verdict.kind === 'fills') return;
	if (host.recorded || batch.observedUs >= host.observedUs) return;
	addKnownGap(
		host.gaps,
		{ cause: 'clock-jump', detail: '', fromUs: batch.observedUs, toUs: host.observedUs, count: -1 },
		settings.limits.gaps,
	);
	if (batch.observedUs < host.observedUs - settings.limits.absurdUs) turnBack(step, batch.observedUs, offset);
}

/** A clock that was far ahead is right again: what came before is settled, or all that follows would be absurdly late. */
function turnBack(step: Step, observedUs: number, offset: number): void {
	const { host } = step;
	releaseUpTo(step, host.reorder.newestUs);
	host.reorder = createReorder();
	host.records.open = [];
	host.refillFrom = offset;
	host.observedUs = observedUs;
}

const gapDetailMax = 256;

/** The agent's own counters tell how it lost events; all others are the sensor's. */
function causeOf(counter: string): string {
	if (counter.startsWith('affidavit_spool')) return 'spool-drop';
	return counter.startsWith('affidavit_source_disconnected') ? 'disconnected' : 'loss-counter';
}

/** Remembers what the batch says was lost, and what it cannot say. */
export function noteLosses(step: Step, batch: UnpackedBatch, items: readonly Item[]): void {
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
	if (batch.lossCounters === 'unknown') {
		const fromUs = oldest(items, batch.observedUs);
		if (items.length > 0 || !host.recorded) addUnknown(host.gaps, fromUs, Math.max(fromUs, batch.observedUs));
	}
	if (batch.observedUs > host.observedUs) host.observedUs = batch.observedUs;
}
