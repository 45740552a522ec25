// What was refused lately, by digest: appending is at least once, and a copy of a bad record is no second one.

export interface RefusedRecords {
	/** sha256, cut to 32 hex digits, oldest first. */
	digests: Set<string>;
	changed: boolean;
}

/** Remembered per partition. */
const digestsMax = 1024;
const digitsKept = 32;

export const restoreRefused = (cell: Uint8Array | undefined): RefusedRecords => ({
	digests: new Set(cell === undefined ? [] : Buffer.from(cell).toString('latin1').split(' ')),
	changed: false,
});

export const wasRefused = (refused: RefusedRecords, digest: string): boolean =>
	refused.digests.has(digest.slice(0, digitsKept));

export function noteRefused(refused: RefusedRecords, digest: string): void {
	refused.digests.add(digest.slice(0, digitsKept));
	refused.changed = true;
	if (refused.digests.size > digestsMax) refused.digests.delete(refused.digests.values().next().value as string);
}

/** The cell, when it has changed since the last call; else null. */
export function changedRefused(refused: RefusedRecords): Uint8Array | null {
	if (!refused.changed) return null;
	refused.changed = false;
	return Buffer.from([...refused.digests].join(' '), 'latin1');
}
