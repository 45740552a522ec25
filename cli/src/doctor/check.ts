// One line of the doctor's report.

export type CheckStatus = 'ok' | 'warn' | 'fail' | 'unknown';

export interface Check {
	/** Stable name; scripts may rely on it. */
	id: string;
	title: string;
	status: CheckStatus;
	/** What is there, one line. */
	found: string;
	/** What to do; '' when nothing is to be done. */
	advice: string;
}

export interface DoctorReport {
	/** The worst of the checks; `unknown` is between ok and warn. */
	status: CheckStatus;
	checks: Check[];
}

const order: readonly CheckStatus[] = ['ok', 'unknown', 'warn', 'fail'];

export const worst = (statuses: readonly CheckStatus[]): CheckStatus =>
	order[Math.max(0, ...statuses.map((s) => order.indexOf(s)))] as CheckStatus;

/** The part of a check that depends on what was found. */
export type Result = Pick<Check, 'status' | 'found' | 'advice'>;

export const ok = (found: string): Result => ({ status: 'ok', found, advice: '' });
export const warn = (found: string, advice: string): Result => ({ status: 'warn', found, advice });
export const fail = (found: string, advice: string): Result => ({ status: 'fail', found, advice });
export const unknown = (found: string, advice: string): Result => ({ status: 'unknown', found, advice });
