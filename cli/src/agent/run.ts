// The agent of one host: source, spool and forwarder, from the key to the last acknowledgement.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { registerAgentMetrics } from '@affidavit/ingest/agent/cost.ts';
import type { FileIngestSummary } from '@affidavit/ingest/agent/file-ingest.ts';
import { createForwarder, type Forwarder, forwardLimits } from '@affidavit/ingest/agent/forward.ts';
import type { LiveObservation } from '@affidavit/ingest/agent/live-ingest.ts';
import { createPacer, type Pacer, pacerDefaults } from '@affidavit/ingest/agent/pacer.ts';
import { openSpool, type Spool, spoolFiles } from '@affidavit/ingest/agent/spool.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Metrics } from '@affidavit/stream/metrics.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import type { Config } from '../config/schema.ts';
import { createReadiness } from '../ops/readiness.ts';
import { type OpsServer, openOpsServer } from '../ops/server.ts';
import { openTelemetry } from '../ops/telemetry.ts';
import { type FleetConnections, readLogConnection } from '../service/open-fleet.ts';
import type { Environment } from '../service/secrets.ts';
import { type Backfill, type BackfillJob, finishBackfill, openBackfill, openFiles } from './backfill.ts';
import { type AgentIdentity, loadIdentity } from './identity.ts';
import { liveEpoch, openLive, readBoot } from './live.ts';
import { createRemote } from './remote.ts';

/** What the agent tells of itself, in this order; `listening` only where a port is served. */
export type AgentNews =
	| {
			event: 'started';
			source: string;
			keyId: string;
			publicKeyPem: string;
			newPublicKeyFile: string | null;
			spool: string;
	  }
	| { event: 'listening'; url: string }
	/** All of the recorded files was acknowledged, now or by an earlier run (`summary` null). */
	| { event: 'sent'; summary: FileIngestSummary | null }
	| { event: 'stopped'; unsentRecords: number; unsentBytes: number };

export interface AgentRun {
	config: Config;
	env: Environment;
	emit: Emit;
	metrics: Metrics;
	version: string;
	/** Ends the source; what is spooled is sent for at most `agent.drainMsMax` longer. */
	signal: AbortSignal;
	tell: (news: AgentNews) => void;
	/** null: the live source of the configuration. */
	backfill: Backfill | null;
}

/** A source at work on the spool. */
export interface AgentWork {
	/** For people. */
	source: string;
	/** Node name; empty while it is not known. */
	host: () => string;
	observation: () => LiveObservation | null;
	lagBytes: () => Promise<number | null>;
	/** Resolves when the source has ended: with a summary when its input was read whole. */
	run(signal: AbortSignal, pacer: Pacer): Promise<FileIngestSummary | null>;
}

const elapsedMs = (): number => performance.now();
const cpuMs = (): number => {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1000;
};

/** As other commands of the fleet listen. */
export const defaultOpsPort = 9464;

/**
 * Resolves when the files are acknowledged, or when `signal` has ended the agent. Rejects with CliError on a wrong
 * configuration, key or file, with StreamError when another agent has the spool, and on a bug.
 */
export async function runAgent(run: AgentRun): Promise<void> {
	const { config, env, emit } = run;
	const over = new AbortController();
	const connection = await readLogConnection({
		config,
		role: 'agent',
		topics: ['trace', 'deadletter'],
		env,
		emit,
		signal: over.signal,
	});
	const identity = await loadIdentity(config);
	const job = run.backfill === null ? null : await openBackfill(config, identity, run.backfill);
	if (job?.done) return run.tell({ event: 'sent', summary: null });
	const spool = await openSpool({
		folder: job?.folder ?? join(config.dataDir, 'agent'),
		bytesMax: config.agent.spoolBytesMax,
		durability: config.agent.spoolFsync,
		boot: await readBoot(),
		newEpoch: job === null ? liveEpoch : () => job.epoch,
		emit,
		nowMs: Date.now,
	});
	let sent = false;
	try {
		sent = await workOn(run, identity, spool, job, connection, over);
	} finally {
		over.abort();
		await spool.close();
	}
	if (job !== null && sent) await finishBackfill(job);
}

/** True when recorded files were read to their end and everything was acknowledged. */
async function workOn(
	run: AgentRun,
	identity: AgentIdentity,
	spool: Spool,
	job: BackfillJob | null,
	connection: Pick<FleetConnections, 'openLog'>,
	over: AbortController,
): Promise<boolean> {
	const { config, emit, tell } = run;
	const work = job === null ? await openLive(run, identity, spool) : await openFiles(run, identity, spool, job);
	const pacer = createPacer({ share: config.agent.cpuShare, ...pacerDefaults, nowMs: elapsedMs, cpuMs });
	const remote = createRemote(connection.openLog);
	const telemetry = await openTelemetry({
		config: config.tracing,
		env: run.env,
		serviceName: 'affidavit-agent',
		version: run.version,
		topicPrefix: config.kafka.topicPrefix,
		registry: run.metrics.registry,
		emit,
	});
	const forwarder = createForwarder({
		spool,
		remote,
		host: work.host,
		seals: createKeyedSeals({ own: identity.key, resolve: () => undefined }),
		emit,
		nowMs: Date.now,
		random: Math.random,
		...(telemetry.tracing ? { tracing: telemetry.tracing } : {}),
		pace: (signal) => pacer.pace(signal),
		limits: { ...forwardLimits, bytes: config.agent.forwardBytesMax },
	});
	tell({
		event: 'started',
		source: work.source,
		keyId: identity.key.keyId,
		publicKeyPem: identity.publicKeyPem,
		newPublicKeyFile: identity.createdPublicKeyFile,
		spool: spool.folder,
	});
	let server: OpsServer | null = null;
	try {
		server = await serveOps(run, spool, work, forwarder, pacer, job !== null);
		if (server !== null) tell({ event: 'listening', url: server.url });
		const summary = await readAndForward(run, work, forwarder, pacer);
		if (summary === null) {
			const { records, bytes } = spool.backlog();
			tell({ event: 'stopped', unsentRecords: records, unsentBytes: bytes });
		} else tell({ event: 'sent', summary });
		return summary !== null;
	} finally {
		over.abort();
		await server?.close();
		await remote.close();
		await telemetry.close();
	}
}

/** The files' summary when all of them was acknowledged, else null. */
async function readAndForward(
	{ config, signal }: AgentRun,
	work: AgentWork,
	forwarder: Forwarder,
	pacer: Pacer,
): Promise<FileIngestSummary | null> {
	const failed = new AbortController();
	const late = new AbortController();
	let timer: NodeJS.Timeout | undefined;
	// From now on what is spooled has a bounded time; the rest is sent by the next run.
	const drain = (): void => {
		timer ??= setTimeout(() => late.abort(), config.agent.drainMsMax);
	};
	signal.addEventListener('abort', drain, { once: true });
	if (signal.aborted) drain();
	const reading = work.run(AbortSignal.any([signal, failed.signal]), pacer);
	reading.catch(drain);
	const forwarding = forwarder.run(reading, late.signal);
	// A forwarder that is broken must not leave the source filling the disk.
	forwarding.catch(() => failed.abort());
	try {
		const [read, forwarded] = await Promise.allSettled([reading, forwarding]);
		if (read.status === 'rejected') throw read.reason;
		if (forwarded.status === 'rejected') throw forwarded.reason;
		return forwarded.value === 'drained' ? read.value : null;
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', drain);
	}
}

/** Share of the spool's bound from which on readiness says that it is full: batches are refused from three quarters on. */
const fullShare = 0.74;

async function serveOps(
	run: AgentRun,
	spool: Spool,
	work: AgentWork,
	forwarder: Forwarder,
	pacer: Pacer,
	recorded: boolean,
): Promise<OpsServer | null> {
	const { config, emit, metrics } = run;
	const { spoolBytesMax, cpuShare } = config.agent;
	registerAgentMetrics(
		metrics.registry,
		{
			ingest: work.observation,
			lagBytes: work.lagBytes,
			backlog: spool.backlog,
			oldestUnsentMs: spool.oldestUnsentMs,
			spoolDiskBytes: () => diskBytes(spool.folder),
			forward: forwarder.state,
			pacedMs: pacer.waitedMs,
			spoolBytesMax,
			cpuShareMax: cpuShare,
		},
		{ nowMs: Date.now, monotonicMs: elapsedMs, cpuMs },
	);
	const port = config.ops.port ?? (recorded ? null : defaultOpsPort);
	if (!config.ops.enabled || port === null) return null;
	const probes = [
		{
			name: 'kafka',
			check: async () => {
				const { state, lastErrorMessage } = forwarder.state();
				if (state === 'retrying') throw new Error(lastErrorMessage);
			},
		},
		{
			name: 'spool',
			check: async () => {
				const { bytes } = spool.backlog();
				if (bytes >= spoolBytesMax * fullShare) throw new Error(`full: ${bytes} bytes wait for the brokers`);
			},
		},
	];
	const readiness = createReadiness(probes, { now: elapsedMs });
	return openOpsServer({ host: config.ops.host, port, readiness, registry: metrics.registry, emit });
}

async function diskBytes(folder: string): Promise<number> {
	const sizes = await Promise.all(
		spoolFiles.map((name) =>
			stat(join(folder, name)).then(
				({ size }) => size,
				() => 0,
			),
		),
	);
	return sizes.reduce((sum, size) => sum + size, 0);
}
