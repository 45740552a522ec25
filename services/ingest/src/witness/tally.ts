// What an import could not use, by name: each becomes a loss of the trace, so that the session says that it is incomplete.

/** Closed list; docs/import.md explains each. */
export type ImportLoss =
	/** Pids that opened files and have no process record. */
	| 'unknown_processes'
	| 'opens_without_digest'
	/** Digests that are no sha256 in hex. */
	| 'unusable_digests'
	| 'unusable_processes'
	| 'unusable_opens'
	/** Times that are no RFC 3339, or of another century. */
	| 'unusable_times'
	/** Processes and opens beyond the bounds. */
	| 'over_limit'
	/** Traces of the same collection beside the one that was imported. */
	| 'other_traces'
	/** Processes that are their own ancestors. */
	| 'cyclic_parents';

export interface Tally {
	add(loss: ImportLoss, count?: number): void;
	/** Sorted by name; nothing that is 0. */
	counts(): [ImportLoss, number][];
}

export const lossCounter = (loss: ImportLoss): string => `affidavit_import_${loss}`;

export function createTally(): Tally {
	const counts = new Map<ImportLoss, number>();
	return {
		add(loss, count = 1) {
			if (count > 0) counts.set(loss, (counts.get(loss) ?? 0) + count);
		},
		counts: () => [...counts].sort(([a], [b]) => (a < b ? -1 : 1)),
	};
}
