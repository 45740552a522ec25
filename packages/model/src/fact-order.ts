// Canonical order and folding of file facts: equal keys fold into one fact, whatever the cut of batches they came in.
import type { FileFact } from './facts.ts';

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Order of a full fact log: by path first (UTF-16 code units), so that one pass sees all of a file's facts together.
 * 0 means the same key (schemas/session.avsc, PackedFileFact): the two fold into one.
 */
export function compareFileFacts(a: FileFact, b: FileFact): number {
	return (
		compareText(a.path, b.path) ||
		compareText(a.op, b.op) ||
		compareText(a.execId, b.execId) ||
		a.dev - b.dev ||
		compareText(a.ino, b.ino) ||
		a.version - b.version ||
		compareText(a.path2, b.path2) ||
		a.size - b.size ||
		a.flags - b.flags ||
		compareText(a.digest, b.digest) ||
		a.otherSize - b.otherSize ||
		compareText(a.heldBy, b.heldBy) ||
		compareText(a.writer, b.writer) ||
		// Functions of the key when the producer is sound; compared so that an unsound one cannot make the fold depend on order.
		compareText(a.assurance, b.assurance) ||
		Number(a.foreign) - Number(b.foreign) ||
		Number(a.writerForeign) - Number(b.writerForeign)
	);
}

/** Adds `more`, a fact of the same key, to `into`: counts add up, times widen. */
export function foldFileFact(into: FileFact, more: FileFact): void {
	if (more.firstUs < into.firstUs) into.firstUs = more.firstUs;
	if (more.lastUs > into.lastUs) into.lastUs = more.lastUs;
	into.count += more.count;
	into.copies += more.copies;
}
