// A Witness trace as one session's events. Pure: the same attestation gives the same events.
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import type { DecodedEvent } from '../batch/batcher.ts';
import { createProcessBuilder, emptyRawProcess, type Redactor } from '../event/process-info.ts';
import { defaultEnvironment } from '../redact/environment.ts';
import { assuranceOf, backendOf } from './assurance.ts';
import type { WitnessTrace } from './collection.ts';
import { aboutEvents, type EventInput, importedEvents } from './events.ts';
import { buildImages, type ProcessImages } from './images.ts';
import { aboutLines, type ImportReport, latenessOf } from './report.ts';
import type { Tally } from './tally.ts';
import { findWorkspace, programPath, unnamedWorkspace } from './workspace.ts';

/** Variables of the root that carry what the session claims; only an import writes them. */
export const importVariables = {
	attestation: 'AFFIDAVIT_IMPORT',
	repository: 'AFFIDAVIT_IMPORT_REPOSITORY',
	commit: 'AFFIDAVIT_IMPORT_COMMIT',
	workspace: 'AFFIDAVIT_IMPORT_WORKSPACE',
	run: 'AFFIDAVIT_IMPORT_RUN',
} as const;

export interface ImportOptions {
	/** sha256 of the attestation's payload, hex. */
	payloadSha256: string;
	/** Key that the signature holds with. */
	keyId: string;
	/** Absolute, on the build host; '' to find it out. */
	workspace: string;
	/** Name of the repository where the attestation claims none. */
	repository: string;
	redact: Redactor;
}

export interface ImportedTrace {
	host: string;
	/** Tells two imports of one host apart. */
	boot: string;
	events: DecodedEvent[];
	startUs: number;
	endUs: number;
	workspace: string;
	repository: string;
	commit: string;
	report: ImportReport;
}

const hostLengthMax = 253;
const claimLengthMax = 1_000;

export function importTrace(trace: WitnessTrace, options: ImportOptions, tally: Tally): ImportedTrace {
	const { recorded } = trace;
	const startUs = startOf(trace);
	const images = buildImages(recorded, startUs, tally);
	const firstUs = images.images[0]?.startUs ?? startUs;
	const endUs = Math.max(endOf(trace, images), firstUs + 1);
	const backend = backendOf(trace);
	const claims = claimsOf(trace, options);
	const report: ImportReport = {
		commandRun: recorded.version,
		backend,
		assurance: assuranceOf(backend),
		digests: { ptrace: 0, agent: 0, declared: 0, none: 0 },
		lateness: null,
		times: recorded.version === 'v0.2' ? 'recorded' : trace.startUs >= 0 ? 'collection' : 'none',
		processes: 0,
		tasksWithoutProgram: 0,
		unknownPids: images.unknownPids,
		programsWithoutDigest: 0,
		staleCommandLines: recorded.staleCommandLines,
		files: recorded.files,
		accesses: 0,
		relativePaths: 0,
		movedTimes: images.movedStarts,
		repeatedRecords: recorded.repeatedRecords,
		otherAccesses: recorded.otherAccesses,
		undigestedFiles: trace.undigested,
		losses: {},
	};
	const host = trace.hostname === '' ? 'imported' : trace.hostname.slice(0, hostLengthMax);
	const input: EventInput = {
		host,
		recorded,
		images,
		infos: processInfos(images, recorded.cmd, trace, claims, options),
		workspace: claims.workspace,
		materials: trace.materials,
		products: trace.products,
		assurance: report.assurance,
		endUs,
		report,
		lateUs: [],
	};
	const events = importedEvents(input);
	report.lateness = latenessOf(input.lateUs);
	report.losses = Object.fromEntries(tally.counts());
	return {
		host,
		boot: `imported:${options.payloadSha256}`,
		events: [...aboutEvents(aboutLines(report, options), input), ...events],
		startUs: firstUs,
		endUs: Math.max(endUs, events.at(-1)?.event.timeUs ?? 0),
		...claims,
		report,
	};
}

/** When the command began, by its own record, the first thing that was seen of it, or the attestor; 0 where nothing tells. */
function startOf({ recorded, startUs }: WitnessTrace): number {
	let first = -1;
	const see = (us: number): void => {
		if (us >= 0 && (first < 0 || us < first)) first = us;
	};
	for (const process of recorded.processes) see(process.startUs);
	if (first < 0) for (const open of recorded.opens) see(open.timeUs);
	return first >= 0 ? first : Math.max(startUs, 0);
}

function endOf({ recorded, endUs }: WitnessTrace, { images }: ProcessImages): number {
	let last = endUs;
	for (const { stopUs, startUs } of images) last = Math.max(last, stopUs, startUs);
	if (endUs < 0) for (const { timeUs } of recorded.opens) last = Math.max(last, timeUs);
	return last;
}

interface Claims {
	workspace: string;
	repository: string;
	commit: string;
	run: string;
}

/** What the attestation says of itself, and what was given for it: claims, until a repository bears them out. */
function claimsOf(trace: WitnessTrace, options: ImportOptions): Claims {
	const value = (...names: string[]): string => {
		for (const name of names)
			for (let at = 0; at + 1 < trace.environment.length; at += 2)
				if (trace.environment[at] === name && trace.environment[at + 1] !== '')
					return (trace.environment[at + 1] as string).slice(0, claimLengthMax);
		return '';
	};
	const named = ['GITHUB_WORKSPACE', 'CI_PROJECT_DIR', 'WORKSPACE', 'PWD'].map((name) => value(name));
	const { recorded, materials, products } = trace;
	const workspace =
		options.workspace !== ''
			? options.workspace
			: findWorkspace({ opens: recorded.opens, files: new Map([...products, ...(materials ?? [])]), named });
	return {
		workspace: workspace !== '' ? workspace : needsWorkspace(trace) ? unnamedWorkspace : '',
		repository:
			value('GITHUB_REPOSITORY', 'CI_PROJECT_PATH') ||
			options.repository ||
			options.redact(trace.remotes[0] ?? '').slice(0, claimLengthMax),
		commit: trace.commit.slice(0, claimLengthMax),
		run: value('GITHUB_RUN_ID', 'CI_JOB_ID', 'BUILD_TAG'),
	};
}

const needsWorkspace = ({ recorded }: WitnessTrace): boolean =>
	recorded.opens.some(({ path }) => !path.startsWith('/'));

function processInfos(
	{ images }: ProcessImages,
	cmd: readonly string[],
	trace: WitnessTrace,
	claims: Claims,
	{ redact, payloadSha256 }: ImportOptions,
): ProcessInfo[] {
	const build = createProcessBuilder([...defaultEnvironment, ...Object.values(importVariables)], redact);
	return images.map((image) => {
		const { record } = image;
		const isRoot = image.order === 0;
		const imported = isRoot ? importEnvironment(claims, payloadSha256) : [];
		return build({
			...emptyRawProcess(),
			execId: image.execId,
			parentExecId: image.parent?.execId ?? '',
			pid: record.pid,
			uid: record.uid,
			cwd: isRoot ? claims.workspace : '',
			binary: record.program === '' && isRoot ? (cmd[0] ?? '') : programPath(record.program, claims.workspace),
			arguments: isRoot && record.arguments === '' ? joined(cmd.slice(1)) : record.arguments,
			flags: record.flags,
			startUs: image.startUs,
			environment: isRoot ? [...imported, ...trace.environment] : [],
		});
	});
}

const importEnvironment = (claims: Claims, payloadSha256: string): string[] => [
	...[importVariables.attestation, `sha256:${payloadSha256}`],
	...[importVariables.repository, claims.repository],
	...[importVariables.commit, claims.commit],
	...[importVariables.workspace, claims.workspace],
	...[importVariables.run, claims.run],
];

/** As the sensor joins them: in double quotes where they hold a blank. */
const joined = (words: readonly string[]): string =>
	words.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ');
