// Digests for the index statement, each once, sorted outside memory: a session can have as many as files.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { ProcessFact } from '@affidavit/model/generated/session.ts';
import { readsContent } from './core/file-facts.ts';
import type { DigestRole, IndexedDigest } from './core/gathered.ts';
import type { Sorter } from './sort/external-sort.ts';
import { createSorter } from './sort/external-sort.ts';

export type DigestSorter = Sorter<IndexedDigest>;

/** The first role that a digest has names it. */
const rank: Record<DigestRole, number> = { product: 0, executed: 1, 'foreign-executed': 2, mapped: 3, read: 4 };

export const createDigestSorter = (folder: string, runItemsMax: number): DigestSorter =>
	createSorter<IndexedDigest>({
		compare: (a, b) => (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0),
		fold: (into, more) => {
			const order = rank[more.role] - rank[into.role];
			if (order > 0 || (order === 0 && more.path >= into.path)) return;
			into.role = more.role;
			into.path = more.path;
		},
		encode: (d) => JSON.stringify([d.digest, d.role, d.path]),
		decode: (line) => {
			const [digest, role, path] = JSON.parse(line) as [string, DigestRole, string];
			return { digest, role, path };
		},
		folder,
		runItemsMax,
	});

/** Digests that the sensor may have put on the wrong event are in: some task did open that content. */
export function addFileDigest(sorter: DigestSorter, fact: FileFact): void {
	if (fact.digest === '' || !readsContent(fact)) return;
	const role = fact.op === 'execute' ? 'executed' : fact.op === 'map' ? 'mapped' : 'read';
	sorter.add({ digest: fact.digest, role, path: fact.path });
}

export function addProcessDigests(sorter: DigestSorter, processes: readonly ProcessFact[]): void {
	for (const p of processes)
		if (p.digest !== '')
			sorter.add({ digest: p.digest, role: p.foreign ? 'foreign-executed' : 'executed', path: p.binary });
}
