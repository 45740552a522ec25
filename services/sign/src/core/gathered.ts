// A session as the statements are made from it: everything bounded, in canonical order.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { Executions } from './executions.ts';
import type { OrderedFacts } from './held-facts.ts';
import type { Materials } from './materials.ts';
import type { OpenedFiles } from './opened-files.ts';

export interface FactLog {
	sha256: string;
	bytes: number;
	lines: number;
}

export interface GatheredSession {
	facts: OrderedFacts;
	/** All file facts when there is no log, else a bounded choice; in canonical order. */
	files: FileFact[];
	/** Folded file facts in all. */
	fileCount: number;
	/** Distinct paths in all. */
	pathCount: number;
	/** null when the statement can list everything. */
	log: FactLog | null;
	materials: Materials;
	openedFiles: OpenedFiles;
	executions: Executions;
}

export type DigestRole = 'product' | 'executed' | 'read' | 'mapped' | 'foreign-executed';

/** A digest that the index statement makes findable. */
export interface IndexedDigest {
	digest: string;
	role: DigestRole;
	/** Path, absolute. */
	path: string;
}
