// Stages and stores that are counted as they work. Per batch and per commit, never per event.
import { findingCodec } from '@affidavit/model/codec.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Scope, Store } from '@affidavit/stream/ports.ts';
import type { StepObservation } from '@affidavit/stream/runner/options.ts';
import type { Stage, StepResult } from '@affidavit/stream/stage.ts';
import type { WorkMetrics } from './work-metrics.ts';

/** Leads of one step whose publishing is awaited, per partition; beyond, they are not timed. */
const leadsMax = 1024;

export interface Measuring {
	stage<T extends Stage>(stage: T): T;
	store(store: Store): Store;
	/** Counts the dead letters that are the runner's own: forged and poisonous records. */
	emit(next: Emit): Emit;
	/** For RunnerOptions.observe. */
	observe(observation: StepObservation): void;
	/** Log time of the last record that a partition has taken, microseconds; -1 when unknown. */
	takenUs(stage: string, partition: number): number;
	/** Committed outputs that are not known to be published, by scope. */
	outboxPending(): Iterable<[Scope, number]>;
}

/** `now`: milliseconds since 1970, as the hosts' clocks. `elapsed`: milliseconds, never going back. */
export function createMeasuring(metrics: WorkMetrics, now: () => number, elapsed: () => number): Measuring {
	const taken = new Map<string, number>();
	const leads = new Map<string, number[]>();
	const pending = new Map<string, { scope: Scope; count: number }>();

	const noteStep = (stage: string, partition: number, result: StepResult): void => {
		for (const { code } of result.deadLetters) metrics.deadLetters.inc({ stage, code });
		const found: number[] = [];
		for (const { records } of result.outputs)
			for (const { topic, value } of records) {
				if (topic !== 'finding' || found.length >= leadsMax) continue;
				const { state, lastUs } = findingCodec.decode(value);
				if (state === 'lead') found.push(lastUs);
			}
		if (found.length > 0) leads.set(keyOf(stage, partition), found);
	};

	const setPending = (scope: Scope, change: (count: number) => number): void => {
		const key = keyOf(scope.stage, scope.partition);
		pending.set(key, { scope, count: change(pending.get(key)?.count ?? 0) });
	};

	return {
		stage: (stage) => ({
			...stage,
			open: async (partition, cells) => {
				const worker = await stage.open(partition, cells);
				return {
					...worker,
					step: async (records, replayed, rebuiltTo) => {
						const result = await worker.step(records, replayed, rebuiltTo);
						const last = records.at(-1);
						if (last && last.timestampUs >= 0) taken.set(keyOf(stage.name, partition), last.timestampUs);
						if (!replayed) noteStep(stage.name, partition, result);
						return result;
					},
				};
			},
		}),
		store: (store) => measureStore(store, metrics, elapsed, setPending),
		emit: (next) => (event) => {
			next(event);
			if (event.name === 'forged_records') metrics.deadLetters.inc({ stage: event.stage, code: event.reason });
			// A replay that throws leaves the record out without a letter: it had one the first time.
			else if (event.name === 'poison_records' && event.reason === 'step')
				metrics.deadLetters.inc({ stage: event.stage, code: 'poison-record' });
		},
		observe: ({ stage, partition, replayed }) => {
			const key = keyOf(stage, partition);
			const found = replayed ? undefined : leads.get(key);
			if (found === undefined) return;
			leads.delete(key);
			const nowMs = now();
			for (const eventUs of found) metrics.eventToLeadSeconds.observe(Math.max(0, nowMs / 1000 - eventUs / 1e6));
		},
		takenUs: (stage, partition) => taken.get(keyOf(stage, partition)) ?? -1,
		outboxPending: function* () {
			for (const { scope, count } of pending.values()) yield [scope, count];
		},
	};
}

function measureStore(
	store: Store,
	metrics: WorkMetrics,
	elapsed: () => number,
	setPending: (scope: Scope, change: (count: number) => number) => void,
): Store {
	return {
		load: async (scope) => {
			const stored = await store.load(scope);
			setPending(scope, () => stored.outbox.length);
			return stored;
		},
		commit: async (scope, commit) => {
			const began = elapsed();
			const result = await store.commit(scope, commit);
			metrics.commitSeconds.observe({ stage: scope.stage }, (elapsed() - began) / 1000);
			metrics.commits.inc({ stage: scope.stage, result: result.kind });
			if (result.kind === 'committed') setPending(scope, (count) => count + commit.outbox.length);
			return result;
		},
		published: async (scope, id, atVersion) => {
			await store.published(scope, id, atVersion);
			setPending(scope, () => 0);
		},
		lastOutboxId: (scope) => store.lastOutboxId(scope),
		list: (scope, list, from) => store.list(scope, list, from),
		listExtent: (scope, list) => store.listExtent(scope, list),
		close: () => store.close(),
	};
}

const keyOf = (stage: string, partition: number): string => `${stage}/${partition}`;
