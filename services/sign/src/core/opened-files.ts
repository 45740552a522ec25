// Which process read which file, as Witness records it: one digest per process and path.
import type { FileFact } from '@affidavit/model/facts.ts';
import { isInside } from '@affidavit/model/paths.ts';
import { contentKey, hasSoundDigest, majorityDigest, readsContent } from './file-facts.ts';

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

/** What a process read of the current path: its last sound open. */
interface Candidate {
	digest: string;
	content: string;
	lastUs: number;
}

/** Files of the workspace have precedence when there are more pairs than `pairsMax`. */
export function createOpenedFileCollector(workspace: string, pairsMax: number): OpenedFileCollector {
	const inWorkspace: Opened[] = [];
	const elsewhere: Opened[] = [];
	let pairs = 0;
	let path = '';
	const candidates = new Map<string, Candidate>();
	/** Content version → how often any process was shown which digest. */
	const shown = new Map<string, Map<string, number>>();

	const flush = (): void => {
		if (candidates.size === 0) return;
		const list = isInside(path, workspace) ? inWorkspace : elsewhere;
		for (const [execId, { digest, content }] of candidates) {
			pairs++;
			// A digest that most opens of the same content do not show is likelier another file's than this one's.
			const agreed = digest !== '' && majorityDigest(shown.get(content) ?? noDigests) === digest;
			if (list.length < pairsMax) list.push({ execId, path, digest: agreed ? digest : '' });
		}
		candidates.clear();
		shown.clear();
	};
	return {
		add(fact) {
			if (fact.path !== path) {
				flush();
				path = fact.path;
			}
			// Executions are the program's digest, as in Witness.
			if (!readsContent(fact) || fact.op === 'execute') return;
			const known = candidates.get(fact.execId);
			if (!hasSoundDigest(fact)) {
				if (!known) candidates.set(fact.execId, { digest: '', content: '', lastUs: -1 });
				return;
			}
			const content = contentKey(fact);
			count(shown, content, fact);
			if (!known) candidates.set(fact.execId, { digest: fact.digest, content, lastUs: fact.lastUs });
			else if (fact.lastUs > known.lastUs) {
				known.digest = fact.digest;
				known.content = content;
				known.lastUs = fact.lastUs;
			}
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

const noDigests: ReadonlyMap<string, number> = new Map();

function count(shown: Map<string, Map<string, number>>, content: string, fact: FileFact): void {
	const digests = shown.get(content) ?? new Map<string, number>();
	if (digests.size === 0) shown.set(content, digests);
	digests.set(fact.digest, (digests.get(fact.digest) ?? 0) + fact.count);
}
