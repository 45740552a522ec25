// After a lost store the worker begins at its low water: copies of what lies before come later still.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { createAgent, createStage } from './support/pipeline.ts';

const opened = async (cells: Map<string, Uint8Array> = new Map()) => {
	const { stage, notices: events } = createStage();
	const worker = (await stage.open(0, cells)) as StageWorker & { learn(records: readonly LogRecord[]): Promise<void> };
	return { worker, events };
};

const at = (records: readonly LogRecord[], from: number): LogRecord[] =>
	records.map((record, i) => ({ ...record, offset: from + i }));
const cellsOf = (result: StepResult): Map<string, Uint8Array> =>
	new Map([...result.cells].flatMap(([name, value]) => (value === null ? [] : [[name, value]])));

/** Ten heartbeats, and one that nobody signed as the host. */
function past(): LogRecord[] {
	const agent = createAgent('host', 'export');
	const records = Array.from({ length: 10 }, (_, i) => agent.record([], { observedUs: (i + 1) * 1_000_000 }));
	return at([...records, { ...(records[3] as LogRecord), value: Buffer.from('forged') }], 0);
}

test('copies of what was learnt are dropped, with no second dead letter, also after a restart', async () => {
	const { worker, events } = await opened();
	const before = past();
	await worker.learn(before.slice(0, 6));
	await worker.learn(before.slice(6));
	const first = await worker.step(at(before, 11), false);
	assert.deepEqual(first.deadLetters, []);
	assert.equal(events.filter(({ reason }) => reason === 'chain-start-missing' || reason === 'chain-fork').length, 0);
	const again = await opened(cellsOf(first));
	const second = await again.worker.step(at(before, 22), false);
	assert.deepEqual(second.deadLetters, []);
	assert.ok(again.events.every(({ reason }) => reason === 'duplicate'));
});

test('what continues the chain is taken, and what was not learnt is no copy', async () => {
	const { worker, events } = await opened();
	const before = past();
	await worker.learn(before.slice(0, 5));
	const result = await worker.step(at(before.slice(5), 11), false);
	assert.deepEqual(
		result.deadLetters.map(({ code }) => code),
		['not-a-batch'],
	);
	assert.equal(events.filter(({ name }) => name === 'batches_missing').length, 0);
	const skipped = await opened();
	await skipped.worker.learn(before.slice(0, 3));
	await skipped.worker.step(at(before.slice(5, 10), 11), false);
	assert.deepEqual(
		skipped.events.filter(({ name }) => name === 'batches_missing').map(({ reason, count }) => [reason, count]),
		[['chain-gap', 2]],
	);
});
