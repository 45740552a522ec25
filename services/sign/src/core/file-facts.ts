// How the signer reads one file fact: is its digest good enough to be sworn to, and does the session's own writing precede it?
import { emptyFileSha256 } from '@affidavit/model/digests.ts';
import type { FileFact } from '@affidavit/model/facts.ts';

/** Reads of content by the session itself: opens for reading, executions, mappings. */
export const readsContent = (f: FileFact): boolean =>
	!f.foreign && (f.op === 'read' || f.op === 'execute' || f.op === 'map');

/** A digest taken before the program read, and not known to be another file's. */
export const hasSoundDigest = (f: FileFact): boolean =>
	f.digest !== '' &&
	f.otherSize === -1 &&
	(f.assurance === 'kernel' || f.assurance === 'watched' || f.assurance === 'ptrace') &&
	// A digest of nothing on a file that is not empty is the sensor's mix-up as well.
	!(f.digest === emptyFileSha256 && f.size > 0);

/** The content is the session's own making. */
export const writtenBySession = (f: FileFact): boolean => f.writer !== '' && !f.writerForeign;

/** Names a content version of a file. */
export const contentKey = (f: FileFact): string => `${f.dev}:${f.version}:${f.ino}`;

/** The digest that more than half of the operations on one content version show, and at least `agreeingMin`; '' when none does. */
export function majorityDigest(shown: ReadonlyMap<string, number>, agreeingMin = 1): string {
	let total = 0;
	let most = 0;
	let digest = '';
	for (const [candidate, count] of shown) {
		total += count;
		if (count <= most) continue;
		most = count;
		digest = candidate;
	}
	return 2 * most > total && most >= agreeingMin ? digest : '';
}
