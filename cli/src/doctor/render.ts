// The report for people.
import { clipped } from '../text/printable.ts';
import { table } from '../text/table.ts';
import type { Check, DoctorReport } from './check.ts';

const cellCharsMax = 200;

/** One line a check, and what to do below those that need it. What a host says is made printable. */
export function renderReport(report: DoctorReport): string {
	const rows = table(report.checks.map((c) => [c.status, c.title, clipped(c.found, cellCharsMax)]));
	const lines = rows.trimEnd().split('\n');
	const text = report.checks.map((c, i) => `${lines[i]}\n${adviceOf(c)}`).join('');
	return `${text}\n${summary(report)}\n`;
}

const adviceOf = (check: Check): string => (check.advice === '' ? '' : `         → ${clipped(check.advice, 400)}\n`);

function summary(report: DoctorReport): string {
	const count = (status: Check['status']): number => report.checks.filter((c) => c.status === status).length;
	if (report.status === 'ok') return 'All checks passed.';
	return `${count('fail')} failed, ${count('warn')} to look at, ${count('unknown')} unknown, ${count('ok')} passed.`;
}
