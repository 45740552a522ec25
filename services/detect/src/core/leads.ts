// Leads leave on arrival: what one batch of facts shows by itself. They may be withdrawn at the close and decide nothing.
import type { Facts, FileFact } from '@affidavit/model/facts.ts';
import type { OpenedFact } from '@affidavit/model/generated/session.ts';
import type { Finding, Severity } from '@affidavit/model/generated/verdict.ts';
import { findingId } from '@affidavit/model/ids.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { CelRule, RuleSet } from '../rules/rule-set.ts';
import { type AnyFact, createCelHits, draftOfHit } from './cel-findings.ts';
import { type CelMatcher, createCelMatcher } from './cel-matcher.ts';
import { compilerReadDrafts } from './compiler-reads.ts';
import { buildFinding, type FindingDraft } from './finding.ts';
import { foreignWriteDrafts, isForeignChange } from './foreign-writes.ts';
import { historyOf } from './history.ts';
import type { IndicatorSet } from './indicator-set.ts';
import { classifyInput } from './inputs.ts';
import { judgeOpen } from './judge.ts';
import type { JudgeContext } from './judge-context.ts';
import type { DetectLimits } from './limits.ts';
import { createProcessIndex } from './process-index.ts';
import { noFlow } from './product-flow.ts';
import { createRepository } from './repository.ts';
import { failsSession } from './severity.ts';
import { createWorkspace } from './workspace.ts';

export interface LeadInput {
	session: string;
	opened: OpenedFact | null;
	rules: RuleSet;
	indicators: IndicatorSet;
	limits: DetectLimits;
	/** Ids of leads that left already. */
	emitted: Iterable<string>;
	emit: Emit;
}

export interface LeadFinder {
	/** New leads of the facts of one batch. */
	add(facts: Facts): Finding[];
	/** Learns processes only: facts that were seen before a restart. */
	learn(facts: Facts): void;
	/** New leads of the inputs that waited for the manifest. */
	resolve(manifest: Manifest | null): Finding[];
}

export function createLeadFinder(input: LeadInput): LeadFinder {
	const { session, opened, rules, limits } = input;
	const workspace = createWorkspace(opened?.workspace ?? '');
	const processes = createProcessIndex(rules.catalogue, limits.processes);
	const emitted = new Set(input.emitted);
	const waiting = new Map<string, FileFact>();
	const startUs = opened?.timeUs ?? 0;
	let repository = createRepository(null);
	let resolved = false;
	let matcher: CelMatcher = createCelMatcher({ ...input, workspace, processes, repository });
	let found: Finding[] = [];

	const contextOf = (fact: FileFact): JudgeContext => ({
		session,
		rules,
		opened,
		startUs,
		endUs: Number.MAX_SAFE_INTEGER,
		processes,
		workspace,
		repository,
		history: historyOf([fact]),
		flow: noFlow,
	});
	// Low ones may fill half of the room only: a flood of them must not hide a grave one.
	const isFull = (severity: Severity): boolean =>
		emitted.size >= (failsSession(severity) ? limits.leads : Math.floor(limits.leads / 2));
	const leave = (draft: FindingDraft): void => {
		const id = findingId(session, draft.rule, ...draft.subject);
		if (emitted.has(id)) return;
		if (isFull(draft.severity)) {
			input.emit({
				name: 'lead_dropped',
				stage: 'detect',
				reason: 'limit',
				intentional: true,
				message: 'A session has more leads than the configured bound; its verdict still judges all.',
				detail: { session, rule: draft.rule },
			});
			return;
		}
		emitted.add(id);
		found.push(buildFinding(session, rules, 'lead', draft));
	};
	const hit = (rule: CelRule, fact: AnyFact): void => {
		const hits = createCelHits(session, 1);
		hits.add(rule, fact);
		const reasonOf = (digest: string): string => input.indicators.bad.get(digest)?.reason ?? '';
		for (const one of hits.all()) leave(draftOfHit(one, { processes, workspace, history: null, flow: null, reasonOf }));
	};
	const addRead = (f: FileFact): void => {
		if (!workspace.contains(f.path) || f.otherSize >= 0) return;
		const tool = processes.get(f.execId)?.tool ?? null;
		if (tool === null || tool.inputs === 'none' || workspace.isGit(f.path)) return;
		if (!resolved) {
			if (waiting.size < limits.waitingInputs) waiting.set(`${f.digest}${f.size}\0${f.execId}\0${f.path}`, f);
			return;
		}
		judgeRead(f);
	};
	const judgeRead = (f: FileFact): void => {
		const read = classifyInput(f, processes.get(f.execId)?.tool ?? null, workspace, repository);
		if (read.kind !== 'committed') return;
		const { path, expected } = read;
		const sizeDiffers = f.size >= 0 && f.size !== expected.size;
		if (!sizeDiffers && (f.digest === '' || f.digest === expected.sha256)) return;
		const context = contextOf(f);
		const judged = judgeOpen(f, expected, context.history, startUs);
		const cause = f.heldBy !== '' || f.writerForeign ? 'foreign' : f.writer !== '' ? 'own' : 'unknown';
		const judgement =
			judged.kind === 'differs' ? judged : ({ kind: 'differs', reason: 'unjudged', cause, shown: true } as const);
		for (const draft of compilerReadDrafts(context, [{ fact: f, path, expected, judgement }])) leave(draft);
	};
	const addFile = (f: FileFact): void => {
		if (f.foreign) {
			if (
				isForeignChange(f, startUs, Number.MAX_SAFE_INTEGER) &&
				(workspace.contains(f.path) || workspace.contains(f.path2))
			)
				for (const draft of foreignWriteDrafts(contextOf(f))) leave(draft);
		} else if (f.op === 'read') addRead(f);
		for (const rule of matcher.file(f)) hit(rule, { family: 'file', fact: f });
	};
	const take = (): Finding[] => {
		const leads = found;
		found = [];
		return leads;
	};
	return {
		add(facts) {
			for (const fact of facts.processes)
				if (processes.add(fact)) for (const rule of matcher.process(fact)) hit(rule, { family: 'process', fact });
			for (const fact of facts.files) addFile(fact);
			for (const fact of facts.ptraces) for (const rule of matcher.ptrace(fact)) hit(rule, { family: 'trace', fact });
			for (const fact of facts.connections)
				for (const rule of matcher.connect(fact)) hit(rule, { family: 'network', fact });
			for (const fact of facts.gaps) for (const rule of matcher.gap(fact)) hit(rule, { family: 'gap', fact });
			return take();
		},
		learn(facts) {
			for (const fact of facts.processes) processes.add(fact);
		},
		resolve(manifest) {
			resolved = true;
			repository = createRepository(manifest);
			matcher = createCelMatcher({ ...input, workspace, processes, repository });
			for (const f of waiting.values()) judgeRead(f);
			waiting.clear();
			return take();
		},
	};
}
