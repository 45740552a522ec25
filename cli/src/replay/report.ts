// One session of a replay: what today's rules find next to what was found then (pure).
import type { OpenedFact } from '@affidavit/model/generated/session.ts';
import type { Finding, Severity, Verdict } from '@affidavit/model/generated/verdict.ts';
import type { JudgedAgainst } from './snapshots.ts';
import { type FoundThen, foundOf, type VerdictThen } from './then.ts';

export type Mark = 'new' | 'gone' | 'same';

export interface MarkedFinding extends FoundThen {
	mark: Mark;
	/** Where the two differ: the severity of then. */
	severityBefore?: Severity;
	/** Of today's. */
	explanation: string | null;
}

/**
 * Why a session is not, or not wholly, judged. `began-before`: it opened before the window, or its beginning is not in the log.
 * `still-open`: it had not closed where the reading ended; its findings are leads. `not-seen`: it has a verdict of that time, and
 * today no session comes of it (other matchers, or it began before what was read).
 */
export type Cut = 'began-before' | 'still-open' | 'not-seen';

export interface ReplayedSession {
	session: string;
	host: string | null;
	ciRunId: string | null;
	repository: string | null;
	commit: string | null;
	/** Event time, RFC 3339. */
	openedAt: string | null;
	cut: Cut | null;
	now: { verdict: Verdict['verdict']; reasons: string[] } | null;
	/** null: topic `verdict` holds none. */
	before: { verdict: Verdict['verdict']; revision: number } | null;
	/** new ones first, then gone, then same; each in the order of (rule, path, id). Empty where nothing was judged. */
	findings: MarkedFinding[];
	/** null without a verdict of then. */
	judgedAgainst: JudgedAgainst | null;
}

export interface SessionFrame {
	session: string;
	opened: OpenedFact | null;
	before: VerdictThen | null;
}

const orNull = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

const frameOf = ({
	session,
	opened,
	before,
}: SessionFrame): Omit<ReplayedSession, 'cut' | 'now' | 'findings' | 'judgedAgainst'> => ({
	session,
	host: orNull(opened?.host),
	ciRunId: orNull(opened?.ciRunId),
	repository: orNull(opened?.repository),
	commit: orNull(opened?.commit),
	openedAt: opened === null ? null : new Date(Math.floor(opened.timeUs / 1000)).toISOString(),
	before: before === null ? null : { verdict: before.verdict, revision: before.revision },
});

export const judgedSession = (
	frame: SessionFrame,
	verdict: Verdict,
	judgedAgainst: JudgedAgainst | null,
	cut: Cut | null,
): ReplayedSession => ({
	...frameOf(frame),
	cut,
	now: { verdict: verdict.verdict, reasons: verdict.completeness.reasons },
	findings: markFindings(verdict.findings, frame.before?.findings ?? []),
	judgedAgainst,
});

/** `leads`: of a session that is still open. What of then is not among them cannot be called gone. */
export const cutSession = (frame: SessionFrame, cut: Cut, leads: readonly Finding[]): ReplayedSession => ({
	...frameOf(frame),
	cut,
	now: null,
	findings: markFindings(leads, frame.before?.findings ?? []).filter(({ mark }) => mark !== 'gone'),
	judgedAgainst: null,
});

const order: Readonly<Record<Mark, number>> = { new: 0, gone: 1, same: 2 };

/** A finding is the same when its id is: session, rule and what the rule calls its subject. */
export function markFindings(now: readonly Finding[], then: readonly FoundThen[]): MarkedFinding[] {
	const left = new Map(then.map((finding) => [finding.id, finding]));
	const marked: MarkedFinding[] = [];
	for (const finding of now) {
		const known = left.get(finding.id);
		left.delete(finding.id);
		marked.push({
			mark: known === undefined ? 'new' : 'same',
			...foundOf(finding),
			...(known !== undefined && known.severity !== finding.severity ? { severityBefore: known.severity } : {}),
			explanation: finding.explanation,
		});
	}
	for (const finding of left.values()) marked.push({ mark: 'gone', ...finding, explanation: null });
	return marked.sort((a, b) => order[a.mark] - order[b.mark]);
}

/** True when today's answer is another than that of then. */
export const isChanged = ({ now, before, findings, cut }: ReplayedSession): boolean =>
	cut !== null ||
	before === null ||
	now?.verdict !== before.verdict ||
	findings.some(({ mark, severityBefore }) => mark !== 'same' || severityBefore !== undefined);
