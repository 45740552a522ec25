import type { Severity } from './generated/verdict.ts';

const ranks: Record<Severity, number> = { info: 0, low: 1, medium: 2, high: 3, critical: 4 };

/** A confirmed finding of this severity or above fails the session (design 7). */
export const failsSession = (severity: Severity): boolean => ranks[severity] >= ranks.medium;
