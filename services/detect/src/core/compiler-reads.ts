// compiler-read-differs-from-repo: a tool of the catalogue read other content than the commit holds.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { Severity } from '@affidavit/model/generated/verdict.ts';
import type { ManifestFile } from '@affidavit/model/manifest.ts';
import { codeRules } from '../rules/rule-set.ts';
import { timeText } from './event-time.ts';
import { type FindingDraft, fileEvidence, shortDigest } from './finding.ts';
import { changesContent, showsContent } from './history.ts';
import { classifyInput } from './inputs.ts';
import { type Cause, type Judgement, judgeOpen } from './judge.ts';
import type { JudgeContext } from './judge-context.ts';
import { processWords } from './process-index.ts';

/** A compiler's read that is other content than the commit's. */
export interface DifferingRead {
	fact: FileFact;
	/** Workspace-relative. */
	path: string;
	expected: ManifestFile;
	judgement: Extract<Judgement, { kind: 'differs' }>;
}

export interface ReadJudgements {
	differing: DifferingRead[];
	/** Paths of inputs whose content could not be judged. */
	unverified: Set<string>;
	/** Events judged to carry another file's digest, beyond those that the facts name themselves. */
	mixUps: number;
}

export function judgeReads(context: JudgeContext): ReadJudgements {
	const { processes, workspace, repository, history, startUs } = context;
	const result: ReadJudgements = { differing: [], unverified: new Set(), mixUps: 0 };
	for (const fact of history.facts) {
		const tool = processes.get(fact.execId)?.tool ?? null;
		const input = classifyInput(fact, tool, workspace, repository);
		if (input.kind === 'unresolved') result.unverified.add(input.path);
		if (input.kind !== 'committed') continue;
		const { path, expected } = input;
		const judgement = judgeOpen(fact, expected, history, startUs);
		switch (judgement.kind) {
			case 'expected':
				break;
			case 'differs':
				result.differing.push({ fact, path, expected, judgement });
				break;
			case 'mix-up':
				if (fact.otherSize < 0) result.mixUps += fact.count;
				break;
			case 'unverified':
				result.unverified.add(path);
				if (judgement.reason === 'mix-up' && fact.otherSize < 0) result.mixUps += fact.count;
				break;
		}
	}
	return result;
}

/** One finding per path and digest read. */
export function compilerReadDrafts(context: JudgeContext, differing: readonly DifferingRead[]): FindingDraft[] {
	const groups = new Map<string, DifferingRead[]>();
	for (const read of differing) {
		const key = `${digestShown(read)} ${read.path}`;
		const group = groups.get(key);
		if (group) group.push(read);
		else groups.set(key, [read]);
	}
	return [...groups.values()].map((group) => draft(context, group));
}

/** The digest is named only where it can be that of what was read. */
const digestShown = (read: DifferingRead): string => (read.judgement.shown ? read.fact.digest : '');

export const readSeverity = (cause: Cause, strictSources: boolean): Severity => {
	if (cause !== 'own') return 'critical';
	return strictSources ? 'high' : 'low';
};

function draft(context: JudgeContext, group: readonly DifferingRead[]): FindingDraft {
	const { processes, rules, flow } = context;
	const worst = group.find((r) => r.judgement.cause !== 'own') ?? (group[0] as DifferingRead);
	const { fact, path, expected } = group.find((r) => isCompiler(context, r.fact)) ?? worst;
	// A writer from before the session is no change within it, but still the one to name.
	const cause = worst.judgement.cause === 'unknown' && fact.writerForeign ? 'foreign' : worst.judgement.cause;
	const digest = digestShown(worst);
	const changes = changesAround(context, fact);
	const foreignBefore = changes.before.filter((m) => m.foreign);
	const writes = cause === 'foreign' ? foreignBefore : cause === 'own' ? changes.before.filter((m) => !m.foreign) : [];
	// The open for writing names the writer as well as the write does, but the write tells when.
	const write = writes.findLast((m) => m.op !== 'open_write') ?? writes.at(-1);
	const writer = processes.ref(write?.execId ?? (cause === 'unknown' ? '' : fact.heldBy || fact.writer));
	const restored = changes.after.find((m) => m.foreign);
	const products = [...new Set(group.flatMap((r) => flow.from(r.fact.execId, r.fact.firstUs)))].sort();
	const reader = processes.ref(fact.execId);
	const values = new Map([
		['path', path],
		['reader', processWords(reader)],
		['readAt', timeText(fact.firstUs)],
		['digest', shortDigest(digest)],
		['size', fact.size < 0 ? 'unknown' : String(fact.size)],
		['expected', shortDigest(expected.sha256)],
		['expectedSize', expected.size < 0 ? 'unknown' : String(expected.size)],
		['commit', context.repository.commit.slice(0, 12)],
		['holder', holderWords(context)],
		['origin', originWords(cause, processWords(writer), write ? timeText(write.firstUs) : '')],
		['restored', restored ? `It was changed again at ${timeText(restored.firstUs)}, after the read.` : ''],
		['products', products.length === 0 ? '' : `What was read went into ${products.join(', ')}.`],
		['why', whyWords(worst.judgement)],
	]);
	const chain = [
		...changes.before,
		...changes.goodBefore,
		...group.map((r) => r.fact),
		...changes.after,
		...changes.goodAfter,
	];
	return {
		rule: codeRules.compilerRead,
		subject: [path, digest],
		severity: readSeverity(cause, rules.options.strictSources),
		path,
		digest,
		expectedDigest: expected.sha256,
		process: reader,
		writer,
		products,
		attribution: group.some((r) => r.judgement.shown || r.judgement.reason === 'size') ? 'certain' : 'uncertain',
		values,
		evidence: [...new Set(chain)].map((f) => fileEvidence(f, processes, path)),
		count: group.reduce((sum, r) => sum + r.fact.count, 0),
	};
}

/** Whose word the expected content is. */
function holderWords({ repository, declared }: JudgeContext): string {
	if (repository.commit !== '') return `commit ${repository.commit.slice(0, 12)}`;
	return declared === true
		? 'what the build itself recorded before it ran'
		: 'the source it is compared with (no commit)';
}

const isCompiler = (context: JudgeContext, f: FileFact): boolean =>
	context.processes.get(f.execId)?.tool?.kind === 'compiler';

export interface ChangesAround {
	/** Writes of this content, by anyone, up to the read; the last few. */
	before: FileFact[];
	/** Writes after it; the first few. */
	after: FileFact[];
	/** The last open before, and the first after, with another digest than the read's. */
	goodBefore: FileFact[];
	goodAfter: FileFact[];
}

const changesKept = 6;

/** What happened to the file around a read, on its inode and at its path. */
export function changesAround(context: JudgeContext, read: FileFact): ChangesAround {
	const { history } = context;
	const related = history.around(read);
	const sameInode = new Set(history.ofInode(read.dev, read.ino));
	const isBefore = (m: FileFact): boolean =>
		sameInode.has(m) ? m.version <= read.version && m.firstUs <= read.lastUs : m.firstUs <= read.firstUs;
	const changes = related.filter((m) => changesContent(m) || m.op === 'remove');
	const opens = related.filter(
		(o) => showsContent(o) && o.digest !== '' && o.digest !== read.digest && o.otherSize < 0,
	);
	return {
		before: changes.filter(isBefore).slice(-changesKept),
		after: changes.filter((m) => !isBefore(m)).slice(0, changesKept),
		goodBefore: opens.filter((o) => o.lastUs <= read.firstUs).slice(-1),
		goodAfter: opens.filter((o) => o.firstUs >= read.lastUs).slice(0, 1),
	};
}

function originWords(cause: Cause, writer: string, wroteAt: string): string {
	const at = wroteAt === '' ? '' : ` at ${wroteAt}`;
	switch (cause) {
		case 'foreign':
			return `${writer}, outside the session, wrote it${at}.`;
		case 'own':
			return `The session itself wrote it: ${writer}${at}.`;
		case 'unknown':
			return 'No event shows who wrote it.';
	}
}

function whyWords(judgement: DifferingRead['judgement']): string {
	switch (judgement.reason) {
		case 'size':
			return 'Its size is not that of the committed file.';
		case 'foreign-write':
			return judgement.shown
				? 'It was written to since it was last seen right.'
				: 'No open shows the committed content since a process outside the session wrote to it.';
		case 'held':
			return 'A process outside the session had it open for writing.';
		case 'opens-agree':
			return 'Two opens agree on the content.';
		case 'hashed-by-path':
			return 'The tracer hashed the file at this path itself.';
		case 'own-write':
			return 'Only the session wrote to it.';
		case 'unjudged':
			return 'It is not yet compared with other opens of the file.';
	}
}
