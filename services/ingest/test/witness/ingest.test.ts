import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { it } from 'node:test';
import { keyIdOf, verifySignedBatch } from '@affidavit/model/batch-signature.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import type { SourceCommit } from '@affidavit/stream/runner/source.ts';
import { recordedBatchLimits } from '../../src/batch/batcher.ts';
import type { CheckpointWriter } from '../../src/source/source-writer.ts';
import { runWitnessIngest } from '../../src/witness/ingest.ts';
import { imported } from './import.ts';
import { collection, demoRun, ptraceRun } from './samples.ts';

const pair = generateKeyPairSync('ed25519');
const key = { privateKey: pair.privateKey, keyId: keyIdOf(pair.publicKey) };

/** Takes `commitsMax` commits, then says that its signal has aborted. */
function memoryWriter(
	cells: Map<string, Uint8Array>,
	records: OutRecord[],
	commitsMax = Number.POSITIVE_INFINITY,
): CheckpointWriter {
	let commits = 0;
	return {
		cells,
		async commit(commit: SourceCommit) {
			if (commits++ >= commitsMax) return { kind: 'refused' };
			for (const [name, value] of commit.cells) if (value !== null) cells.set(name, value);
			records.push(...commit.records);
			return { kind: 'published' };
		},
	};
}

const limits = { ...recordedBatchLimits, events: 1 };

it('goes on where it was: the same batches as of an undisturbed run', async () => {
	const trace = imported(collection('v0.1', ptraceRun()));
	const { emit } = collectingEmit();
	const whole: OutRecord[] = [];
	const done = await runWitnessIngest({ trace, key, limits, emit, writer: memoryWriter(new Map(), whole) });
	assert.deepEqual(done, { kind: 'done', events: trace.events.length, batches: whole.length });
	const cells = new Map<string, Uint8Array>();
	const parts: OutRecord[] = [];
	assert.equal(
		(await runWitnessIngest({ trace, key, limits, emit, writer: memoryWriter(cells, parts, 1) })).kind,
		'aborted',
	);
	assert.ok(parts.length > 0 && parts.length < whole.length);
	await runWitnessIngest({ trace, key, limits, emit, writer: memoryWriter(cells, parts) });
	assert.deepEqual(parts, whole);
	const again: OutRecord[] = [];
	await runWitnessIngest({ trace, key, limits, emit, writer: memoryWriter(cells, again) });
	assert.deepEqual(again, []);
});

it('signs batches of an imported source, chained, the last with what was lost', async () => {
	const trace = imported(collection('v0.2', demoRun()));
	const { emit, count } = collectingEmit();
	const records: OutRecord[] = [];
	await runWitnessIngest({ trace, key, limits, emit, writer: memoryWriter(new Map(), records) });
	const batches = records.map(({ value }) => {
		const verified = verifySignedBatch(value, () => pair.publicKey);
		assert.ok(verified.kind === 'ok');
		return verified.batch;
	});
	assert.ok(batches.every(({ source, boot }) => source === 'imported' && boot === `imported:${'a'.repeat(64)}`));
	assert.deepEqual(
		batches.map(({ sequence }) => sequence),
		batches.map((_, at) => at),
	);
	const last = batches.at(-1);
	assert.equal(last?.endOfInput, true);
	assert.equal(last?.lossCounters, 'unknown');
	assert.deepEqual(
		last?.losses.map(({ counter, count: lost }) => [counter, lost]),
		[
			['affidavit_import_opens_without_digest', 1],
			['affidavit_import_unknown_processes', 1],
		],
	);
	assert.equal(count('import_records_dropped'), 2);
});

it('an event that no batch can hold is counted', async () => {
	const trace = imported(collection('v0.1', ptraceRun()));
	const records: OutRecord[] = [];
	const tiny = { ...recordedBatchLimits, bytes: 600, eventBytes: 900 };
	await runWitnessIngest({
		trace,
		key,
		limits: tiny,
		emit: collectingEmit().emit,
		writer: memoryWriter(new Map(), records),
	});
	const verified = verifySignedBatch(records.at(-1)?.value as Uint8Array, () => pair.publicKey);
	assert.ok(verified.kind === 'ok');
	assert.equal(verified.batch.losses[0]?.counter, 'affidavit_import_unusable_opens');
});
