import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingCodec } from '@affidavit/model/codec.ts';
import type { Finding } from '@affidavit/model/generated/finding.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { createMemoryStore } from '@affidavit/stream/memory/store.ts';
import type { Commit, LogRecord } from '@affidavit/stream/ports.ts';
import type { Stage, StepResult } from '@affidavit/stream/stage.ts';
import { Registry } from 'prom-client';
import { createMeasuring } from '../../src/ops/measured.ts';
import { type ProcessState, registerStateMetrics, skewHostsMax } from '../../src/ops/state-metrics.ts';
import { createWorkMetrics } from '../../src/ops/work-metrics.ts';

const finding = (state: Finding['state'], lastUs: number): Uint8Array =>
	findingCodec.encode({
		id: 'a'.repeat(64),
		session: 's',
		rule: 'r',
		title: 't',
		severity: 'high',
		state,
		path: null,
		digest: null,
		expectedDigest: null,
		process: null,
		writer: null,
		products: [],
		attribution: 'certain',
		attack: [],
		explanation: '',
		evidence: [],
		firstUs: 0,
		lastUs,
		count: 1,
	});

const record: LogRecord = {
	topic: 'session',
	partition: 2,
	offset: 7,
	key: 's',
	value: new Uint8Array(),
	timestampUs: 5_000_000,
	origin: null,
	seal: null,
	traceparent: null,
};

const result = (records: StepResult['outputs'][number]['records']): StepResult => ({
	outputs: [{ offset: 7, records }],
	cells: new Map(),
	appends: [],
	deadLetters: [{ code: 'not-a-batch' } as StepResult['deadLetters'][number]],
	lowWaterOffset: 8,
	rebuildOffset: 8,
});

const stageOf = (step: StepResult): Stage => ({
	name: 'detect',
	input: 'session',
	outputs: ['finding'],
	open: async () => ({ step: async () => step }),
});

const observation = { stage: 'detect', partition: 2, records: 1, bytes: 1, outputs: 1, durationMs: 1 };

function setup() {
	const registry = new Registry();
	let nowMs = 0;
	const measuring = createMeasuring(
		createWorkMetrics(registry, '1'),
		() => nowMs,
		() => nowMs,
	);
	const lines = async (name: string): Promise<string[]> =>
		(await registry.metrics()).split('\n').filter((line) => line.startsWith(name));
	return {
		measuring,
		lines,
		registry,
		at: (ms: number) => {
			nowMs = ms;
		},
	};
}

test('a lead is timed from its last event to the end of the round that published it', async () => {
	const { measuring, lines, at } = setup();
	const outputs = [finding('lead', 9_000_000), finding('confirmed', 1), finding('withdrawn', 1)].map((value) => ({
		topic: 'finding' as const,
		key: 's',
		value,
	}));
	const worker = await measuring.stage(stageOf(result(outputs))).open(2, new Map());
	await worker.step([record], true);
	measuring.observe({ ...observation, replayed: true });
	assert.deepEqual(await lines('affidavit_event_to_lead_seconds_count'), ['affidavit_event_to_lead_seconds_count 0']);
	assert.deepEqual(await lines('affidavit_dead_letters_total{'), [], 'a replay refuses nothing anew');
	await worker.step([record], false);
	at(9250);
	measuring.observe({ ...observation, replayed: false });
	measuring.observe({ ...observation, replayed: false });
	assert.deepEqual(await lines('affidavit_event_to_lead_seconds_sum'), ['affidavit_event_to_lead_seconds_sum 0.25']);
	assert.deepEqual(await lines('affidavit_event_to_lead_seconds_count'), ['affidavit_event_to_lead_seconds_count 1']);
	assert.deepEqual(await lines('affidavit_dead_letters_total{'), [
		'affidavit_dead_letters_total{stage="detect",code="not-a-batch"} 1',
	]);
	assert.equal(measuring.takenUs('detect', 2), 5_000_000);
	assert.equal(measuring.takenUs('detect', 3), -1);
});

test('what else a worker can do is passed on: a lost store is rebuilt with what it learns', async () => {
	const { measuring } = setup();
	const learnt: number[] = [];
	const learn = async (records: readonly LogRecord[]): Promise<void> => {
		learnt.push(...records.map(({ offset }) => offset));
	};
	const stage: Stage = { ...stageOf(result([])), open: async () => ({ step: async () => result([]), learn }) };
	const worker = await measuring.stage(stage).open(2, new Map());
	await worker.learn?.([record]);
	assert.deepEqual(learnt, [record.offset]);
});

test("the runner's own dead letters are counted with the stages'", async () => {
	const { measuring, lines } = setup();
	const { emit, events } = collectingEmit();
	const emitting = measuring.emit(emit);
	const event = { stage: 'detect', intentional: false, message: '' };
	emitting({ ...event, name: 'forged_records', reason: 'bad-seal' });
	emitting({ ...event, name: 'poison_records', reason: 'step' });
	emitting({ ...event, name: 'poison_records', reason: 'replay' });
	emitting({ ...event, name: 'store_rebuilt', reason: 'store-lost' });
	assert.equal(events.length, 4);
	assert.deepEqual(await lines('affidavit_dead_letters_total{'), [
		'affidavit_dead_letters_total{stage="detect",code="bad-seal"} 1',
		'affidavit_dead_letters_total{stage="detect",code="poison-record"} 1',
	]);
});

test('commits are counted and timed; what is not published is known', async () => {
	const { measuring, lines } = setup();
	const store = measuring.store(createMemoryStore());
	const scope = { stage: 'detect', partition: 2 };
	const pending = () => [...measuring.outboxPending()].map(([, count]) => count);
	const commit = (expectedVersion: string): Commit => ({
		expectedVersion,
		nextOffset: 1,
		lowWaterOffset: 1,
		cells: new Map(),
		appends: [],
		outbox: [{ topic: 'finding', key: 's', value: new Uint8Array(), origin: { ...scope, offset: 0, index: 0 } }],
	});
	const { version } = await store.load(scope);
	const first = await store.commit(scope, commit(version));
	assert.equal((await store.commit(scope, commit('stale'))).kind, 'fenced');
	assert.deepEqual(pending(), [1]);
	assert.ok(first.kind === 'committed');
	await store.published(scope, await store.lastOutboxId(scope), first.version);
	assert.deepEqual(pending(), [0]);
	assert.deepEqual((await lines('affidavit_commits_total{')).sort(), [
		'affidavit_commits_total{stage="detect",result="committed"} 1',
		'affidavit_commits_total{stage="detect",result="fenced"} 1',
	]);
	assert.deepEqual(await lines('affidavit_commit_seconds_count'), ['affidavit_commit_seconds_count{stage="detect"} 2']);
});

test('states are read once a scrape; series of partitions that moved away go; hosts are bounded', async () => {
	const { registry, lines } = setup();
	let reads = 0;
	let elapsed = 0;
	let state: ProcessState = {
		checks: [{ name: 'kafka', ok: true }],
		partitions: [
			{ stage: 'sign', partition: 0, state: 'live', lagRecords: 3, lagSeconds: null, outboxPending: 0 },
			{ stage: 'sign', partition: 1, state: 'live', lagRecords: null, lagSeconds: 2, outboxPending: 0 },
		],
		hosts: [],
		clockSkews: Array.from({ length: 200 }, (_, i) => ({ host: `h${i}`, seconds: i % 2 === 0 ? i : -i })),
		redis: null,
		kafka: null,
	};
	const read = async (): Promise<ProcessState> => {
		reads += 1;
		return state;
	};
	registerStateMetrics(registry, read, () => elapsed);
	assert.deepEqual(await lines('affidavit_lag_records{'), ['affidavit_lag_records{stage="sign",partition="0"} 3']);
	assert.deepEqual(await lines('affidavit_lag_seconds{'), ['affidavit_lag_seconds{stage="sign",partition="1"} 2']);
	assert.equal(reads, 1);
	const skews = await lines('affidavit_clock_skew_seconds{');
	assert.equal(skews.length, skewHostsMax);
	assert.equal(skews[0], 'affidavit_clock_skew_seconds{host="h199"} -199');
	assert.deepEqual(await lines('affidavit_clock_skew_seconds_max '), ['affidavit_clock_skew_seconds_max 199']);
	assert.deepEqual(await lines('affidavit_ready '), ['affidavit_ready 1']);
	elapsed = 1000;
	state = { ...state, checks: [{ name: 'kafka', ok: false }], partitions: [] };
	assert.deepEqual(await lines('affidavit_lag_records{'), []);
	assert.deepEqual(await lines('affidavit_ready '), ['affidavit_ready 0']);
	assert.deepEqual(await lines('affidavit_check_ok{'), ['affidavit_check_ok{check="kafka"} 0']);
	assert.equal(reads, 2);
});
