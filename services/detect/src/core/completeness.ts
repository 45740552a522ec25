// What is known to be missing, and whether that makes the session incomplete (design 7, "Severity and verdict").
import type { ClosedFact, GapFact } from '@affidavit/model/generated/session.ts';
import type { Completeness, Gap } from '@affidavit/model/generated/verdict.ts';
import { sensorEquivalent } from '@affidavit/model/imported.ts';
import { codeRules, type RuleSet } from '../rules/rule-set.ts';
import { timeText } from './event-time.ts';
import type { FindingDraft } from './finding.ts';

export type IncompleteReason =
	| 'trace-incomplete'
	| 'sources-unverified'
	| 'workspace-unwatched'
	| 'unverified-input'
	| 'state-lost'
	| 'session-limit';

export interface CompletenessInput {
	closed: ClosedFact | null;
	gaps: readonly GapFact[];
	sensorMixUps: number;
	unverified: number;
	/** The manifest of the claimed commit was there, and not on the build's own word. */
	sourcesKnown: boolean;
	/** What the bounds of judging itself refused. */
	overLimits: number;
	rules: RuleSet;
}

/** Gaps named one by one; beyond, they are counted in one more gap. */
const gapsMax = 1_000;

export function buildCompleteness(input: CompletenessInput): Completeness {
	const { closed, rules } = input;
	const gaps = canonicalGaps(input.gaps);
	const reasons = new Set<IncompleteReason>();
	for (const gap of gaps) reasons.add(reasonOfGap(gap));
	if (!closed) reasons.add('trace-incomplete');
	if (closed?.reason === 'state_lost') reasons.add('state-lost');
	if (closed?.reason === 'maximum' || input.overLimits > 0) reasons.add('session-limit');
	if (closed && !closed.workspaceWatched) reasons.add('workspace-unwatched');
	if (!input.sourcesKnown) reasons.add('sources-unverified');
	if (input.unverified > 0) reasons.add('unverified-input');
	return {
		lostEvents: gaps.reduce((sum, g) => sum + (g.cause !== 'late' && g.count > 0 ? g.count : 0), 0),
		lossCounters: closed?.lossCounters ?? 'unknown',
		sensorMixUps: input.sensorMixUps,
		copies: closed?.copies ?? 0,
		unverified: input.unverified,
		orphanProcesses: closed?.orphanProcesses ?? 0,
		filesWithoutDigest: closed?.filesWithoutDigest ?? 0,
		reasons: [...reasons].sort(),
		gaps,
		notObservable: notObservable(rules, closed?.hooks ?? []),
	};
}

function reasonOfGap(gap: Gap): IncompleteReason {
	switch (gap.cause) {
		case 'state-lost':
			return 'state-lost';
		case 'session-limit':
		case 'state-evicted':
			return 'session-limit';
		default:
			return 'trace-incomplete';
	}
}

function canonicalGaps(facts: readonly GapFact[]): Gap[] {
	const merged = new Map<string, Gap>();
	for (const { cause, detail, fromUs, toUs, count } of facts) {
		const key = `${cause}\0${detail}\0${fromUs}\0${toUs}`;
		const known = merged.get(key);
		if (!known) merged.set(key, { cause, detail, fromUs, toUs, count });
		else known.count = known.count < 0 || count < 0 ? -1 : known.count + count;
	}
	const gaps = [...merged.values()].sort(
		(a, b) =>
			a.fromUs - b.fromUs ||
			a.toUs - b.toUs ||
			(a.cause < b.cause ? -1 : a.cause > b.cause ? 1 : 0) ||
			(a.detail < b.detail ? -1 : a.detail > b.detail ? 1 : 0),
	);
	if (gaps.length <= gapsMax) return gaps;
	const rest = gaps.splice(gapsMax);
	const count = rest.some((g) => g.count < 0) ? -1 : rest.reduce((sum, g) => sum + g.count, 0);
	const toUs = rest.reduce((latest, g) => Math.max(latest, g.toUs), -1);
	gaps.push({ cause: 'session-limit', detail: `${rest.length} more gaps`, fromUs: rest[0]?.fromUs ?? -1, toUs, count });
	return gaps;
}

/** A rule could see when for each of its hooks one of the alternatives was loaded. Unknown hooks: nothing is claimed. */
function notObservable(rules: RuleSet, hooks: readonly string[]): string[] {
	if (hooks.length === 0) return [];
	const loaded = new Set(hooks.map((hook) => sensorEquivalent(hook) ?? hook));
	return [...rules.rules.values()]
		.filter((rule) => rule.hooks.some((need) => !need.split('|').some((hook) => loaded.has(hook))))
		.map((rule) => rule.id)
		.sort();
}

/** trace-incomplete: one finding that says what is missing. Low, or info where only the sources could not be resolved. */
export function incompleteDraft(completeness: Completeness, startUs: number, endUs: number): FindingDraft | null {
	const { reasons, gaps } = completeness;
	if (reasons.length === 0) return null;
	const severity = reasons.every((r) => r === 'sources-unverified') ? 'info' : 'low';
	const values = new Map([
		['reasons', reasons.join(', ')],
		['count', completeness.lostEvents > 0 ? `At least ${completeness.lostEvents} events are lost.` : ''],
		['listed', gaps.length === 0 ? '' : `Gaps: ${gaps.slice(0, 8).map(gapWords).join('; ')}.`],
	]);
	const shown =
		gaps.length > 0 ? gaps : [{ cause: reasons.join(', '), detail: '', fromUs: startUs, toUs: endUs, count: -1 }];
	return {
		rule: codeRules.incomplete,
		subject: [],
		severity,
		path: null,
		digest: '',
		expectedDigest: '',
		process: null,
		writer: null,
		products: [],
		attribution: 'certain',
		values,
		evidence: shown.map((g) => ({
			timeUs: g.fromUs,
			what: gapWords(g),
			process: null,
			path: '',
			digest: '',
			size: -1,
			assurance: '',
		})),
		count: Math.max(1, gaps.length),
	};
}

function gapWords(g: Gap): string {
	const detail = g.detail === '' ? '' : ` (${g.detail})`;
	const count = g.count < 0 ? '' : `, ${g.count} events`;
	const until = timeText(g.toUs);
	return `${g.cause}${detail}${count}${until === '' ? '' : `, until ${until}`}`;
}
