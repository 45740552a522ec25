// A source writer in memory that can die between two commits, and a reader of what it was given.
import { deadLetterCodec, signedBatchCodec, traceBatchCodec } from '@affidavit/model/codec.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import type { CheckpointWriter } from '../../src/source/source-writer.ts';

export class Killed extends Error {}

export interface MemoryStore {
	cells: Map<string, Uint8Array>;
	records: OutRecord[];
	commits: number;
}

export const memoryStore = (): MemoryStore => ({ cells: new Map(), records: [], commits: 0 });

/** `killAt`: the commit (counted from this opening) that never happens. */
export function memoryWriter(store: MemoryStore, killAt = Number.POSITIVE_INFINITY): CheckpointWriter {
	let commits = 0;
	return {
		cells: new Map(store.cells),
		async commit({ cells, records }) {
			if (++commits >= killAt) throw new Killed();
			for (const [name, value] of cells) {
				if (value === null) store.cells.delete(name);
				else store.cells.set(name, value);
			}
			store.records.push(...records);
			store.commits++;
			return { kind: 'published' };
		},
	};
}

export const batchesOf = (records: readonly OutRecord[]): TraceBatch[] =>
	records
		.filter((r) => r.topic === 'trace')
		.map((r) => traceBatchCodec.decode(signedBatchCodec.decode(r.value).payload));

export const deadLettersOf = (records: readonly OutRecord[]): DeadLetter[] =>
	records.filter((r) => r.topic === 'deadletter').map((r) => deadLetterCodec.decode(r.value));
