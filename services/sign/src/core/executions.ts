// Which content each process image runs, in spite of digests that the sensor put on the wrong event.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { ProcessFact } from '@affidavit/model/generated/session.ts';
import { contentKey, majorityDigest } from './file-facts.ts';

export interface ProgramDigests {
	/** sha256 of the file that the exec named (a script, for a script); empty when none is certain. */
	program: string;
	/** sha256 of the image that runs (the interpreter, for a script); empty when none is certain. */
	executable: string;
}

export interface Executions {
	/** File facts in any order; only executions are looked at. */
	add(fact: FileFact): void;
	/** Executions beyond the bound: left out. */
	omitted(): number;
	/** Looks a process up, or a fork's nearest ancestor that did execute: it runs the same image. */
	digestsOf(process: ProcessFact, processes: ReadonlyMap<string, ProcessFact>): ProgramDigests;
}

/** Operations that must agree before they stand in for a digest that is missing or another file's. */
const agreeingMin = 2;

/** Forks of forks followed upwards; a longer chain (or a cycle) gives no digest. */
const forkDepthMax = 1_000;

export function createExecutions(factsMax: number): Executions {
	const byProcess = new Map<string, FileFact[]>();
	/** dev, ino, version → how often executions showed which digest, known mix-ups left out. */
	const byContent = new Map<string, Map<string, number>>();
	let held = 0;
	let omitted = 0;

	const digestOf = (fact: FileFact): string => {
		// The kernel's check stands for itself, as long as nothing speaks against it. The open before it is wrong more often.
		const isCheck = fact.flags < 0;
		if (isCheck && fact.digest !== '' && fact.otherSize === -1) return fact.digest;
		const shown = fact.ino === '' ? undefined : byContent.get(contentKey(fact));
		return shown ? majorityDigest(shown, agreeingMin) : '';
	};
	const ofImage = (process: ProcessFact): ProgramDigests => {
		// An exec opens the loader and a script's interpreter too: only facts of the file itself count.
		const facts = byProcess.get(process.execId) ?? [];
		const ofFile = facts.filter((f) => f.path === process.binary);
		const ofInode = facts.filter((f) => process.ino !== '' && f.ino === process.ino && f.dev === process.dev);
		const mixedUp = facts.some((f) => f.digest === process.digest && f.otherSize !== -1);
		const executable = process.digest !== '' && !mixedUp ? process.digest : firstDigest(ofInode, digestOf);
		const program = firstDigest(ofFile, digestOf) || executable;
		return { program, executable: executable || program };
	};
	return {
		add(fact) {
			if (fact.op !== 'execute' || fact.foreign) return;
			if (held >= factsMax) {
				omitted++;
				return;
			}
			held++;
			const facts = byProcess.get(fact.execId);
			if (facts) facts.push(fact);
			else byProcess.set(fact.execId, [fact]);
			if (fact.digest === '' || fact.otherSize !== -1 || fact.ino === '') return;
			const key = contentKey(fact);
			const shown = byContent.get(key) ?? new Map<string, number>();
			if (shown.size === 0) byContent.set(key, shown);
			shown.set(fact.digest, (shown.get(fact.digest) ?? 0) + fact.count);
		},
		omitted: () => omitted,
		digestsOf(process, processes) {
			let image: ProcessFact | undefined = process;
			for (let depth = 0; image && !image.executed && depth < forkDepthMax; depth++)
				image = processes.get(image.parentExecId);
			return image?.executed ? ofImage(image) : { program: '', executable: '' };
		},
	};
}

/** The check (no open flags) before the exec's open; then by first time. */
function firstDigest(facts: readonly FileFact[], digestOf: (fact: FileFact) => string): string {
	const inOrder = facts.toSorted((a, b) => a.flags - b.flags || a.firstUs - b.firstUs);
	for (const fact of inOrder) {
		const digest = digestOf(fact);
		if (digest !== '') return digest;
	}
	return '';
}
