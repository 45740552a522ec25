// input-in-no-commit: compilers' inputs in the workspace that the commit does not hold. Who wrote them decides.
import type { FileFact } from '@affidavit/model/facts.ts';
import { codeRules } from '../rules/rule-set.ts';
import { timeText } from './event-time.ts';
import { type FindingDraft, fileEvidence, shortDigest } from './finding.ts';
import { changesContent } from './history.ts';
import { classifyInput } from './inputs.ts';
import type { JudgeContext } from './judge-context.ts';
import { listedPathsMax } from './limits.ts';
import { processWords } from './process-index.ts';

export type Origin = 'generated' | 'foreign' | 'unknown';

export const originOf = (f: FileFact): Origin =>
	f.heldBy !== '' || (f.writer !== '' && f.writerForeign) ? 'foreign' : f.writer !== '' ? 'generated' : 'unknown';

/** Many files as one finding: the least paths by name, so that order of arrival does not matter. */
export interface PathSummary {
	count: number;
	firstUs: number;
	lastUs: number;
	/** Workspace-relative, sorted. */
	listed: string[];
}

export const emptySummary = (): PathSummary => ({ count: 0, firstUs: -1, lastUs: -1, listed: [] });

/** `count` counts reads; call only for what is in no commit. */
export function addToSummary(summary: PathSummary, path: string, f: FileFact): void {
	summary.count += f.count;
	if (summary.firstUs < 0 || f.firstUs < summary.firstUs) summary.firstUs = f.firstUs;
	if (f.lastUs > summary.lastUs) summary.lastUs = f.lastUs;
	const { listed } = summary;
	const last = listed[listed.length - 1];
	if (listed.length >= listedPathsMax && last !== undefined && path >= last) return;
	let at = 0;
	while (at < listed.length && (listed[at] as string) < path) at++;
	if (listed[at] === path) return;
	listed.splice(at, 0, path);
	if (listed.length > listedPathsMax) listed.pop();
}

export function summaryDrafts(generated: PathSummary, unknown: PathSummary): FindingDraft[] {
	const drafts: FindingDraft[] = [];
	if (generated.count > 0) drafts.push(summaryDraft('generated', 'info', generated, 'The session itself wrote them.'));
	if (unknown.count > 0)
		drafts.push(summaryDraft('unknown', 'low', unknown, 'No event shows who wrote them: origin unknown.'));
	return drafts;
}

function summaryDraft(subject: string, severity: 'info' | 'low', s: PathSummary, origin: string): FindingDraft {
	const one = s.listed.length === 1;
	const values = new Map([
		['path', one ? (s.listed[0] as string) : 'Files of the workspace'],
		['reader', 'compilers of the session'],
		['origin', origin],
		['listed', one ? '' : `Among them: ${s.listed.join(', ')}.`],
		['count', String(s.count)],
	]);
	const times = s.firstUs === s.lastUs ? [s.firstUs] : [s.firstUs, s.lastUs];
	const phrase = (i: number): string => (i === 0 ? 'first read of such a file' : 'last read of such a file');
	return {
		rule: codeRules.noCommit,
		subject: [subject],
		severity,
		path: one ? (s.listed[0] as string) : null,
		digest: '',
		expectedDigest: '',
		process: null,
		writer: null,
		products: [],
		attribution: 'certain',
		values,
		evidence: times.map((timeUs, i) => ({
			timeUs,
			what: phrase(i),
			process: null,
			path: '',
			digest: '',
			size: -1,
			assurance: '',
		})),
		count: s.count,
	};
}

/** One finding per file that someone outside the session wrote. */
export function foreignInputDrafts(context: JudgeContext): FindingDraft[] {
	const { history, processes, workspace, repository } = context;
	const groups = new Map<string, FileFact[]>();
	for (const f of history.facts) {
		const input = classifyInput(f, processes.get(f.execId)?.tool ?? null, workspace, repository);
		if (input.kind !== 'uncommitted' || originOf(f) !== 'foreign') continue;
		const group = groups.get(input.path);
		if (group) group.push(f);
		else groups.set(input.path, [f]);
	}
	return [...groups].map(([path, reads]) => foreignDraft(context, path, reads));
}

function foreignDraft(context: JudgeContext, path: string, reads: readonly FileFact[]): FindingDraft {
	const { processes, history, flow } = context;
	const read = reads[0] as FileFact;
	const writer = processes.ref(read.heldBy || read.writer);
	const writes = history
		.ofInode(read.dev, read.ino)
		.filter((m) => m.foreign && changesContent(m))
		.slice(-6);
	const products = flow.from(read.execId, read.firstUs);
	const wroteAt = writes.at(-1);
	const values = new Map([
		['path', path],
		['reader', processWords(processes.ref(read.execId))],
		[
			'origin',
			`${processWords(writer)}, outside the session, wrote it${wroteAt ? ` at ${timeText(wroteAt.firstUs)}` : ''}.`,
		],
		['digest', shortDigest(read.digest)],
		['listed', ''],
		['count', String(read.count)],
		['products', products.length === 0 ? '' : `It went into ${products.join(', ')}.`],
	]);
	return {
		rule: codeRules.noCommit,
		subject: ['foreign', path],
		severity: 'high',
		path,
		digest: read.digest,
		expectedDigest: '',
		process: processes.ref(read.execId),
		writer,
		products,
		attribution: 'certain',
		values,
		evidence: [...writes, ...reads.slice(0, 6)].map((f) => fileEvidence(f, processes, path)),
		count: reads.reduce((sum, f) => sum + f.count, 0),
	};
}
