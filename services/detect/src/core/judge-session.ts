// A session at its close: facts, manifest, rules and indicators become a verdict. Pure; reads the facts at most twice.
import type { GapFact, OpenedFact } from '@affidavit/model/generated/session.ts';
import type { Finding, Verdict, VerdictValue } from '@affidavit/model/generated/verdict.ts';
import { type Manifest, manifestBytes } from '@affidavit/model/manifest.ts';
import { failsSession } from '@affidavit/model/severity.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { draftOfHit } from './cel-findings.ts';
import { compilerReadDrafts, judgeReads } from './compiler-reads.ts';
import { buildCompleteness, incompleteDraft } from './completeness.ts';
import type { FactSource } from './fact-source.ts';
import { buildFinding, type FindingDraft, inFindingOrder } from './finding.ts';
import { foreignWriteDrafts } from './foreign-writes.ts';
import { createGatherer, type History } from './history.ts';
import type { IndicatorSet } from './indicator-set.ts';
import type { JudgeContext } from './judge-context.ts';
import type { DetectLimits } from './limits.ts';
import { createProductFlow } from './product-flow.ts';
import { createRepository, type Repository } from './repository.ts';
import type { FactsHint } from './session-state.ts';
import { createSurveyor, type Survey } from './survey.ts';
import { swappedDrafts } from './swapped.ts';
import { foreignInputDrafts, summaryDrafts } from './uncommitted.ts';
import { createWorkspace } from './workspace.ts';

export interface SessionInput {
	session: string;
	opened: OpenedFact | null;
	facts: FactSource;
	manifest: Manifest | null;
	/** Why the manifest is missing or partial; empty when whole. */
	manifestNote: string;
	/** The build itself recorded what its sources should be: nothing independent was compared. */
	manifestDeclared?: boolean;
	rules: RuleSet;
	indicators: IndicatorSet;
	limits: DetectLimits;
	/** Gaps that the reader of the chain found itself. */
	gaps: readonly GapFact[];
	/** Where the facts lie, as the verdict pins it. */
	pins: { factsList: string; factsHead: Uint8Array; factBatches: number };
	/** Where they lie, as far as told; not part of what is signed. */
	hint?: FactsHint | undefined;
	emit: Emit;
}

export async function judgeSession(input: SessionInput): Promise<Verdict> {
	const { session, opened, rules, manifest } = input;
	const workspace = createWorkspace(opened?.workspace ?? '');
	const repository = createRepository(manifest);
	const surveyor = createSurveyor({ ...input, workspace, repository });
	for await (const facts of input.facts.batches()) surveyor.add(facts);
	const survey = surveyor.finish();
	const history = await gather(input, survey);
	const { processes, products, closed } = survey;
	const context: JudgeContext = {
		session,
		rules,
		opened,
		startUs: opened?.timeUs ?? 0,
		endUs: closed?.timeUs ?? Number.MAX_SAFE_INTEGER,
		processes,
		workspace,
		repository,
		declared: input.manifestDeclared === true,
		history,
		flow: createProductFlow(products, processes, workspace),
	};
	const reads = judgeReads(context);
	const drafts = [
		...compilerReadDrafts(context, reads.differing),
		...swappedDrafts(context),
		...foreignWriteDrafts(context),
		...foreignInputDrafts(context),
		...summaryDrafts(survey.generated, survey.unknownOrigin),
		...celDrafts(context, survey, input.indicators),
	];
	const kept = boundedDrafts(drafts, input.limits.findings);
	const overLimits = survey.refused + history.refused + drafts.length - kept.length;
	if (overLimits > 0) reportLimits(input, overLimits);
	const completeness = buildCompleteness({
		closed,
		gaps: [...survey.gaps, ...input.gaps],
		sensorMixUps: survey.sensorMixUps + reads.mixUps,
		unverified: reads.unverified.size,
		sourcesKnown: repository.known && !input.manifestDeclared && !comparedNothing(survey),
		overLimits,
		rules,
	});
	const incomplete = incompleteDraft(completeness, context.startUs, closed?.timeUs ?? context.startUs);
	if (incomplete) kept.push(incomplete);
	const findings = kept.map((draft) => buildFinding(session, rules, 'confirmed', draft)).sort(inFindingOrder);
	return {
		session,
		revision: 1,
		verdict: verdictOf(findings, completeness.reasons),
		findings,
		completeness,
		ruleSet: rules.digest,
		indicatorSet: input.indicators.digest,
		manifest: manifest ? manifestBytes(manifest).digest : '',
		manifestNote: noteOf(input, repository, survey),
		commit: repository.commit,
		repository: opened?.repository ?? '',
		factsPartition: input.hint?.partition ?? -1,
		factsOffset: input.hint?.fromOffset ?? -1,
		...input.pins,
		processes: processes.own,
		files: survey.files,
		connections: survey.connections,
	};
}

/** failed = a confirmed finding of medium or above; else incomplete; else passed. */
function verdictOf(findings: readonly Finding[], reasons: readonly string[]): VerdictValue {
	if (findings.some((f) => failsSession(f.severity))) return 'failed';
	return reasons.length > 0 ? 'incomplete' : 'passed';
}

async function gather(input: SessionInput, survey: Survey): Promise<History> {
	const { suspects } = survey;
	const gatherer = createGatherer(suspects, input.limits.gatheredFacts);
	if (suspects.inos.size + suspects.paths.size > 0)
		for await (const facts of input.facts.batches()) for (const file of facts.files) gatherer.add(file);
	return gatherer.finish();
}

function celDrafts(context: JudgeContext, survey: Survey, indicators: IndicatorSet): FindingDraft[] {
	const reasonOf = (digest: string): string => indicators.bad.get(digest)?.reason ?? '';
	return [...survey.hits.all()].map((hit) => draftOfHit(hit, { ...context, reasonOf }));
}

/** The gravest stay when there are too many. */
function boundedDrafts(drafts: FindingDraft[], max: number): FindingDraft[] {
	if (drafts.length <= max) return drafts;
	const grave = drafts.filter((d) => failsSession(d.severity));
	const rest = drafts.filter((d) => !failsSession(d.severity));
	return [...grave, ...rest].slice(0, max);
}

function reportLimits(input: SessionInput, count: number): void {
	input.emit({
		name: 'session_limit_reached',
		stage: 'detect',
		reason: 'judging',
		intentional: true,
		count,
		message: 'A session has more suspicious facts than the configured bounds; it becomes incomplete.',
		detail: { session: input.session },
	});
}

/**
 * Compilers ran, and yet no process opened a file where the commit has one: the workspace that the build names is not
 * where it works (a symbolic link, another folder), so nothing was compared.
 */
const comparedNothing = (survey: Survey): boolean => survey.compiled && !survey.committedSeen;

function noteOf(input: SessionInput, repository: Repository, survey: Survey): string {
	if (repository.known && comparedNothing(survey))
		return 'nothing-compared: no committed file was opened in the workspace';
	if (input.manifestNote !== '' || repository.known) return input.manifestNote;
	return input.opened?.repository ? 'unresolved' : 'no repository is claimed';
}
