// Rules in CEL on one session's facts. An index by fact kind, side and known-bad digest comes first: most facts meet no condition at all.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { ConnectFact, GapFact, OpenedFact, ProcessFact, PtraceFact } from '@affidavit/model/generated/session.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import {
	type CelContext,
	type CelLookups,
	celConnect,
	celFile,
	celGap,
	celProcess,
	celProcessFact,
	celPtrace,
	celRepo,
	celSession,
} from '../rules/cel.ts';
import type { FactKind } from '../rules/fact-kinds.ts';
import type { CelRule, RuleSet } from '../rules/rule-set.ts';
import { type IndicatorSet, inForce } from './indicator-set.ts';
import type { ProcessIndex } from './process-index.ts';
import type { Repository } from './repository.ts';
import type { Workspace } from './workspace.ts';

/** The rules that a fact meets; the same empty list when none. */
export interface CelMatcher {
	file(f: FileFact): readonly CelRule[];
	connect(f: ConnectFact): readonly CelRule[];
	ptrace(f: PtraceFact): readonly CelRule[];
	process(f: ProcessFact): readonly CelRule[];
	gap(f: GapFact): readonly CelRule[];
}

export interface MatcherInput {
	rules: RuleSet;
	indicators: IndicatorSet;
	opened: OpenedFact | null;
	processes: ProcessIndex;
	workspace: Workspace;
	repository: Repository;
	emit: Emit;
}

const noRules: readonly CelRule[] = [];

export function createCelMatcher(input: MatcherInput): CelMatcher {
	const { rules, indicators, processes, workspace, repository, emit } = input;
	// In force when the session began: one answer for all of it, however its facts were folded.
	const atUs = input.opened?.timeUs ?? 0;
	const isBad = (digest: string): boolean => {
		const entry = indicators.bad.get(digest);
		return entry !== undefined && inForce(entry, atUs);
	};
	const isGood = (digest: string): boolean => {
		const entry = indicators.good.get(digest);
		return entry !== undefined && inForce(entry, atUs);
	};
	const lookups: CelLookups = { isBad, isGood };
	const session = celSession(input.opened);
	const noRepo = celRepo(repository.known, undefined);

	const context = (fact: Record<string, unknown>, execId: string, repo: Record<string, unknown>): CelContext => {
		const known = processes.get(execId);
		const process = celProcess(known?.fact ?? null, known?.tool?.id ?? '', known?.tool?.kind ?? '');
		return { fact, process, session, repo };
	};
	const holding = (candidates: readonly CelRule[], values: CelContext): readonly CelRule[] => {
		const met: CelRule[] = [];
		for (const candidate of candidates) {
			const outcome = candidate.condition(values, lookups);
			if (outcome.kind === 'holds') met.push(candidate);
			else if (outcome.kind === 'error')
				emit({
					name: 'rule_condition_failed',
					stage: 'detect',
					reason: 'evaluation',
					intentional: false,
					message: `The condition of rule ${candidate.rule.id} could not be evaluated.`,
					detail: { rule: candidate.rule.id, error: outcome.message },
				});
		}
		return met.length === 0 ? noRules : met;
	};
	const candidates = (kind: FactKind, foreign: boolean | null, digest: string): readonly CelRule[] => {
		const all = rules.celByKind.get(kind);
		if (all === undefined) return noRules;
		let found: CelRule[] | null = null;
		for (const one of all) {
			const only = one.rule.only;
			if (only?.foreign !== undefined && only.foreign !== foreign) continue;
			if (only?.digest === 'bad' && (digest === '' || indicators.bad.size === 0 || !isBad(digest))) continue;
			found ??= [];
			found.push(one);
		}
		return found ?? noRules;
	};
	const repoOf = (path: string): Record<string, unknown> =>
		workspace.contains(path) ? celRepo(repository.known, repository.file(workspace.display(path))) : noRepo;

	return {
		file(f) {
			const found = candidates(f.op, f.foreign, f.digest);
			if (found.length === 0) return noRules;
			return holding(found, context(celFile(f, workspace.contains(f.path)), f.execId, repoOf(f.path)));
		},
		connect(f) {
			const found = candidates(f.op, null, '');
			return found.length === 0 ? noRules : holding(found, context(celConnect(f), f.execId, noRepo));
		},
		ptrace(f) {
			const found = candidates(f.op, f.foreign, '');
			return found.length === 0 ? noRules : holding(found, context(celPtrace(f), f.execId, noRepo));
		},
		process(f) {
			const found = candidates('process', f.foreign, f.digest);
			return found.length === 0 ? noRules : holding(found, context(celProcessFact(f), f.execId, noRepo));
		},
		gap(f) {
			const found = candidates('gap', null, '');
			return found.length === 0 ? noRules : holding(found, context(celGap(f), '', noRepo));
		},
	};
}
