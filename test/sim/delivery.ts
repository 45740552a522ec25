// How a host's events reach topic `trace` in one run: shuffled within the skew, doubled, cut into signed and chained batches.
import type { KeyObject } from 'node:crypto';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type Batcher, createBatcher, type DecodedEvent, liveBatchLimits } from '@affidavit/ingest/batch/batcher.ts';
import { chainStart, type HostKey, keyIdOf } from '@affidavit/model/batch-signature.ts';
import type { LossCounters } from '@affidavit/model/generated/trace.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import type { Random } from '../../packages/stream/test/sim/random.ts';
import type { Recording } from './recordings.ts';

/** `file` ends with the input; `export` is a live host, whose clock moves time by heartbeats. */
export type DeliveryKind = 'file' | 'export';

export interface DeliveryPlan {
	kind: DeliveryKind;
	lossCounters: LossCounters;
	/** Arrival is up to this much after the event, microseconds; -1: in the recorded order. */
	shuffleUs: number;
	/** Chance that an event comes twice; the copy comes up to `copyLagUs` after the event. */
	double: number;
	copyLagUs: number;
	/** Events in a batch, at most. */
	batchMax: number;
	/** Chance of an empty batch after a batch (live hosts only). */
	heartbeat: number;
}

export const plainPlan = (kind: DeliveryKind, lossCounters: LossCounters): DeliveryPlan => ({
	kind,
	lossCounters,
	shuffleUs: -1,
	double: 0,
	copyLagUs: 0,
	batchMax: 1000,
	heartbeat: 0,
});

const secondUs = 1_000_000;

export function randomPlan(
	random: Random,
	kind: DeliveryKind,
	lossCounters: LossCounters,
	skewUs: number,
): DeliveryPlan {
	return {
		kind,
		lossCounters,
		shuffleUs: random.chance(0.2) ? -1 : Math.floor(random.next() * 0.95 * skewUs),
		double: random.chance(0.3) ? 0 : random.next() * 0.3,
		copyLagUs: Math.floor(random.next() * 1.9 * skewUs),
		batchMax: [1, 5, 20, 100, 1000][random.below(5)] as number,
		heartbeat: random.chance(0.5) ? 0 : random.next() * 0.5,
	};
}

export interface SimulatedKey extends HostKey {
	publicKey: KeyObject;
}

export function newHostKey(): SimulatedKey {
	const { privateKey } = generateKeyPairSync('ed25519');
	const publicKey = createPublicKey(privateKey);
	return { privateKey, publicKey, keyId: keyIdOf(publicKey) };
}

interface Arrival {
	entry: DecodedEvent;
	atUs: number;
}

/** The host's records of topic `trace`, in order. */
export function deliver({ host, events }: Recording, plan: DeliveryPlan, random: Random, key: HostKey): OutRecord[] {
	const batcher = createBatcher({
		host,
		boot: plan.kind === 'file' ? 'recorded' : 'boot-1',
		source: plan.kind,
		key,
		limits: { ...liveBatchLimits, ageUs: Number.POSITIVE_INFINITY },
		chain: chainStart(),
		hooks: [],
	});
	const records: OutRecord[] = [];
	let clockUs = 0;
	const close = (endOfInput: boolean): void => {
		const closing = { observedUs: clockUs, losses: [], lossCounters: plan.lossCounters, endOfInput };
		records.push(batcher.close(closing).record);
	};
	let size = 1 + random.below(plan.batchMax);
	for (const { entry, atUs } of arrivals(events, plan, random)) {
		clockUs = Math.max(clockUs, atUs);
		offer(batcher, entry);
		if (batcher.pending() < size) continue;
		close(false);
		size = 1 + random.below(plan.batchMax);
		if (plan.kind !== 'file' && random.chance(plan.heartbeat)) close(false);
	}
	if (plan.kind === 'file') {
		close(true);
		return records;
	}
	if (batcher.pending() > 0) close(false);
	// On to where every session has ended: those whose roots have exited after the grace, the others for idleness.
	for (const untilUs of [clockUs + 100 * secondUs, clockUs + 10_000 * secondUs])
		while (clockUs < untilUs) {
			clockUs += Math.ceil((untilUs - clockUs) * Math.max(0.05, random.next()));
			close(false);
		}
	return records;
}

function offer(batcher: Batcher, entry: DecodedEvent): void {
	const answer = batcher.offer(entry, 0);
	if (answer !== 'added') throw new Error(`batch: ${JSON.stringify(answer)}`);
}

function arrivals(events: readonly DecodedEvent[], plan: DeliveryPlan, random: Random): Arrival[] {
	const all: Arrival[] = [];
	let newestUs = 0;
	for (const entry of events) {
		const { timeUs } = entry.event;
		newestUs = Math.max(newestUs, timeUs);
		// In the recorded order the agent's clock is the newest time so far.
		const atUs = plan.shuffleUs < 0 ? newestUs : timeUs + random.below(plan.shuffleUs + 1);
		all.push({ entry, atUs });
		if (random.chance(plan.double))
			all.push({ entry, atUs: Math.max(atUs, timeUs + random.below(plan.copyLagUs + 1)) });
	}
	// Stable: in the recorded order equal times stay as they are.
	return all.sort((a, b) => a.atUs - b.atUs);
}
