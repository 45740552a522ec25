// The edge that feeds an imported trace to the core: batches like any other source's, committed with a checkpoint.
import { chainStart, type HostKey } from '@affidavit/model/batch-signature.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import { type Batcher, type BatchLimits, createBatcher, recordedBatchLimits } from '../batch/batcher.ts';
import type { CheckpointWriter } from '../source/source-writer.ts';
import type { ImportedTrace } from './import-trace.ts';
import { type ImportLoss, lossCounter } from './tally.ts';

export interface WitnessIngestOptions {
	trace: ImportedTrace;
	key: HostKey;
	/** openSource of packages/stream; its scope names this attestation. */
	writer: CheckpointWriter;
	emit: Emit;
	limits?: BatchLimits;
	signal?: AbortSignal;
}

export type WitnessIngestResult = { kind: 'done'; events: number; batches: number } | { kind: 'aborted' };

const doneCell = 'witness-import';
/** Batches in one commit. */
const commitBatches = 16;

/** Commits the trace as signed batches; goes on where an earlier run ended. Rejects when a commit does. */
export async function runWitnessIngest(options: WitnessIngestOptions): Promise<WitnessIngestResult> {
	const { writer, signal, trace } = options;
	const records = importBatches(options);
	const saved = writer.cells.get(doneCell);
	let done = saved === undefined ? 0 : Number(Buffer.from(saved).toString());
	while (done < records.length) {
		if (signal?.aborted) return { kind: 'aborted' };
		const part = records.slice(done, done + commitBatches);
		done += part.length;
		const cells = new Map([[doneCell, Buffer.from(String(done))]]);
		const result = await writer.commit({ cells, records: part }, signal);
		if (result.kind !== 'published') return { kind: 'aborted' };
	}
	return { kind: 'done', events: trace.events.length, batches: records.length };
}

/** The last batch ends the input and carries what was lost. What a batch cannot hold is counted as unusable. */
export function importBatches({ trace, key, emit, limits = recordedBatchLimits }: WitnessIngestOptions): OutRecord[] {
	const batcher = createBatcher({
		host: trace.host,
		boot: trace.boot,
		source: 'imported',
		key,
		limits,
		chain: chainStart(),
		hooks: [],
	});
	const records: OutRecord[] = [];
	const losses = new Map(Object.entries(trace.report.losses) as [ImportLoss, number][]);
	let newestUs = trace.startUs;
	for (const entry of trace.events) {
		let offer = batcher.offer(entry, 0);
		if (offer === 'close-first') {
			records.push(closeBatch(batcher, newestUs));
			offer = batcher.offer(entry, 0);
		}
		if (offer === 'added') newestUs = Math.max(newestUs, entry.event.timeUs);
		else losses.set('unusable_opens', (losses.get('unusable_opens') ?? 0) + 1);
	}
	for (const [loss, count] of losses)
		emit({
			name: 'import_records_dropped',
			stage: 'ingest',
			reason: loss,
			intentional: loss === 'over_limit',
			count,
			message: 'Parts of an imported trace could not be used; its session is incomplete.',
		});
	const last = batcher.close({
		observedUs: newestUs,
		losses: [...losses].map(([loss, count]) => ({
			counter: lossCounter(loss),
			count,
			fromUs: trace.startUs,
			toUs: Math.max(newestUs, trace.startUs),
		})),
		lossCounters: 'unknown',
		endOfInput: true,
	});
	records.push(last.record);
	return records;
}

const closeBatch = (batcher: Batcher, observedUs: number): OutRecord =>
	batcher.close({ observedUs, losses: [], lossCounters: 'unknown', endOfInput: false }).record;
