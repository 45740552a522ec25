// Which file facts a statement lists when it cannot list all: what an investigator looks for first, in equal shares.
import { compareFileFacts } from '@affidavit/model/fact-order.ts';
import type { FileFact } from '@affidavit/model/facts.ts';
import { isInside } from '@affidavit/model/paths.ts';

export interface ChosenFiles {
	add(fact: FileFact): void;
	/** In canonical order. */
	end(): FileFact[];
}

/** Facts in canonical order; each class keeps its first ones. */
export function createChosenFiles(workspace: string, filesMax: number): ChosenFiles {
	const classes: FileFact[][] = [[], [], [], []];
	const share = Math.floor(filesMax / classes.length);
	return {
		add(fact) {
			const list = classes[classOf(fact, workspace)] as FileFact[];
			if (list.length < share) list.push(fact);
		},
		end: () => classes.flat().sort(compareFileFacts),
	};
}

function classOf(fact: FileFact, workspace: string): 0 | 1 | 2 | 3 {
	if (fact.foreign || fact.writerForeign || fact.heldBy !== '') return 0;
	if (fact.op === 'execute') return 1;
	return isInside(fact.path, workspace) ? 2 : 3;
}
