// What a person is told of an imported trace, beside the session's outcome.
import { clipped, printable } from '../text/printable.ts';
import type { ImportedObject } from './run.ts';

export function renderImported(imported: ImportedObject): string {
	const { lateness, digests, losses } = imported;
	const counted = (['ptrace', 'agent', 'declared', 'none'] as const)
		.filter((word) => digests[word] > 0)
		.map((word) => `${digests[word]} ${word}`);
	const lines = [
		`  imported   ${clipped(imported.attestation, 120)}: command-run ${imported.commandRun}, tracer ${imported.backend}; ${imported.processes} processes, ${imported.accesses} opens`,
		`  digests    ${counted.length === 0 ? 'none' : counted.join(', ')}${lateness === null ? '' : `; taken after the open: median ${ms(lateness.medianMs)}, 95th percentile ${ms(lateness.p95Ms)}, longest ${ms(lateness.maxMs)}`}`,
		`  times      ${times[imported.times]}`,
		`  sources    ${sources[imported.sources]}`,
	];
	const lost = Object.entries(losses).map(([loss, count]) => `${count} ${loss.replaceAll('_', ' ')}`);
	if (lost.length > 0) lines.push(`  missing    ${printable(lost.join(', '))}`);
	return `${lines.join('\n')}\n\n`;
}

const ms = (value: number): string => `${Math.round(value)} ms`;

const times: Record<ImportedObject['times'], string> = {
	recorded: 'as recorded',
	collection: 'none recorded: every event has the start of the command',
	none: 'none recorded: 1970 stands for them',
};

const sources: Record<ImportedObject['sources'], string> = {
	repository: 'compared with the repository',
	declared:
		'compared with what the build itself recorded before it ran, not with the repository (--repo NAME=LOCATION)',
	none: 'compared with nothing: neither a repository nor materials (--repo NAME=LOCATION)',
};
