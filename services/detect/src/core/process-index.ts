// The processes of one session (and the foreign ones that its facts name), by exec_id.
import type { ProcessFact } from '@affidavit/model/generated/session.ts';
import type { ProcessRef } from '@affidavit/model/generated/verdict.ts';
import { baseName } from '@affidavit/model/paths.ts';
import type { Catalogue, Tool } from '../catalogue/catalogue.ts';
import { ancestryMax } from './limits.ts';

export interface IndexedProcess {
	fact: ProcessFact;
	/** What the compiler catalogue says it is; null when nothing. */
	tool: Tool | null;
}

export interface ProcessIndex {
	/** Processes refused because the index is full. */
	readonly refused: number;
	/** Images of the session's own. */
	readonly own: number;
	/** False when it is known already, or refused. */
	add(fact: ProcessFact): boolean;
	get(execId: string): IndexedProcess | undefined;
	/** How a finding names it; null for the empty id. */
	ref(execId: string): ProcessRef | null;
	/** The process and its parents, nearest first; bounded, stops at a cycle. */
	lineage(execId: string): IndexedProcess[];
}

/** Of an imported trace, for a program that the catalogue does not count among the readers of inputs. */
const importedReader: Tool = { id: 'imported-reader', kind: 'interpreter', inputs: 'committed', names: ['*'] };

/**
 * `imported`: a Witness trace names threads as processes, loses others, and keeps one program of a pid: who really read a
 * file cannot be told, so whoever opened a committed one is taken for a reader of inputs.
 */
export function createProcessIndex(catalogue: Catalogue, max: number, imported = false): ProcessIndex {
	const toolOf = (fact: ProcessFact): Tool | null => {
		const tool = catalogue.classify(fact.binary, fact.arguments);
		if (!imported || (tool !== null && tool.inputs !== 'none')) return tool;
		return tool === null ? importedReader : { ...tool, inputs: 'committed' };
	};
	const byId = new Map<string, IndexedProcess>();
	let refused = 0;
	let own = 0;
	return {
		get refused() {
			return refused;
		},
		get own() {
			return own;
		},
		add(fact) {
			const known = byId.get(fact.execId);
			if (known) {
				// Told again when more is known: first seen as somebody's parent, then by its own exec, its digest later still.
				const fuller = known.fact.pid === -1 && fact.pid !== -1;
				if (!fuller && (known.fact.digest !== '' || fact.digest === '')) return false;
				if (known.fact.foreign && !fact.foreign) own++;
				known.fact = { ...fact, foreign: known.fact.foreign && fact.foreign };
				known.tool = toolOf(fact);
				return true;
			}
			if (byId.size >= max) {
				refused++;
				return false;
			}
			if (!fact.foreign) own++;
			byId.set(fact.execId, { fact, tool: toolOf(fact) });
			return true;
		},
		get: (execId) => byId.get(execId),
		ref(execId) {
			if (execId === '') return null;
			const known = byId.get(execId)?.fact;
			if (!known) return { execId, binary: '', arguments: '', pid: -1 };
			return { execId, binary: known.binary, arguments: known.arguments, pid: known.pid };
		},
		lineage(execId) {
			const chain: IndexedProcess[] = [];
			const seen = new Set<string>();
			let id = execId;
			while (chain.length < ancestryMax && !seen.has(id)) {
				const found = byId.get(id);
				if (!found) break;
				seen.add(id);
				chain.push(found);
				id = found.fact.parentExecId;
			}
			return chain;
		},
	};
}

/** A process in plain words: `compile (pid 1423)`. */
export function processWords(ref: ProcessRef | null): string {
	if (!ref) return 'an unknown process';
	const name = ref.binary === '' ? 'an unknown program' : baseName(ref.binary);
	return ref.pid < 0 ? name : `${name} (pid ${ref.pid})`;
}
