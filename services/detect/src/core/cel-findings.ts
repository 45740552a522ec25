// Findings of CEL rules: hits on single facts, gathered by what makes them one finding.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { ConnectFact, GapFact, ProcessFact, PtraceFact } from '@affidavit/model/generated/session.ts';
import type { Evidence } from '@affidavit/model/generated/verdict.ts';
import { findingId } from '@affidavit/model/ids.ts';
import type { CelRule } from '../rules/rule-set.ts';
import { plain } from '../rules/template.ts';
import { timeText } from './event-time.ts';
import type { FindingDraft } from './finding.ts';
import { changesContent, type History } from './history.ts';
import { isMixedUp } from './judge.ts';
import { type ProcessIndex, processWords } from './process-index.ts';
import type { ProductFlow } from './product-flow.ts';
import type { Workspace } from './workspace.ts';

export type AnyFact =
	| { family: 'file'; fact: FileFact }
	| { family: 'network'; fact: ConnectFact }
	| { family: 'trace'; fact: PtraceFact }
	| { family: 'process'; fact: ProcessFact }
	| { family: 'gap'; fact: GapFact };

export interface CelHit {
	rule: CelRule;
	subject: readonly string[];
	/** The earliest fact, and of facts of one time the least by who did it. */
	example: AnyFact;
	firstUs: number;
	lastUs: number;
	count: number;
}

export interface CelHits {
	readonly refused: number;
	add(rule: CelRule, hit: AnyFact): void;
	all(): Iterable<CelHit>;
}

export function createCelHits(session: string, max: number): CelHits {
	const hits = new Map<string, CelHit>();
	let refused = 0;
	return {
		get refused() {
			return refused;
		},
		add(rule, hit) {
			const subject = subjectOf(rule, hit);
			const id = findingId(session, rule.rule.id, ...subject);
			const { firstUs, lastUs, count } = span(hit);
			const known = hits.get(id);
			if (!known) {
				if (hits.size >= max) refused++;
				else hits.set(id, { rule, subject, example: hit, firstUs, lastUs, count });
				return;
			}
			if (isBetterExample(hit, firstUs, known)) known.example = hit;
			known.firstUs = Math.min(known.firstUs, firstUs);
			known.lastUs = Math.max(known.lastUs, lastUs);
			known.count += count;
		},
		all: () => hits.values(),
	};
}

/** A sure digest says more than a mixed-up one, an execution more than an open; then the earlier one does. */
function isBetterExample(hit: AnyFact, firstUs: number, known: CelHit): boolean {
	const rank = (one: AnyFact): number =>
		one.family === 'file' ? (one.fact.otherSize >= 0 ? 2 : 0) + (one.fact.op === 'execute' ? 0 : 1) : 0;
	const byKind = rank(hit) - rank(known.example);
	if (byKind !== 0) return byKind < 0;
	const knownUs = span(known.example).firstUs;
	return firstUs < knownUs || (firstUs === knownUs && execIdOf(hit) < execIdOf(known.example));
}

export function subjectOf(rule: CelRule, hit: AnyFact): string[] {
	const fields = hit.fact as unknown as Record<string, unknown>;
	return (rule.rule.subject ?? []).map((name) => String(fields[name] ?? ''));
}

export const execIdOf = (hit: AnyFact): string => (hit.family === 'gap' ? '' : hit.fact.execId);

function span(hit: AnyFact): { firstUs: number; lastUs: number; count: number } {
	switch (hit.family) {
		case 'process':
			return { firstUs: hit.fact.timeUs, lastUs: hit.fact.timeUs, count: 1 };
		case 'gap':
			return { firstUs: hit.fact.fromUs, lastUs: hit.fact.toUs, count: 1 };
		default:
			return hit.fact;
	}
}

export interface DraftInput {
	processes: ProcessIndex;
	workspace: Workspace;
	/** null for a lead: what comes later is not known yet. */
	history: History | null;
	flow: ProductFlow | null;
	/** Reason that the indicator list gives for a digest; empty when none. */
	reasonOf(digest: string): string;
}

export function draftOfHit(hit: CelHit, input: DraftInput): FindingDraft {
	const { processes, workspace, history, flow } = input;
	const { rule, example } = hit;
	const values = new Map<string, string>();
	for (const [name, value] of Object.entries(example.fact)) values.set(name, String(value));
	const execId = execIdOf(example);
	const process = processes.ref(example.family === 'trace' ? example.fact.targetExecId : execId);
	const file = example.family === 'file' ? example.fact : null;
	const path = file ? workspace.display(file.path) : null;
	const digest = file?.digest ?? (example.family === 'process' ? example.fact.digest : '');
	const writes = file && history ? writesBefore(file, history) : [];
	const writer =
		example.family === 'trace' ? processes.ref(execId) : processes.ref(file?.writer || (writes.at(-1)?.execId ?? ''));
	const uncertain = file !== null && (history ? isMixedUp(file, history) : file.otherSize >= 0);
	const products = flow && process ? flow.from(process.execId, hit.firstUs) : [];
	if (path !== null) values.set('path', path);
	values.set('process', processWords(processes.ref(execId)));
	values.set('target', processWords(process));
	values.set('writer', writer ? processWords(writer) : '');
	values.set('products', products.length === 0 ? '' : `It went into ${products.join(', ')}.`);
	values.set('did', file ? (didWords[file.op] ?? file.op) : '');
	values.set('writtenBy', writtenBy(writes.at(-1), processes));
	values.set('reason', input.reasonOf(digest) === '' ? '' : `The indicator list says: ${input.reasonOf(digest)}.`);
	values.set('attributionNote', uncertain ? uncertainNote : '');
	const evidence: Evidence[] = writes.map((w) => link(w.firstUs, phrase(w), w, processes, workspace));
	evidence.push({
		timeUs: hit.firstUs,
		what: rule.evidence.render(values),
		process: processes.ref(execId),
		path: path ?? '',
		digest,
		size: file?.size ?? -1,
		assurance: file && digest !== '' ? file.assurance : '',
	});
	return {
		rule: rule.rule.id,
		subject: hit.subject,
		severity: rule.rule.severity,
		path,
		digest,
		expectedDigest: '',
		process,
		writer,
		products,
		attribution: uncertain ? 'uncertain' : 'certain',
		values,
		evidence,
		count: hit.count,
	};
}

const didWords: Partial<Record<FileFact['op'], string>> = {
	read: 'read',
	execute: 'executed',
	map: 'mapped',
	write: 'wrote',
	open_write: 'opened for writing',
	truncate: 'truncated',
	remove: 'removed',
};

function writtenBy(write: FileFact | undefined, processes: ProcessIndex): string {
	if (!write) return '';
	const who = processWords(processes.ref(write.execId));
	return `${who}, outside the session, put it there at ${timeText(write.firstUs)}.`;
}

const uncertainNote =
	'The sensor may have put the digest of another file on this event; some process did open that content.';

/** Who put the file there: foreign changes of the inode or the path up to this open, the last few. */
function writesBefore(file: FileFact, history: History): FileFact[] {
	const onInode = history.ofInode(file.dev, file.ino).filter((m) => m.version <= file.version);
	const onPath = history.ofPath(file.path).filter((m) => m.path === file.path && m.firstUs <= file.firstUs);
	const found = new Set([...onInode, ...onPath].filter((m) => m.foreign && changesContent(m)));
	return [...found].sort((a, b) => a.firstUs - b.firstUs).slice(-6);
}

const phrase = (m: FileFact): string =>
	m.op === 'rename' || m.op === 'link'
		? `a process outside the session put it there (${m.op} of ${plain(m.path2)})`
		: 'a process outside the session wrote it';

const link = (timeUs: number, what: string, f: FileFact, processes: ProcessIndex, workspace: Workspace): Evidence => ({
	timeUs,
	what,
	process: processes.ref(f.execId),
	path: workspace.display(f.path),
	digest: f.digest,
	size: f.size,
	assurance: f.digest === '' ? '' : f.assurance,
});
