// Rules in CEL on one session's facts. An index by fact kind, side and known-bad digest comes first: most facts meet no condition at all.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { Indicator } from '@affidavit/model/generated/indicator.ts';
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
type Values = Record<string, unknown>;

export function createCelMatcher(input: MatcherInput): CelMatcher {
	const { rules, processes, workspace, repository, emit } = input;
	const lookups = lookupsOf(input);
	const session = celSession(input.opened);
	const noRepo = celRepo(repository.known, undefined);
	const context = (fact: Values, execId: string, repo: Values): CelContext => {
		const known = processes.get(execId);
		const process = celProcess(known?.fact ?? null, known?.tool?.id ?? '', known?.tool?.kind ?? '');
		return { fact, process, session, repo };
	};
	const meets = (candidates: readonly CelRule[], fact: Values, execId: string, repo: Values): readonly CelRule[] =>
		holding(candidates, context(fact, execId, repo), lookups, emit);
	const indexed = (kind: FactKind, foreign: boolean | null, digest: string): readonly CelRule[] =>
		candidates(rules.celByKind.get(kind), foreign, digest, lookups);
	const repoOf = (path: string): Values =>
		workspace.contains(path) ? celRepo(repository.known, repository.file(workspace.display(path))) : noRepo;

	return {
		file(f) {
			const found = indexed(f.op, f.foreign, f.digest);
			if (found.length === 0) return noRules;
			return meets(found, celFile(f, workspace.contains(f.path)), f.execId, repoOf(f.path));
		},
		connect(f) {
			const found = indexed(f.op, null, '');
			return found.length === 0 ? noRules : meets(found, celConnect(f), f.execId, noRepo);
		},
		ptrace(f) {
			const found = indexed(f.op, f.foreign, '');
			return found.length === 0 ? noRules : meets(found, celPtrace(f), f.execId, noRepo);
		},
		process(f) {
			const found = indexed('process', f.foreign, f.digest);
			return found.length === 0 ? noRules : meets(found, celProcessFact(f), f.execId, noRepo);
		},
		gap(f) {
			const found = indexed('gap', null, '');
			return found.length === 0 ? noRules : meets(found, celGap(f), '', noRepo);
		},
	};
}

/** Indicators in force when the session began: one answer for all of it, however its facts were folded. */
function lookupsOf({ indicators, opened }: MatcherInput): CelLookups {
	const atUs = opened?.timeUs ?? 0;
	const holds = (entries: ReadonlyMap<string, Indicator>, digest: string): boolean => {
		const entry = entries.size === 0 || digest === '' ? undefined : entries.get(digest);
		return entry !== undefined && inForce(entry, atUs);
	};
	return { isBad: (digest) => holds(indicators.bad, digest), isGood: (digest) => holds(indicators.good, digest) };
}

/** What the index leaves of a kind's rules. */
function candidates(
	all: readonly CelRule[] | undefined,
	foreign: boolean | null,
	digest: string,
	lookups: CelLookups,
): readonly CelRule[] {
	if (all === undefined) return noRules;
	let found: CelRule[] | null = null;
	for (const one of all) {
		const only = one.rule.only;
		if (only?.foreign !== undefined && only.foreign !== foreign) continue;
		if (only?.digest === 'bad' && !lookups.isBad(digest)) continue;
		found ??= [];
		found.push(one);
	}
	return found ?? noRules;
}

function holding(
	candidates: readonly CelRule[],
	values: CelContext,
	lookups: CelLookups,
	emit: Emit,
): readonly CelRule[] {
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
}
