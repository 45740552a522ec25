// What is to be known of an import: what the trace is, what its digests are worth, what it lacks.
import type { ImportedAssurance } from '@affidavit/model/imported.ts';
import type { Backend } from './assurance.ts';
import type { ImportLoss } from './tally.ts';

/** Milliseconds from an open to the moment when its digest was taken. */
export interface Lateness {
	/** Digests with both times. */
	digests: number;
	medianMs: number;
	p95Ms: number;
	maxMs: number;
}

export interface ImportReport {
	commandRun: 'v0.1' | 'v0.2';
	backend: Backend;
	/** The word for most of its digests; `digests` has the rest. */
	assurance: ImportedAssurance;
	/** Opens by how their digest was got. */
	digests: Record<ImportedAssurance | 'none', number>;
	/** null where the trace does not say when it hashed. */
	lateness: Lateness | null;
	/** recorded: each access has its own. collection: all have the start of the command. none: none is told, 1970 stands for it. */
	times: 'recorded' | 'collection' | 'none';
	processes: number;
	/** Threads, and forks without a program of their own, that are listed as processes. */
	tasksWithoutProgram: number;
	/** Pids that opened files and have no record. */
	unknownPids: number;
	programsWithoutDigest: number;
	staleCommandLines: number;
	files: number;
	accesses: number;
	/** Looked up from the working folder, which may not be the task's. */
	relativePaths: number;
	/** Times before their process's start, or a start before the parent's: moved to it. */
	movedTimes: number;
	/** Process records, and accesses, that say only what others say already. */
	repeatedRecords: number;
	otherAccesses: number;
	/** Materials and products without a sha256. */
	undigestedFiles: number;
	/** Parts of the trace that could not be used; each makes the session incomplete. */
	losses: Partial<Record<ImportLoss, number>>;
}

/** `lateUs`: microseconds, in any order; sorted in place. */
export function latenessOf(lateUs: number[]): Lateness | null {
	if (lateUs.length === 0) return null;
	lateUs.sort((a, b) => a - b);
	const at = (quantile: number): number =>
		(lateUs[Math.min(lateUs.length - 1, Math.floor(lateUs.length * quantile))] as number) / 1000;
	return { digests: lateUs.length, medianMs: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}

export interface About {
	text: string;
	count: number;
}

/** The facts that are signed with the session, as its notes of cause `imported`. */
export function aboutLines(report: ImportReport, attestation: { payloadSha256: string; keyId: string }): About[] {
	const { digests, lateness } = report;
	const lines: About[] = [
		{
			text: `Witness attestation sha256:${attestation.payloadSha256}, verified with key ${attestation.keyId}`,
			count: 1,
		},
		{ text: `command-run ${report.commandRun}, tracer ${report.backend}`, count: report.accesses },
		{ text: timeWords[report.times], count: report.accesses },
	];
	for (const word of ['ptrace', 'agent', 'declared', 'none'] as const)
		if (digests[word] > 0) lines.push({ text: digestWords[word], count: digests[word] });
	if (lateness !== null)
		lines.push({
			text: `digests taken after the open: median ${ms(lateness.medianMs)}, 95th percentile ${ms(lateness.p95Ms)}, longest ${ms(lateness.maxMs)}`,
			count: lateness.digests,
		});
	const say = (text: string, count: number): void => {
		if (count > 0) lines.push({ text, count });
	};
	say('tasks without a program (threads, forks): whose they are is not told', report.tasksWithoutProgram);
	say('pids without a process record', report.unknownPids);
	say('programs without a digest', report.programsWithoutDigest);
	say('command lines of the image before, left out', report.staleCommandLines);
	say('relative paths, looked up from the working folder of the tracer', report.relativePaths);
	say('times moved to the start of the process that they belong to', report.movedTimes);
	return lines;
}

const ms = (value: number): string => `${Math.round(value)} ms`;

const timeWords: Record<ImportReport['times'], string> = {
	recorded: 'times as recorded',
	collection: 'no times recorded: every event has the start of the command',
	none: 'no times recorded: 1970 stands for them',
};

const digestWords: Record<ImportedAssurance | 'none', string> = {
	ptrace: 'digests taken while the task waited (ptrace)',
	agent: 'digests taken after the open, or of what lay at the path (agent)',
	declared: 'digests on the word of the attestation (declared)',
	none: 'opens without a digest',
};
