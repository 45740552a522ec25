// The agent on recorded files: as `process` reads them, ended when the brokers have taken everything.
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileIngestLimits, runFileIngest } from '@affidavit/ingest/agent/file-ingest.ts';
import { type Spool, spoolFiles } from '@affidavit/ingest/agent/spool.ts';
import { writeSynced } from '@affidavit/ingest/agent/spool-mark.ts';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { createRedactor } from '@affidavit/ingest/redact/redactor.ts';
import { decodeCells } from '@affidavit/ingest/source/file/checkpoint.ts';
import { openSource } from '@affidavit/stream/runner/source.ts';
import type { Config } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import { jobId } from '../process/job.ts';
import type { AgentIdentity } from './identity.ts';
import type { AgentRun, AgentWork } from './run.ts';

export interface Backfill {
	files: readonly string[];
	/** Files with scrapes of the sensor's metrics, in order of time. */
	metrics: readonly string[];
}

export interface BackfillJob extends Backfill {
	folder: string;
	/** Partition of its records' origins, below 2^31; never a live spool's. */
	epoch: number;
	/** True when everything was acknowledged by an earlier run. */
	done: boolean;
}

const doneFile = 'done.json';

/** Rejects when a file cannot be read. */
export async function openBackfill(config: Config, identity: AgentIdentity, files: Backfill): Promise<BackfillJob> {
	const id = await jobId({ ...files, settings: { host: config.agent.host ?? '', key: identity.key.keyId } });
	const folder = join(config.dataDir, 'agent-files', id.slice(0, 16));
	const done = await stat(join(folder, doneFile)).then(
		() => true,
		() => false,
	);
	return { ...files, folder, epoch: Number.parseInt(id.slice(0, 7), 16), done };
}

/** The input is the record: what was sent of it need not be kept. */
export async function finishBackfill({ folder, files }: BackfillJob): Promise<void> {
	await writeSynced(join(folder, doneFile), `${JSON.stringify({ files })}\n`);
	for (const name of spoolFiles) await rm(join(folder, name), { force: true });
}

export async function openFiles(
	run: AgentRun,
	identity: AgentIdentity,
	spool: Spool,
	job: BackfillJob,
): Promise<AgentWork> {
	const { config, emit } = run;
	const writer = await openSource(
		{ stage: 'ingest', partition: spool.epoch },
		{ log: spool.log, store: spool.store, emit },
		{ signal: run.signal },
	);
	const metrics = await Promise.all(job.metrics.map((file) => readFile(file, 'utf8')));
	const redact = createRedactor();
	const { lineBytesMax } = config.limits;
	return {
		source: job.files.join(', '),
		host: () => config.agent.host ?? decodeCells(writer.cells).lanes[0]?.host ?? '',
		observation: () => null,
		lagBytes: async () => null,
		async run(signal, pacer) {
			const result = await runFileIngest({
				files: job.files,
				decoder: createJsonDecoder({ lineBytesMax, redact }),
				redact,
				key: identity.key,
				writer,
				metrics,
				emit,
				...(config.agent.host === null ? {} : { host: config.agent.host }),
				// An agent speaks for its own host.
				limits: { ...fileIngestLimits, lineBytes: lineBytesMax, hosts: 1 },
				pace: (abort) => pacer.pace(abort),
				signal,
			});
			if (result.kind === 'error') throw new CliError('file-unreadable', result.message);
			return result.kind === 'done' ? result : null;
		},
	};
}
