// Findings explain themselves: one builder, so that all have the same shape, order of evidence and identity.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { Evidence, Finding, FindingState, ProcessRef, Severity } from '@affidavit/model/generated/verdict.ts';
import { findingId } from '@affidavit/model/ids.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { plain } from '../rules/template.ts';
import { evidenceMax } from './limits.ts';
import type { ProcessIndex } from './process-index.ts';

export interface FindingDraft {
	rule: string;
	/** With session and rule, the finding's identity: the same for the lead and the confirmed finding. */
	subject: readonly string[];
	severity: Severity;
	path: string | null;
	digest: string;
	expectedDigest: string;
	process: ProcessRef | null;
	writer: ProcessRef | null;
	products: string[];
	attribution: 'certain' | 'uncertain';
	/** Values of the rule's explanation template. */
	values: ReadonlyMap<string, string>;
	evidence: Evidence[];
	count: number;
}

export function buildFinding(session: string, rules: RuleSet, state: FindingState, draft: FindingDraft): Finding {
	const rule = rules.rules.get(draft.rule);
	const evidence = boundedEvidence(draft.evidence);
	const times = draft.evidence.map((e) => e.timeUs);
	return {
		id: findingId(session, draft.rule, ...draft.subject),
		session,
		rule: draft.rule,
		title: rule?.title ?? draft.rule,
		severity: draft.severity,
		state,
		path: draft.path,
		digest: draft.digest === '' ? null : draft.digest,
		expectedDigest: draft.expectedDigest === '' ? null : draft.expectedDigest,
		process: draft.process,
		writer: draft.writer,
		products: draft.products,
		attribution: draft.attribution,
		attack: rule?.attack ?? [],
		explanation: (rules.explain.get(draft.rule)?.render(draft.values) ?? '').replace(/ {2,}/g, ' ').trim(),
		evidence,
		firstUs: times.length === 0 ? -1 : times.reduce((a, b) => Math.min(a, b)),
		lastUs: times.length === 0 ? -1 : times.reduce((a, b) => Math.max(a, b)),
		count: draft.count,
	};
}

/** In event-time order, equal links once; of a longer chain the beginning and the end. */
function boundedEvidence(links: readonly Evidence[]): Evidence[] {
	const sorted = [...links].sort(
		(a, b) =>
			a.timeUs - b.timeUs ||
			compare(a.what, b.what) ||
			compare(a.process?.execId ?? '', b.process?.execId ?? '') ||
			compare(a.path, b.path) ||
			compare(a.digest, b.digest),
	);
	const once = sorted.filter((e, i) => i === 0 || !sameLink(e, sorted[i - 1] as Evidence));
	if (once.length <= evidenceMax) return once;
	return [...once.slice(0, evidenceMax / 2), ...once.slice(-evidenceMax / 2)];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const sameLink = (a: Evidence, b: Evidence): boolean =>
	a.timeUs === b.timeUs &&
	a.what === b.what &&
	a.process?.execId === b.process?.execId &&
	a.path === b.path &&
	a.digest === b.digest &&
	a.size === b.size;

/** A file fact as a link of the chain. */
export const fileEvidence = (f: FileFact, processes: ProcessIndex, path: string, note = ''): Evidence => ({
	timeUs: f.firstUs,
	what: `${fileWords(f)}${note}`,
	process: processes.ref(f.execId),
	path,
	digest: f.digest,
	size: f.size,
	assurance: f.digest === '' ? '' : f.assurance,
});

function fileWords(f: FileFact): string {
	const who = f.foreign ? 'a process outside the session ' : '';
	switch (f.op) {
		case 'read':
			return `${who}read`;
		case 'execute':
			return `${who}executed`;
		case 'map':
			return `${who}mapped`;
		case 'write':
			return `${who}wrote`;
		case 'open_write':
			return `${who}opened for writing`;
		case 'truncate':
			return `${who}truncated`;
		case 'rename':
			return `${who}renamed ${plain(f.path2)} to this`;
		case 'remove':
			return `${who}removed`;
		case 'link':
			return `${who}linked ${plain(f.path2)} to this`;
	}
}

/** Order of a verdict's findings: (rule, path, id). */
export const inFindingOrder = (a: Finding, b: Finding): number =>
	compare(a.rule, b.rule) || compare(a.path ?? '', b.path ?? '') || compare(a.id, b.id);

export const shortDigest = (digest: string): string =>
	digest === '' ? 'content that no event shows' : `sha256:${digest.slice(0, 12)}…`;
