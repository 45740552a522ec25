// The pipeline on one machine, for ever: a live source, all stages, one process, embedded defaults.
import { join } from 'node:path';
import { readBootId } from '@affidavit/ingest/agent/boot-id.ts';
import { runLiveIngest } from '@affidavit/ingest/agent/live-ingest.ts';
import { openQuarantine, quarantineLimits } from '@affidavit/ingest/agent/quarantine.ts';
import { scrapeMetrics } from '@affidavit/ingest/loss/scrape.ts';
import { createRedactor } from '@affidavit/ingest/redact/redactor.ts';
import type { ResolveKey } from '@affidavit/model/batch-signature.ts';
import { createHostDirectory } from '@affidavit/model/host-directory.ts';
import { openFolderBlobs } from '@affidavit/stream/embedded/blobs.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Metrics } from '@affidavit/stream/metrics.ts';
import type { Log, Store } from '@affidavit/stream/ports.ts';
import type { RunnerPorts } from '@affidavit/stream/runner/options.ts';
import { openSource } from '@affidavit/stream/runner/source.ts';
import { openTopology } from '@affidavit/stream/runner/topology.ts';
import { type ConfiguredSource, liveSourceOf } from '../agent/source.ts';
import type { Config } from '../config/schema.ts';
import { followHosts } from '../hosts/follow.ts';
import type { SessionSummary } from '../sessions/summary.ts';
import type { Settings } from '../settings.ts';
import { createPipeline } from '../topology.ts';
import { openUpOps, type UpOps } from './ops.ts';
import { createReportStage } from './report-stage.ts';

export interface UpRun {
	config: Config;
	env: Readonly<Record<string, string | undefined>>;
	version: string;
	settings: Settings;
	emit: Emit;
	metrics: Metrics;
	tell: (summary: SessionSummary) => void;
	/** Ends the source; what it has read is then worked off. */
	signal: AbortSignal;
}

const nowUs = (): number => Date.now() * 1000;

/** Resolves when `signal` has ended the source and everything is drained. Rejects with CliError on a wrong configuration. */
export async function runUp(run: UpRun): Promise<void> {
	const { config, emit } = run;
	const partitions = config.partitions;
	const folder = join(config.dataDir, 'live');
	const log = openEmbeddedLog({
		folder,
		maxBytes: config.limits.logBytesMax,
		partitions: {
			trace: partitions,
			session: partitions,
			finding: partitions,
			verdict: partitions,
			attestation: partitions,
		},
		emit,
	});
	let store: Store | null = null;
	try {
		store = openEmbeddedStore({ folder, maxBytes: config.limits.storeBytesMax });
		await drive(run, log, store);
	} finally {
		await store?.close();
		await log.close();
	}
}

async function drive(run: UpRun, log: Log, store: Store): Promise<void> {
	const { config, settings, emit, signal, tell } = run;
	const { dataDir, outDir } = config;
	const source = liveSourceOf(config, nowUs, emit);
	const blobs = await openFolderBlobs({ folder: join(dataDir, 'blobs') });
	const ended = new AbortController();
	const resolveKey = await followKeys(run, log, ended.signal);
	const pipeline = createPipeline({ config, log, store, blobs, emit, ...settings, resolveKey });
	const stages = [...pipeline.stages, createReportStage({ dataDir, outDir, emit, tell })];
	let ops: UpOps | null = null;
	try {
		ops = await openUpOps(run, log, stages);
		const ports = { log, store: ops.store(store), emit: ops.emit, ...(ops.tracing ? { tracing: ops.tracing } : {}) };
		const topology = await openTopology(stages.map(ops.stage), ports, { observe: ops.observe });
		ops.started(topology);
		// A stage that fails must not leave the source waiting for ever, nor the other way round.
		const failed = new AbortController();
		const ingest = ingestLive(run, source, ports, AbortSignal.any([signal, failed.signal]));
		const ends = topology.run({ until: ingest });
		ends.catch(() => failed.abort());
		await Promise.all([ends, ingest]);
	} finally {
		ended.abort();
		await ops?.close();
		await pipeline.close();
	}
}

/** Keys of enrolled hosts (`affidavit hosts`), and this machine's own, unless it is enrolled otherwise. */
async function followKeys({ emit, settings }: UpRun, log: Log, signal: AbortSignal): Promise<ResolveKey> {
	const directory = createHostDirectory();
	await followHosts(log, directory, undefined, emit, signal).read;
	return (host, keyId, atUs) => {
		const answer = directory.resolve(host, keyId, atUs);
		return answer.kind === 'unknown' ? settings.resolveKey(host, keyId, atUs) : answer;
	};
}

async function ingestLive(
	run: UpRun,
	source: ConfiguredSource,
	ports: RunnerPorts,
	signal: AbortSignal,
): Promise<void> {
	const { config, settings, emit } = run;
	const { metricsUrl } = config.source ?? {};
	await runLiveIngest({
		openSource: source.openSource,
		decoder: source.decoder,
		redact: createRedactor(),
		key: settings.hostKey,
		writer: await openSource({ stage: 'ingest:live', partition: 0 }, ports),
		host: '',
		boot: (await readBootId()) ?? 'unknown',
		recoveredChain: null,
		hooks: [],
		scrape: metricsUrl === undefined ? null : (abort) => scrapeMetrics(metricsUrl, abort),
		quarantine: await openQuarantine(join(config.dataDir, 'quarantine'), emit, {
			...quarantineLimits,
			bytes: config.limits.quarantineBytesMax,
		}),
		nowUs,
		emit,
		signal,
	});
}
