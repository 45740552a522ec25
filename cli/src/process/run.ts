// One job from recorded files to signed sessions: opens log and store, runs source and stages side by side, drains, reads back.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileIngestLimits, runFileIngest } from '@affidavit/ingest/agent/file-ingest.ts';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { createRedactor } from '@affidavit/ingest/redact/redactor.ts';
import { openFolderBlobs } from '@affidavit/stream/embedded/blobs.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, Store } from '@affidavit/stream/ports.ts';
import { openSource } from '@affidavit/stream/runner/source.ts';
import { openTopology } from '@affidavit/stream/runner/topology.ts';
import type { Config } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import type { SessionSummary } from '../sessions/summary.ts';
import type { Settings } from '../settings.ts';
import { createPipeline } from '../topology.ts';
import { type DeadLetterSummary, summariseDeadLetters } from './dead-letters.ts';
import { jobId } from './job.ts';
import { keepSummary, readResults } from './results.ts';

/** How long a run that has read everything waits for a webhook that fails: some five tries. */
const deliveryWaitMsMax = 30_000;

export interface ProcessRun {
	files: readonly string[];
	/** Files with scrapes of the sensor's metrics, in order of time. */
	metrics: readonly string[];
	config: Config;
	settings: Settings;
	emit: Emit;
	/** Events per batch, at most. */
	batchEvents?: number;
	/** Bytes on disk: read so far, and of all files. */
	progress?: (readBytes: number, totalBytes: number) => void;
	/** Ends the run early; what is committed stays and the next run of the same job goes on from there. */
	signal?: AbortSignal;
}

export interface ProcessOutcome {
	sessions: SessionSummary[];
	events: number;
	deadLetters: DeadLetterSummary;
	/** Findings that the webhook has not taken; the next run of the same job posts them. */
	undelivered: number;
	/** What the user should know of the input. */
	notes: string[];
}

/** null when `signal` ended it. Rejects with CliError on input that cannot be read. */
export async function processFiles(run: ProcessRun): Promise<ProcessOutcome | null> {
	const { config, settings, emit } = run;
	const job = await jobId({
		files: run.files,
		metrics: run.metrics,
		settings: {
			rules: settings.rules.digest,
			indicators: settings.indicators.digest,
			repositories: config.repositories,
			matchers: settings.matchers ?? null,
			step: config.step,
			skewMsMax: config.skewMsMax,
			graceMs: config.graceMs,
			sessionMaxMs: config.sessionMaxMs,
			limits: config.limits,
			batchEvents: run.batchEvents ?? 0,
			outDir: config.outDir,
			key: settings.signer.verifier.keyId,
		},
	});
	const folder = join(config.dataDir, 'jobs', job.slice(0, 16));
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const log = openEmbeddedLog({ folder, maxBytes: config.limits.logBytesMax, emit });
	let store: Store | null = null;
	let outcome: ProcessOutcome | null;
	try {
		store = openEmbeddedStore({ folder, maxBytes: config.limits.storeBytesMax });
		outcome = await drive(run, log, store);
	} finally {
		await store?.close();
		await log.close();
	}
	// The recorded file is the record: what was derived from it can be derived again, but for what nobody has taken yet.
	if (outcome !== null && outcome.undelivered === 0) await rm(folder, { recursive: true, force: true });
	return outcome;
}

async function drive(run: ProcessRun, log: Log, store: Store): Promise<ProcessOutcome | null> {
	const { config, settings, emit, signal } = run;
	const blobs = await openFolderBlobs({ folder: join(config.dataDir, 'blobs') });
	const pipeline = createPipeline({ config, log, store, blobs, emit, ...settings });
	try {
		const ports = { log, store, emit };
		const topology = await openTopology(pipeline.stages, ports);
		const writer = await openSource({ stage: 'ingest:files', partition: 0 }, ports);
		const redact = createRedactor();
		const ingest = runFileIngest({
			files: run.files,
			decoder: createJsonDecoder({ lineBytesMax: config.limits.lineBytesMax, redact }),
			redact,
			key: settings.hostKey,
			writer,
			metrics: await Promise.all(run.metrics.map((file) => readFile(file, 'utf8'))),
			emit,
			limits: {
				...fileIngestLimits,
				lineBytes: config.limits.lineBytesMax,
				batch: { ...fileIngestLimits.batch, ...(run.batchEvents ? { events: run.batchEvents } : {}) },
			},
			...(run.progress ? { progress: run.progress } : {}),
			...(signal ? { signal } : {}),
		});
		const outcomes = await topology.run({ until: ingest, ...(signal ? { signal } : {}) });
		const ingested = await ingest;
		if (ingested.kind === 'error') throw new CliError('file-unreadable', ingested.message);
		if (ingested.kind === 'aborted' || outcomes.some((o) => o.kind !== 'drained')) return null;
		const sessions = await readResults(log, config.outDir);
		for (const session of sessions) await keepSummary(config.dataDir, session);
		const undelivered = await pipeline.settle(deliveryWaitMsMax, signal);
		const deadLetters = await summariseDeadLetters(log, ingested.deadLetters);
		return { sessions, events: ingested.events, deadLetters, undelivered, notes: ingested.notes };
	} finally {
		await pipeline.close();
	}
}
