// The findings about hosts and forged records, and what the SIEM has got of all findings.
import type { FleetOutcome } from '../fleet/outcome.ts';

/** About exactly these subjects. */
export function hostFindingDifferences({ hostFindings }: FleetOutcome, subjects: ReadonlySet<string>): string[] {
	const wrong: string[] = [];
	for (const { rule, subject } of hostFindings)
		if (rule !== 'record-forged' || !subjects.has(subject))
			wrong.push(`finding ${rule} about ${subject}: expected none`);
	for (const subject of subjects)
		if (!hostFindings.some((finding) => finding.subject === subject)) wrong.push(`finding about ${subject}: missing`);
	return wrong;
}

/** A post may come again under its id, and none may be missing. */
export function alertDifferences({ alerts }: FleetOutcome, posted: readonly string[]): string[] {
	const got = new Set(posted);
	const wanted = new Set(alerts);
	return [
		...[...wanted].filter((id) => !got.has(id)).map((id) => `alert ${id}: never posted`),
		...[...got].filter((id) => !wanted.has(id)).map((id) => `alert ${id}: posted, and there is no such finding`),
	];
}
