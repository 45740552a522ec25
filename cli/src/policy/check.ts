// All that `policy check` can say of a policy's document; pure.
import { type CheckTime, checkKeys } from './check-keys.ts';
import { checkRego } from './check-rego.ts';
import { checkSteps } from './check-steps.ts';
import type { ReadDocument } from './document.ts';
import { error, type PolicyFinding, warning } from './finding.ts';

/** Most findings; a policy with more is not a policy. */
export const findingsMax = 1_000;

/** Errors first, then in the policy's order. */
export function checkDocument(
	{ document, problems }: ReadDocument,
	ruleFiles: ReadonlyMap<string, string>,
	time: CheckTime,
): PolicyFinding[] {
	const findings: PolicyFinding[] = problems.map(({ place, message, ignored }) =>
		ignored ? warning('field-ignored', place, message) : error('field-wrong', place, message),
	);
	const report = (finding: PolicyFinding): void => {
		findings.push(finding);
	};
	checkKeys(document, time, report);
	checkSteps(document, report);
	checkRego(document, ruleFiles, report);
	return bySeverity(findings).slice(0, findingsMax);
}

export const bySeverity = (findings: readonly PolicyFinding[]): PolicyFinding[] => [
	...findings.filter((f) => f.severity === 'error'),
	...findings.filter((f) => f.severity === 'warning'),
];

export const hasErrors = (findings: readonly PolicyFinding[]): boolean => findings.some((f) => f.severity === 'error');
