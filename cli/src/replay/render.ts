// A replayed session for a person: the two verdicts, what changed between them, the findings with their marks.
import { clipped, printable } from '../text/printable.ts';
import { table } from '../text/table.ts';
import type { Cut, MarkedFinding, ReplayedSession } from './report.ts';
import type { ReplayEnd } from './run.ts';
import type { IndicatorsChange, JudgedAgainst, ManifestChange, RulesChange } from './snapshots.ts';

const findingsShownMax = 50;
const rulesShownMax = 5;

const signs = { new: '+', gone: '-', same: '=' } as const;

export function renderReplayed(s: ReplayedSession): string {
	const where = [
		s.host === null ? '' : `  on ${printable(s.host)}`,
		s.ciRunId === null ? '' : `  run ${clipped(s.ciRunId, 40)}`,
		s.openedAt === null ? '' : `  ${s.openedAt}`,
	].join('');
	const lines = [`session ${s.session.slice(0, 16)}${where}`, `  ${verdicts(s)}`];
	if (s.cut !== null) lines.push(`  ${cutWords[s.cut]}`);
	if (s.judgedAgainst !== null) lines.push(`  ${judgedWords(s.judgedAgainst)}`);
	const rows = s.findings.slice(0, findingsShownMax).map(findingRow);
	const more = s.findings.length - rows.length;
	return `${lines.join('\n')}\n${table(rows, '  ')}${more > 0 ? `  … ${more} more; --json has them\n` : ''}\n`;
}

function verdicts({ before, now, cut }: ReplayedSession): string {
	const then = before === null ? 'no verdict then' : `then ${before.verdict}`;
	if (now === null) return cut === 'still-open' ? `${then}, not closed in what was read` : `${then}, not judged now`;
	const reasons = now.reasons.length === 0 ? '' : ` (${now.reasons.join(', ')})`;
	return `${then}, now ${now.verdict}${reasons}`;
}

const cutWords: Readonly<Record<Cut, string>> = {
	'began-before': 'cut: it began before the window; an earlier --from, or a longer --longest, has all of it',
	'still-open': 'cut: it was open where the reading ended; what is listed are leads',
	'not-seen':
		'today no session comes of it: the matchers are others, or it began before what was read (--longest reads further back)',
};

const findingRow = ({ mark, severity, severityBefore, rule, path, digest }: MarkedFinding): string[] => [
	`${signs[mark]} ${mark}`,
	severityBefore === undefined ? severity : `${severity} (was ${severityBefore})`,
	printable(rule),
	[path === null ? '' : clipped(path, 100), digest === null ? '' : `sha256:${printable(digest).slice(0, 12)}…`]
		.filter((text) => text !== '')
		.join('  '),
];

export const judgedWords = ({ rules, indicators, manifest }: JudgedAgainst): string =>
	`rules ${rulesWords(rules)}; indicators: ${indicatorsWords(indicators)}; manifest ${manifestWords[manifest]}`;

function rulesWords(change: RulesChange): string {
	switch (change.state) {
		case 'same':
			return 'same';
		case 'changed-unknown':
			return 'changed (the snapshot of then is gone)';
		case 'changed': {
			const parts = [
				...named('+', change.added),
				...named('-', change.removed),
				...named('~', change.changed),
				...(change.options ? ['options or tool catalogue'] : []),
			];
			return `changed (${parts.join(', ')})`;
		}
	}
}

function named(sign: string, ids: readonly string[]): string[] {
	const shown = ids.slice(0, rulesShownMax).map((id) => `${sign}${printable(id)}`);
	return ids.length > shown.length ? [...shown, `${sign}${ids.length - shown.length} more`] : shown;
}

function indicatorsWords(change: IndicatorsChange): string {
	switch (change.state) {
		case 'same':
			return 'same';
		case 'changed-unknown':
			return 'changed (the snapshot of then is gone)';
		case 'changed':
			return [
				`+${change.added}`,
				...(change.removed > 0 ? [`-${change.removed}`] : []),
				...(change.changed > 0 ? [`~${change.changed}`] : []),
			].join(' ');
	}
}

const manifestWords: Readonly<Record<ManifestChange, string>> = {
	same: 'same',
	changed: 'changed',
	'resolved-now': 'resolved now, not then',
	'unresolved-now': 'resolved then, not now',
	unresolved: 'resolved neither then nor now',
};

export interface ReplayTotals {
	sessions: number;
	changed: number;
	cut: number;
	newFindings: number;
	goneFindings: number;
	sameFindings: number;
}

export const emptyTotals = (): ReplayTotals => ({
	sessions: 0,
	changed: 0,
	cut: 0,
	newFindings: 0,
	goneFindings: 0,
	sameFindings: 0,
});

/** For stderr, a sentence a line. */
export function endLines(end: ReplayEnd, totals: ReplayTotals): string[] {
	const { sessions, cut, newFindings, goneFindings, sameFindings } = totals;
	const lines = [
		`${sessions} sessions, ${cut} of them cut by the window; findings: ${newFindings} new, ${goneFindings} gone, ${sameFindings} same`,
	];
	if (!end.whole) lines.unshift('interrupted: what follows is what was known then');
	if (end.beginsLate)
		lines.push("the log begins after the time that the reading should have begun at: some hosts' history is missing");
	if (end.thenDropped > 0)
		lines.push(
			`${end.thenDropped} verdicts of then are not compared: too many sessions; give --host, or a shorter window`,
		);
	if (end.thenUndecodable > 0) lines.push(`${end.thenUndecodable} records of topic verdict hold none`);
	for (const { name, reason, count } of end.notes.slice(0, rulesShownMax))
		if (!expected.has(reason)) lines.push(`${name.replaceAll('_', ' ')}: ${reason}: ${count}`);
	return lines.map(printable);
}

/** A reading that begins in a host's stream meets its chain in the middle. */
const expected: ReadonlySet<string> = new Set(['chain-start-missing']);
