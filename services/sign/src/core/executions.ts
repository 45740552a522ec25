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
	const facts: FileFact[] = [];
	let omitted = 0;
	let judge: Judge | null = null;
	return {
		add(fact) {
			if (fact.op !== 'execute' || fact.foreign) return;
			if (facts.length >= factsMax) {
				omitted++;
				return;
			}
			facts.push(fact);
			judge = null;
			const ofProcess = byProcess.get(fact.execId);
			if (ofProcess) ofProcess.push(fact);
			else byProcess.set(fact.execId, [fact]);
		},
		omitted: () => omitted,
		digestsOf(process, processes) {
			let image: ProcessFact | undefined = process;
			for (let depth = 0; image && !image.executed && depth < forkDepthMax; depth++)
				image = processes.get(image.parentExecId);
			if (!image?.executed) return { program: '', executable: '' };
			judge ??= createJudge(facts);
			return ofImage(image, byProcess.get(image.execId) ?? [], judge);
		},
	};
}

function ofImage(process: ProcessFact, facts: readonly FileFact[], judge: Judge): ProgramDigests {
	// An exec opens the loader and a script's interpreter too: only facts of the file itself count.
	const ofFile = facts.filter((f) => f.path === process.binary);
	const ofInode = facts.filter((f) => process.ino !== '' && f.ino === process.ino && f.dev === process.dev);
	const mixedUp = facts.some((f) => f.digest === process.digest && judge.mixedUp(f));
	const executable = process.digest !== '' && !mixedUp ? process.digest : firstDigest(ofInode, judge);
	const program = firstDigest(ofFile, judge) || executable;
	return { program, executable: executable || program };
}

/** What the session's executions together say of each. */
interface Judge {
	mixedUp(fact: FileFact): boolean;
	/** The fact's own digest where it can be believed, else the one that the others show; '' when none is certain. */
	digestOf(fact: FileFact): string;
}

function createJudge(facts: readonly FileFact[]): Judge {
	const sizes = sizesOfDigests(facts);
	/** One content has one size: a digest that is mostly seen with another size, on other inodes, is another file's. */
	const mixedUp = (fact: FileFact): boolean => {
		if (fact.otherSize !== -1) return true;
		let same = 0;
		let other = 0;
		for (const [size, inodes] of sizes.get(fact.digest) ?? [])
			for (const [inode, count] of inodes)
				if (size === fact.size) same += count;
				else if (inode !== inodeKey(fact)) other += count;
		return other > same;
	};
	/** dev, ino, version → how often executions showed which digest, mix-ups left out. */
	const byContent = new Map<string, Map<string, number>>();
	for (const fact of facts) {
		if (fact.digest === '' || fact.ino === '' || mixedUp(fact)) continue;
		const key = contentKey(fact);
		const shown = byContent.get(key) ?? new Map<string, number>();
		if (shown.size === 0) byContent.set(key, shown);
		shown.set(fact.digest, (shown.get(fact.digest) ?? 0) + fact.count);
	}
	return {
		mixedUp,
		digestOf(fact) {
			// The kernel's check stands for itself, as long as nothing speaks against it. The open before it is wrong more often.
			const isCheck = fact.flags < 0;
			if (isCheck && fact.digest !== '' && !mixedUp(fact)) return fact.digest;
			const shown = fact.ino === '' ? undefined : byContent.get(contentKey(fact));
			return shown ? majorityDigest(shown, agreeingMin) : '';
		},
	};
}

/** Digest → size → inode → executions. */
function sizesOfDigests(facts: readonly FileFact[]): Map<string, Map<number, Map<string, number>>> {
	const sizes = new Map<string, Map<number, Map<string, number>>>();
	for (const fact of facts) {
		if (fact.digest === '' || fact.size < 0 || fact.otherSize !== -1) continue;
		const ofDigest = sizes.get(fact.digest) ?? new Map<number, Map<string, number>>();
		if (ofDigest.size === 0) sizes.set(fact.digest, ofDigest);
		const inodes = ofDigest.get(fact.size) ?? new Map<string, number>();
		if (inodes.size === 0) ofDigest.set(fact.size, inodes);
		inodes.set(inodeKey(fact), (inodes.get(inodeKey(fact)) ?? 0) + fact.count);
	}
	return sizes;
}

const inodeKey = (f: FileFact): string => `${f.dev}:${f.ino}`;

/** The check (no open flags) before the exec's open; then by first time. */
function firstDigest(facts: readonly FileFact[], judge: Judge): string {
	const inOrder = facts.toSorted((a, b) => a.flags - b.flags || a.firstUs - b.firstUs);
	for (const fact of inOrder) {
		const digest = judge.digestOf(fact);
		if (digest !== '') return digest;
	}
	return '';
}
