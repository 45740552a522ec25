// Leads leave on arrival: what one batch of facts shows by itself. They may be withdrawn at the close and decide nothing.
import type { Facts, FileFact } from '@affidavit/model/facts.ts';
import type { OpenedFact } from '@affidavit/model/generated/session.ts';
import type { Finding } from '@affidavit/model/generated/verdict.ts';
import { findingId } from '@affidavit/model/ids.ts';
import { importedMatcher } from '@affidavit/model/imported.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import { failsSession } from '@affidavit/model/severity.ts';
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
import { createProcessIndex, type ProcessIndex } from './process-index.ts';
import { noFlow } from './product-flow.ts';
import { createRepository, type Repository } from './repository.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

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

/** What the finder knows of its session. */
interface Known {
	input: LeadInput;
	workspace: Workspace;
	processes: ProcessIndex;
	repository: Repository;
	matcher: CelMatcher;
	/** The manifest came, or it is known that there is none. */
	resolved: boolean;
	emitted: Set<string>;
	/** Inputs that wait for the manifest, by what makes them distinct. */
	waiting: Map<string, FileFact>;
	found: Finding[];
}

export function createLeadFinder(input: LeadInput): LeadFinder {
	const workspace = createWorkspace(input.opened?.workspace ?? '');
	const processes = createProcessIndex(
		input.rules.catalogue,
		input.limits.processes,
		input.opened?.matcher === importedMatcher,
	);
	const repository = createRepository(null);
	const known: Known = {
		input,
		workspace,
		processes,
		repository,
		matcher: createCelMatcher({ ...input, workspace, processes, repository }),
		resolved: false,
		emitted: new Set(input.emitted),
		waiting: new Map(),
		found: [],
	};
	return {
		add(facts) {
			addFacts(known, facts);
			return taken(known);
		},
		learn(facts) {
			for (const fact of facts.processes) processes.add(fact);
		},
		resolve(manifest) {
			known.resolved = true;
			known.repository = createRepository(manifest);
			known.matcher = createCelMatcher({ ...input, workspace, processes, repository: known.repository });
			for (const f of known.waiting.values()) judgeRead(known, f);
			known.waiting.clear();
			return taken(known);
		},
	};
}

function taken(known: Known): Finding[] {
	const leads = known.found;
	known.found = [];
	return leads;
}

function addFacts(known: Known, facts: Facts): void {
	const { processes, matcher } = known;
	for (const fact of facts.processes)
		if (processes.add(fact)) for (const rule of matcher.process(fact)) hit(known, rule, { family: 'process', fact });
	for (const fact of facts.files) addFile(known, fact);
	for (const fact of facts.ptraces)
		for (const rule of matcher.ptrace(fact)) hit(known, rule, { family: 'trace', fact });
	for (const fact of facts.connections)
		for (const rule of matcher.connect(fact)) hit(known, rule, { family: 'network', fact });
	for (const fact of [...facts.gaps, ...(facts.silences ?? [])])
		for (const rule of matcher.gap(fact)) hit(known, rule, { family: 'gap', fact });
}

function addFile(known: Known, f: FileFact): void {
	if (f.foreign) addForeign(known, f);
	else if (f.op === 'read') addRead(known, f);
	for (const rule of known.matcher.file(f)) hit(known, rule, { family: 'file', fact: f });
}

function addForeign(known: Known, f: FileFact): void {
	const { workspace, input } = known;
	if (!isForeignChange(f, input.opened?.timeUs ?? 0, Number.MAX_SAFE_INTEGER)) return;
	// By another path to the same inode it is told at the close: a single fact does not join them.
	if (!workspace.contains(f.path) && !workspace.contains(f.path2)) return;
	for (const draft of foreignWriteDrafts(contextOf(known, f))) leave(known, draft);
}

function addRead(known: Known, f: FileFact): void {
	const { workspace, processes, waiting, input } = known;
	if (!workspace.contains(f.path) || f.otherSize >= 0) return;
	const tool = processes.get(f.execId)?.tool ?? null;
	if (tool === null || tool.inputs === 'none' || workspace.isGit(f.path)) return;
	if (known.resolved) judgeRead(known, f);
	else if (waiting.size < input.limits.waitingInputs) waiting.set(`${f.digest}${f.size}\0${f.execId}\0${f.path}`, f);
}

function judgeRead(known: Known, f: FileFact): void {
	const { processes, workspace, repository, input } = known;
	const read = classifyInput(f, processes.get(f.execId)?.tool ?? null, workspace, repository);
	if (read.kind !== 'committed') return;
	const { path, expected } = read;
	const sizeDiffers = f.size >= 0 && f.size !== expected.size;
	if (!sizeDiffers && (f.digest === '' || f.digest === expected.sha256)) return;
	const context = contextOf(known, f);
	const judged = judgeOpen(f, expected, context.history, input.opened?.timeUs ?? 0);
	const cause = f.heldBy !== '' || f.writerForeign ? 'foreign' : f.writer !== '' ? 'own' : 'unknown';
	const judgement =
		judged.kind === 'differs' ? judged : ({ kind: 'differs', reason: 'unjudged', cause, shown: true } as const);
	for (const draft of compilerReadDrafts(context, [{ fact: f, path, expected, judgement }])) leave(known, draft);
}

/** What the judges of the close are given, with this one fact as all the history. */
const contextOf = (known: Known, fact: FileFact): JudgeContext => ({
	session: known.input.session,
	rules: known.input.rules,
	opened: known.input.opened,
	startUs: known.input.opened?.timeUs ?? 0,
	endUs: Number.MAX_SAFE_INTEGER,
	processes: known.processes,
	workspace: known.workspace,
	repository: known.repository,
	history: historyOf([fact]),
	flow: noFlow,
});

function hit(known: Known, rule: CelRule, fact: AnyFact): void {
	const { input, processes, workspace } = known;
	const hits = createCelHits(input.session, 1);
	hits.add(rule, fact);
	const reasonOf = (digest: string): string => input.indicators.bad.get(digest)?.reason ?? '';
	for (const one of hits.all())
		leave(known, draftOfHit(one, { processes, workspace, history: null, flow: null, reasonOf }));
}

function leave(known: Known, draft: FindingDraft): void {
	const { input, emitted } = known;
	const id = findingId(input.session, draft.rule, ...draft.subject);
	if (emitted.has(id)) return;
	// Low ones may fill half of the room only: a flood of them must not hide a grave one.
	const room = failsSession(draft.severity) ? input.limits.leads : Math.floor(input.limits.leads / 2);
	if (emitted.size >= room) {
		input.emit({
			name: 'lead_dropped',
			stage: 'detect',
			reason: 'limit',
			intentional: true,
			message: 'A session has more leads than the configured bound; its verdict still judges all.',
			detail: { session: input.session, rule: draft.rule },
		});
		return;
	}
	emitted.add(id);
	known.found.push(buildFinding(input.session, input.rules, 'lead', draft));
}
