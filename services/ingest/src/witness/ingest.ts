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
	const saved = writer.cells.get(doneCell);
	const committed = saved === undefined ? 0 : Number(Buffer.from(saved).toString());
	let batches = 0;
	let waiting: OutRecord[] = [];
	const commit = async (): Promise<boolean> => {
		const records = waiting;
		waiting = [];
		const cells = new Map([[doneCell, Buffer.from(String(batches))]]);
		return (await writer.commit({ cells, records }, signal)).kind === 'published';
	};
	for (const record of importBatches(options)) {
		if (signal?.aborted) return { kind: 'aborted' };
		// The same trace gives the same batches: those of an earlier run are in the log.
		if (++batches <= committed) continue;
		waiting.push(record);
		if (waiting.length >= commitBatches && !(await commit())) return { kind: 'aborted' };
	}
	if (waiting.length > 0 && !(await commit())) return { kind: 'aborted' };
	return { kind: 'done', events: trace.events.length, batches };
}

/** The last batch ends the input and carries what was lost. What a batch cannot hold is counted as unusable. */
export function* importBatches(options: WitnessIngestOptions): Generator<OutRecord, void, void> {
	const { trace, key, emit, limits = recordedBatchLimits } = options;
	const batcher = createBatcher({
		host: trace.host,
		boot: trace.boot,
		source: 'imported',
		key,
		limits,
		chain: chainStart(),
		hooks: [],
	});
	const losses = new Map(Object.entries(trace.report.losses) as [ImportLoss, number][]);
	let newestUs = trace.startUs;
	for (const entry of trace.events) {
		let offer = batcher.offer(entry, 0);
		if (offer === 'close-first') {
			yield closeBatch(batcher, newestUs);
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
			toUs: newestUs,
		})),
		lossCounters: 'unknown',
		endOfInput: true,
	});
	yield last.record;
}

const closeBatch = (batcher: Batcher, observedUs: number): OutRecord =>
	batcher.close({ observedUs, losses: [], lossCounters: 'unknown', endOfInput: false }).record;
