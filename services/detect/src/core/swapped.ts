// source-swapped-and-restored: a file held A, showed B to a tool of the build, and held A again, with writes from outside in between.
import type { FileFact } from '@affidavit/model/facts.ts';
import { codeRules } from '../rules/rule-set.ts';
import { timeText } from './event-time.ts';
import { type FindingDraft, fileEvidence, shortDigest } from './finding.ts';
import { changesContent, showsContent } from './history.ts';
import { type Expected, judgeOpen } from './judge.ts';
import type { JudgeContext } from './judge-context.ts';
import { processWords } from './process-index.ts';

interface Swap {
	read: FileFact;
	/** What the file held before and after. */
	original: Expected;
	swappedIn: FileFact;
	putBack: FileFact;
	after: FileFact;
	before: FileFact | null;
}

/** One finding per path. Works without a manifest too: then the first content that the session saw is what it held. */
export function swappedDrafts(context: JudgeContext): FindingDraft[] {
	const { history, workspace, processes } = context;
	const drafts: FindingDraft[] = [];
	const done = new Set<string>();
	for (const read of history.facts) {
		if (read.op !== 'read' || read.foreign || done.has(read.path)) continue;
		if (!workspace.contains(read.path) || workspace.isGit(read.path)) continue;
		const tool = processes.get(read.execId)?.tool;
		if (!tool || tool.inputs === 'none') continue;
		const swap = findSwap(context, read);
		if (!swap) continue;
		done.add(read.path);
		drafts.push(draft(context, swap));
	}
	return drafts;
}

function findSwap(context: JudgeContext, read: FileFact): Swap | null {
	const { history, repository, workspace, startUs } = context;
	if (read.digest === '') return null;
	const committed = repository.file(workspace.display(read.path));
	const related = history.around(read);
	const foreign = related.filter((m) => m.foreign && changesContent(m) && m.lastUs >= startUs);
	if (foreign.length < 2) return null;
	const opens = related.filter((o) => showsContent(o) && o.digest !== '' && o.digest !== read.digest);
	const before =
		opens.findLast((o) => o.lastUs <= read.firstUs && (!committed || o.digest === committed.sha256)) ?? null;
	const original = committed ?? (before ? { sha256: before.digest, size: before.size } : null);
	if (!original || judgeOpen(read, original, history, startUs).kind !== 'differs') return null;
	const swappedIn = foreign.findLast((m) => m.firstUs <= read.lastUs && m.firstUs >= (before?.firstUs ?? startUs));
	if (!swappedIn) return null;
	for (const after of opens) {
		if (after.digest !== original.sha256 || after.firstUs < read.lastUs) continue;
		const putBack = foreign.findLast((m) => m !== swappedIn && m.firstUs >= read.firstUs && m.firstUs <= after.lastUs);
		if (putBack) return { read, original, swappedIn, putBack, after, before };
	}
	return null;
}

function draft(context: JudgeContext, swap: Swap): FindingDraft {
	const { processes, workspace, flow } = context;
	const { read, original, swappedIn, putBack, after, before } = swap;
	const path = workspace.display(read.path);
	const writer = processes.ref(swappedIn.execId);
	const reader = processes.ref(read.execId);
	const products = flow.from(read.execId, read.firstUs);
	const values = new Map([
		['path', path],
		['reader', processWords(reader)],
		['readAt', timeText(read.firstUs)],
		['digest', shortDigest(read.digest)],
		['expected', shortDigest(original.sha256)],
		['writer', processWords(writer)],
		['wroteAt', timeText(swappedIn.firstUs)],
		['restored', `${processWords(processes.ref(putBack.execId))} put it back at ${timeText(putBack.firstUs)}`],
		['products', products.length === 0 ? '' : `What was read went into ${products.join(', ')}.`],
	]);
	const chain = [...(before ? [before] : []), swappedIn, read, putBack, after];
	return {
		rule: codeRules.swapped,
		subject: [path],
		severity: context.rules.rules.get(codeRules.swapped)?.severity ?? 'critical',
		path,
		digest: read.digest,
		expectedDigest: original.sha256,
		process: reader,
		writer,
		products,
		attribution: 'certain',
		values,
		evidence: chain.map((f) => fileEvidence(f, processes, path)),
		count: read.count,
	};
}
