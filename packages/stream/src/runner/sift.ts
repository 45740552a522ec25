// What of a run of input records reaches the stage: neither what its origin did not write, nor copies.
import type { LogRecord } from '../ports.ts';
import { refusalOf } from '../seal/refusal.ts';
import type { SealRefusal } from '../seal/seal.ts';
import type { PartitionState } from './partition-state.ts';
import { admit, type SeenDraft, skip, skippedRangesMax, withoutSkipped } from './seen.ts';

export interface Refused {
	record: LogRecord;
	refusal: SealRefusal;
}

export interface Sifted {
	admitted: readonly LogRecord[];
	refused: readonly Refused[];
	copies: number;
}

const none: readonly Refused[] = [];

/** The draft takes what becomes known. The origin of a refused record is nobody's: it enters no mark. */
export function sift(state: PartitionState, draft: SeenDraft, records: readonly LogRecord[]): Sifted {
	const { ports, stage } = state;
	let refused = none;
	let genuine = records;
	if (ports.seals !== undefined) {
		const found = refusedOf(state, records);
		if (found.length > 0) {
			refused = found;
			const offsets = new Set(found.map(({ record }) => record.offset));
			genuine = records.filter((record) => !offsets.has(record.offset));
		}
	}
	const admitted = stage.duplicates === 'stage' ? genuine : admit(state.seen, draft, genuine);
	for (const { record } of refused) skip(draft.skipped, record.offset);
	return { admitted, refused, copies: genuine.length - admitted.length };
}

/** For a replay: the records that reached the stage the first time. */
export function siftAgain(state: PartitionState, records: readonly LogRecord[]): readonly LogRecord[] {
	const known = withoutSkipped(state.seen, state.draft, records);
	// At its bound the memory of what was left out may have forgotten some.
	if (state.ports.seals === undefined || state.seen.skipped.length < skippedRangesMax) return known;
	return known.filter((record) => refusalOf(state.ports.log, state.ports.seals, record) === null);
}

function refusedOf({ ports }: PartitionState, records: readonly LogRecord[]): Refused[] {
	const refused: Refused[] = [];
	for (const record of records) {
		const refusal = refusalOf(ports.log, ports.seals, record);
		if (refusal !== null) refused.push({ record, refusal });
	}
	return refused;
}
