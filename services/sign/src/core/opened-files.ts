// Which process read which file, as Witness records it: one digest per process and path.
import type { FileFact } from '@affidavit/model/facts.ts';
import { isInside } from '@affidavit/model/paths.ts';
import { hasSoundDigest, readsContent } from './file-facts.ts';

export interface OpenedFiles {
	/** exec_id → absolute path → sha256; empty when no digest is certain. Paths in canonical order. */
	byProcess: Map<string, Map<string, string>>;
	/** Pairs of process and path beyond the bound: left out. */
	omitted: number;
}

export interface OpenedFileCollector {
	/** Facts in canonical order: all of a path together. */
	add(fact: FileFact): void;
	end(): OpenedFiles;
}

interface Opened {
	execId: string;
	path: string;
	digest: string;
}

interface Candidate {
	digest: string;
	version: number;
	lastUs: number;
	contradicted: boolean;
}

/** Files of the workspace have precedence when there are more pairs than `pairsMax`. */
export function createOpenedFileCollector(workspace: string, pairsMax: number): OpenedFileCollector {
	const inWorkspace: Opened[] = [];
	const elsewhere: Opened[] = [];
	let pairs = 0;
	let path = '';
	let candidates = new Map<string, Candidate>();

	const flush = (): void => {
		const list = isInside(path, workspace) ? inWorkspace : elsewhere;
		for (const [execId, c] of candidates) {
			pairs++;
			if (list.length < pairsMax) list.push({ execId, path, digest: c.contradicted ? '' : c.digest });
		}
		if (candidates.size > 0) candidates = new Map();
	};
	return {
		add(fact) {
			if (fact.path !== path) {
				flush();
				path = fact.path;
			}
			if (!readsContent(fact)) return;
			const digest = hasSoundDigest(fact) ? fact.digest : '';
			const known = candidates.get(fact.execId);
			if (!known)
				candidates.set(fact.execId, { digest, version: fact.version, lastUs: fact.lastUs, contradicted: false });
			else foldCandidate(known, digest, fact);
		},
		end() {
			flush();
			const kept = [...inWorkspace, ...elsewhere.slice(0, pairsMax - inWorkspace.length)];
			const byProcess = new Map<string, Map<string, string>>();
			for (const { execId, path: file, digest } of kept) {
				const files = byProcess.get(execId) ?? new Map<string, string>();
				if (files.size === 0) byProcess.set(execId, files);
				files.set(file, digest);
			}
			return { byProcess, omitted: pairs - kept.length };
		},
	};
}

/** A later content replaces an earlier one; two digests of the same content version contradict each other. */
function foldCandidate(known: Candidate, digest: string, fact: FileFact): void {
	if (digest === '' || digest === known.digest) {
		known.lastUs = Math.max(known.lastUs, fact.lastUs);
		return;
	}
	if (known.digest !== '' && fact.version === known.version) known.contradicted = true;
	if (known.digest === '' || fact.lastUs > known.lastUs) {
		known.digest = digest;
		known.version = fact.version;
		known.lastUs = fact.lastUs;
	}
}
