// `import`: a verified Witness trace as a job, through the same stages and rules as a recorded stream.
import type { EnvironmentMatcher } from '@affidavit/correlate/core/matcher.ts';
import { declaredManifest, orDeclared } from '@affidavit/detect/manifest/declared.ts';
import { createRedactor } from '@affidavit/ingest/redact/redactor.ts';
import { importTrace, importVariables } from '@affidavit/ingest/witness/import-trace.ts';
import { runWitnessIngest } from '@affidavit/ingest/witness/ingest.ts';
import type { ImportReport } from '@affidavit/ingest/witness/report.ts';
import type { Tally } from '@affidavit/ingest/witness/tally.ts';
import { canonicalJson, sha256Hex } from '@affidavit/model/digests.ts';
import { importedMatcher } from '@affidavit/model/imported.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Config } from '../config/schema.ts';
import { type ProcessOutcome, runJob } from '../process/drive.ts';
import { jobSettings } from '../process/job.ts';
import type { SessionSummary } from '../sessions/summary.ts';
import type { Settings } from '../settings.ts';
import type { AttestationReading } from './attestation.ts';

export interface ImportRun {
	/** As the user named it. */
	file: string;
	attestation: Extract<AttestationReading, { kind: 'trace' }>;
	tally: Tally;
	/** Name of the repository where the attestation claims none. */
	repository: string;
	/** Absolute, on the build host; '' to find it out. */
	workspace: string;
	config: Config;
	settings: Settings;
	emit: Emit;
	signal?: AbortSignal;
}

/** What the printed object says besides what every session says (docs/import.md). */
export interface ImportedObject extends ImportReport {
	attestation: string;
	payloadSha256: string;
	keyId: string;
	/** Where the expectation came from. */
	sources: 'repository' | 'declared' | 'none';
}

/** Opens the session at the traced command, whatever it is. */
const matcher: EnvironmentMatcher = {
	kind: 'environment',
	id: importedMatcher,
	present: [importVariables.attestation],
	jobKey: [],
	runId: importVariables.run,
	repository: importVariables.repository,
	commit: importVariables.commit,
	workspace: importVariables.workspace,
};

/** null when `signal` ended it. */
export async function importAttestation(run: ImportRun): Promise<ProcessOutcome | null> {
	const { attestation, emit, signal } = run;
	const { trace, payloadSha256, keyId } = attestation;
	const { workspace, repository } = run;
	const redact = createRedactor();
	const imported = importTrace(trace, { payloadSha256, keyId, workspace, repository, redact }, run.tally);
	const config = { ...run.config, step: importedStep(trace.step, run.config.step) };
	const settings = { ...run.settings, matchers: [matcher] };
	const declared = declaredManifest(imported.repository, trace.materials ?? new Map());
	const configured = Object.keys(config.repositories).length > 0;
	const describe = (session: SessionSummary): SessionSummary => ({
		...session,
		imported: importedObject(session, run, imported.report),
	});
	return runJob({
		id: sha256Hex(canonicalJson({ payloadSha256, workspace, repository, settings: jobSettings(config, settings) })),
		config,
		settings,
		emit,
		...(signal ? { signal } : {}),
		source: {
			stage: 'ingest:import',
			read: async (writer) => {
				const options = { trace: imported, key: settings.hostKey, writer, emit, ...(signal ? { signal } : {}) };
				const result = await runWitnessIngest(options);
				return result.kind === 'aborted' ? result : { ...result, deadLetters: 0, notes: [] };
			},
		},
		manifest: (resolve) => orDeclared(resolve, declared, configured),
		describe,
	});
}

const stepPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;
const verdictEnding = /\.(failed|incomplete|imported)$/;

/**
 * The attestation's own step, marked: no policy that asks for the step takes a session that was put together afterwards from
 * somebody's trace, unless it asks for the mark.
 */
export function importedStep(name: string, otherwise: string): string {
	let step = stepPattern.test(name) ? name : otherwise;
	while (verdictEnding.test(step)) step = step.replace(verdictEnding, '');
	return `${step}.imported`;
}

function importedObject(session: SessionSummary, run: ImportRun, report: ImportReport): ImportedObject {
	const { payloadSha256, keyId } = run.attestation;
	return { attestation: run.file, payloadSha256, keyId, sources: sourcesOf(session), ...report };
}

function sourcesOf(session: SessionSummary): ImportedObject['sources'] {
	const judged = session['judgedAgainst'] as { commit: string | null; note: string | null } | undefined;
	if (judged?.note?.startsWith('declared:')) return 'declared';
	return judged?.commit || judged?.note?.startsWith('plain-folder:') ? 'repository' : 'none';
}
