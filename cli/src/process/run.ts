// `process`: recorded files as a job.
import { readFile } from 'node:fs/promises';
import { fileIngestLimits, runFileIngest } from '@affidavit/ingest/agent/file-ingest.ts';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { createRedactor } from '@affidavit/ingest/redact/redactor.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { SourceWriter } from '@affidavit/stream/runner/source.ts';
import type { Config } from '../config/schema.ts';
import type { Settings } from '../settings.ts';
import { type Ingested, type ProcessOutcome, runJob } from './drive.ts';
import { jobId, jobSettings } from './job.ts';

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

/** null when `signal` ended it. Rejects with CliError on input that cannot be read. */
export async function processFiles(run: ProcessRun): Promise<ProcessOutcome | null> {
	const { config, settings, emit, files, metrics, signal } = run;
	const id = await jobId({
		files,
		metrics,
		settings: { ...jobSettings(config, settings), batchEvents: run.batchEvents ?? 0 },
	});
	return runJob({
		id,
		config,
		settings,
		emit,
		...(signal ? { signal } : {}),
		source: { stage: 'ingest:files', read: (writer) => readFiles(run, writer) },
	});
}

async function readFiles(run: ProcessRun, writer: SourceWriter): Promise<Ingested> {
	const { config, settings, emit, signal } = run;
	const redact = createRedactor();
	return runFileIngest({
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
}
