// foreign-write-into-workspace: a process outside the session changed a file of its workspace while it ran.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { Severity } from '@affidavit/model/generated/verdict.ts';
import { codeRules } from '../rules/rule-set.ts';
import { timeText } from './event-time.ts';
import { type FindingDraft, fileEvidence, shortDigest } from './finding.ts';
import { changesContent, type History, inTime, showsContent } from './history.ts';
import type { JudgeContext } from './judge-context.ts';
import { processWords } from './process-index.ts';
import type { Workspace } from './workspace.ts';

interface ForeignGroup {
	/** Absolute, as the session names the file. */
	path: string;
	execId: string;
	facts: FileFact[];
}

/** A change that counts: from outside, of content or name, within the session's time. */
export const isForeignChange = (f: FileFact, startUs: number, endUs: number): boolean =>
	f.foreign && (changesContent(f) || f.op === 'remove') && f.lastUs >= startUs && f.firstUs <= endUs;

/** One finding per file and writer. */
export function foreignWriteDrafts(context: JudgeContext): FindingDraft[] {
	const groups = new Map<string, ForeignGroup>();
	for (const f of context.history.facts) {
		if (!isForeignChange(f, context.startUs, context.endUs)) continue;
		const path = workspacePath(f, context.history, context.workspace);
		if (path === null) continue;
		const key = `${f.execId}\0${path}`;
		const group = groups.get(key);
		if (group) group.facts.push(f);
		else groups.set(key, { path, execId: f.execId, facts: [f] });
	}
	return [...groups.values()].map((group) => draft(context, group));
}

/** The file's path in the workspace; a writer in another mount namespace names it otherwise, (dev, inode) is the join. */
export function workspacePath(f: FileFact, history: History | null, workspace: Workspace): string | null {
	if (workspace.contains(f.path)) return f.path;
	if (f.path2 !== '' && workspace.contains(f.path2)) return f.path2;
	if (!history || f.ino === '') return null;
	const own = history.ofInode(f.dev, f.ino).find((o) => !o.foreign && workspace.contains(o.path));
	return own?.path ?? null;
}

function draft(context: JudgeContext, group: ForeignGroup): FindingDraft {
	const { processes, workspace, repository, flow } = context;
	const path = workspace.display(group.path);
	const git = workspace.isGit(group.path);
	const content = group.facts.filter((f) => changesContent(f) && f.path2 !== group.path);
	const reads = git ? [] : laterReads(context, content, group.path);
	const product = git ? undefined : content.map((f) => flow.product(f, group.path)).find((p) => p !== undefined);
	const first = group.facts[0] as FileFact;
	const reader = reads.find((r) => processes.get(r.execId)?.tool?.kind === 'compiler') ?? reads[0];
	const severity: Severity = reads.length > 0 || product ? 'high' : 'low';
	const writer = processes.ref(group.execId);
	const into = reader ? flow.from(reader.execId, reader.firstUs) : product ? [workspace.display(product.path)] : [];
	const expected = repository.file(path);
	const values = new Map([
		['path', path],
		['writer', processWords(writer)],
		['wroteAt', timeText(first.firstUs)],
		['done', doneWords(group.facts)],
		['later', laterWords(reader ? processWords(processes.ref(reader.execId)) : '', reader, product !== undefined, git)],
		['digest', shortDigest(reader?.digest ?? '')],
		['products', into.length === 0 ? '' : `It went into ${into.join(', ')}.`],
	]);
	const evidence = [...group.facts, ...reads.slice(0, 6)].map((f) => fileEvidence(f, processes, path));
	return {
		rule: codeRules.foreignWrite,
		subject: [path, group.execId],
		severity,
		path,
		digest: reader?.digest ?? '',
		expectedDigest: expected?.sha256 ?? '',
		process: reader ? processes.ref(reader.execId) : null,
		writer,
		products: into,
		attribution: 'certain',
		values,
		evidence,
		count: group.facts.reduce((sum, f) => sum + f.count, 0),
	};
}

/** Reads by the session of what the writes left: on the inode from that version on, or at the path from that time on. */
function laterReads(context: JudgeContext, writes: readonly FileFact[], path: string): FileFact[] {
	const { history } = context;
	const found = new Set<FileFact>();
	// The earliest version of each inode is the one that the most reads come after.
	const earliest = new Map<string, FileFact>();
	for (const w of writes) {
		const key = `${w.dev}:${w.ino}`;
		const known = earliest.get(key);
		if (!known || w.version < known.version || (w.version === known.version && w.firstUs < known.firstUs))
			earliest.set(key, w);
	}
	for (const w of earliest.values()) {
		for (const r of history.ofInode(w.dev, w.ino))
			if (!r.foreign && showsContent(r) && r.version >= w.version && r.lastUs >= w.firstUs) found.add(r);
		// Where both inodes are known they decide: the path may hold another file by now.
		for (const r of history.ofPath(path))
			if ((r.ino === '' || w.ino === '') && !r.foreign && showsContent(r) && r.path === path && r.lastUs >= w.firstUs)
				found.add(r);
	}
	return [...found].sort(inTime);
}

function doneWords(facts: readonly FileFact[]): string {
	const ops = new Set(facts.map((f) => f.op));
	const words: string[] = [];
	if (ops.has('write')) words.push('wrote to');
	else if (ops.has('open_write')) words.push('opened for writing');
	if (ops.has('truncate')) words.push('truncated');
	if (ops.has('rename')) words.push('renamed');
	if (ops.has('link')) words.push('linked');
	if (ops.has('remove')) words.push('removed');
	const last = words.pop() ?? '';
	return words.length === 0 ? last : `${words.join(', ')} and ${last}`;
}

function laterWords(reader: string, read: FileFact | undefined, product: boolean, git: boolean): string {
	if (read) return `${reader} of the session read it afterwards, at ${timeText(read.lastUs)}.`;
	if (product) return 'It is a product of the session.';
	if (git) return "It is one of git's own files.";
	return 'The session did not read it afterwards.';
}
