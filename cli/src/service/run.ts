// One service of a fleet, from its keys to its last commit. What is wrong with files is told at once; servers are waited for.
import { setTimeout as delay } from 'node:timers/promises';
import { createHostDirectory, type HostDirectory } from '@affidavit/model/host-directory.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { KafkaLog } from '@affidavit/stream/kafka/log.ts';
import type { Metrics } from '@affidavit/stream/metrics.ts';
import type { RedisStore } from '@affidavit/stream/redis/store.ts';
import { type RunningGroup, runStages } from '@affidavit/stream/runner/group.ts';
import type { RunnerPorts } from '@affidavit/stream/runner/options.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import type { Config } from '../config/schema.ts';
import { followHosts } from '../hosts/follow.ts';
import { createMeasuring, type Measuring } from '../ops/measured.ts';
import { createReadiness, type Readiness } from '../ops/readiness.ts';
import { openOpsServer } from '../ops/server.ts';
import { registerStateMetrics } from '../ops/state-metrics.ts';
import { openTelemetry } from '../ops/telemetry.ts';
import { createWorkMetrics } from '../ops/work-metrics.ts';
import { checkTopics } from './check-topics.ts';
import { type FleetConnections, readConnections } from './open-fleet.ts';
import { probesOf, readState, type ServiceParts } from './parts.ts';
import { sealersOf } from './sealers.ts';
import type { Environment } from './secrets.ts';
import { readServiceKey, type ServiceKey } from './service-key.ts';
import { type ServiceName, services } from './services.ts';
import { type FleetWorld, prepareStages, type ServiceStages } from './stages.ts';
import { checkOwnTrust, readTrustedKeys, type TrustedKeys } from './trusted-keys.ts';

/** What a service tells of itself, in this order; `url` null: no port. */
export type ServiceNews = { event: 'listening'; url: string | null } | { event: 'ready' } | { event: 'stopped' };

export interface ServiceRun {
	name: ServiceName;
	config: Config;
	env: Environment;
	emit: Emit;
	metrics: Metrics;
	version: string;
	/** Drains the rounds under way, leaves the group. */
	signal: AbortSignal;
	tell: (news: ServiceNews) => void;
}

const elapsed = (): number => performance.now();

/**
 * Resolves when `signal` has ended it. Rejects with CliError on a wrong configuration, key or topic, with StreamError when a
 * server refuses this principal for good, and with the first bug that no retry mends.
 */
export async function runService(run: ServiceRun): Promise<void> {
	const { name, config, env, emit, metrics, signal } = run;
	const own = await readServiceKey(config, name);
	const trusted = await readTrustedKeys(config.service.trustedDir);
	checkOwnTrust(trusted, own, name, config.service.trustedDir);
	const openStages = await prepareStages[name]({ config, env, emit, own, trusted });
	const { topics } = services[name];
	const connections = await readConnections({ config, role: name, topics, env, emit, signal });

	const measuring = createMeasuring(createWorkMetrics(metrics.registry, run.version), Date.now, elapsed);
	const parts: ServiceParts = { log: null, store: null, hosts: null, group: null, views: () => [] };
	const readiness = createReadiness(probesOf(name, parts), { now: elapsed });
	registerStateMetrics(metrics.registry, () => readState(parts, readiness, measuring, config.silentMs), elapsed);
	const telemetry = await openTelemetry({
		config: config.tracing,
		env,
		serviceName: `affidavit-${name}`,
		version: run.version,
		topicPrefix: config.kafka.topicPrefix,
		registry: metrics.registry,
		emit,
	});
	const port = config.ops.port ?? defaultOpsPort;
	const server = config.ops.enabled
		? await openOpsServer({ host: config.ops.host, port, readiness, registry: metrics.registry, emit })
		: null;
	const ended = new AbortController();
	try {
		run.tell({ event: 'listening', url: server?.url ?? null });
		const told = tellReady(readiness, run, AbortSignal.any([signal, ended.signal]));
		const work: Work = { run, own, trusted, measuring, parts, tracing: telemetry.tracing, openStages };
		await serve(work, connections).finally(() => ended.abort());
		await told;
	} finally {
		ended.abort();
		await server?.close();
		await telemetry.close();
	}
	if (signal.aborted) run.tell({ event: 'stopped' });
}

export const defaultOpsPort = 9464;

interface Work {
	run: ServiceRun;
	own: ServiceKey;
	trusted: TrustedKeys;
	measuring: Measuring;
	parts: ServiceParts;
	tracing: RunnerPorts['tracing'];
	openStages: (world: FleetWorld) => ServiceStages;
}

/** Each step of the opening may be ended by the signal; what was opened is closed in turn. */
async function serve(work: Work, connections: FleetConnections): Promise<void> {
	const { run, parts } = work;
	// Ends what runs beside the stages also when an error ends them, and the stages when it is theirs.
	const ended = new AbortController();
	const signal = AbortSignal.any([run.signal, ended.signal]);
	if (!(await checkTopics(run, signal))) return;
	const fleet = await connections.openLog();
	if (fleet === null) return;
	let store: RedisStore | null = null;
	try {
		parts.log = fleet.log;
		store = await connections.openStore();
		if (store === null) return;
		parts.store = store;
		const directory = createHostDirectory();
		if (services[run.name].needsHosts) {
			const seals = createKeyedSeals({ own: null, resolve: sealersOf(work.trusted, null) });
			parts.hosts = followHosts(fleet.log, directory, seals, run.emit, signal);
			parts.hosts.done.catch(() => ended.abort());
		}
		if (parts.hosts === null || (await parts.hosts.read)) await runGroup(work, fleet.log, store, directory, signal);
		ended.abort();
		await parts.hosts?.done;
	} finally {
		ended.abort();
		await parts.hosts?.done.catch(() => {});
		await store?.close();
		await fleet.close();
	}
}

async function runGroup(
	{ run, own, trusted, measuring, parts, tracing, openStages }: Work,
	log: KafkaLog,
	store: RedisStore,
	directory: HostDirectory,
	signal: AbortSignal,
): Promise<void> {
	const { config, emit, metrics } = run;
	const measured = measuring.store(store);
	let group: RunningGroup | null = null;
	const owns = (stage: string, partition: number): boolean =>
		group?.health().partitions.some((p) => p.stage === stage && p.partition === partition) ?? false;
	const seals = createKeyedSeals({ own, resolve: sealersOf(trusted, directory) });
	const opened = openStages({ log, store: measured, seals, resolveKey: directory.resolve, owns });
	const ports: RunnerPorts = {
		log,
		store: measured,
		emit: measuring.emit(emit),
		seals,
		...(tracing ? { tracing } : {}),
	};
	group = runStages(opened.stages.map(measuring.stage), ports, log, {
		signal,
		batchRecordsMax: config.service.batchRecordsMax,
		batchBytesMax: config.service.batchBytesMax,
		observe: (observation) => {
			metrics.observe(observation);
			measuring.observe(observation);
		},
	});
	parts.group = group;
	parts.views = opened.views;
	opened.start();
	try {
		await group.done;
	} finally {
		parts.views = () => [];
		await opened.close();
	}
}

const notReadyMs = 500;
const readyMs = 5000;

/** Says once that the service is ready, and from then on each time that it is no more, with the reason. */
async function tellReady(
	readiness: () => Promise<Readiness>,
	{ emit, tell, name }: ServiceRun,
	signal: AbortSignal,
): Promise<void> {
	let told = false;
	let was = false;
	while (!signal.aborted) {
		const { ready, checks } = await readiness();
		if (signal.aborted) return;
		if (ready && !told) tell({ event: 'ready' });
		told ||= ready;
		if (was && !ready)
			for (const { name: reason, ok, message } of checks)
				if (!ok)
					emit({ name: 'readiness_lost', stage: name, reason, intentional: false, message: `${reason}: ${message}` });
		was = ready;
		await delay(ready ? readyMs : notReadyMs, undefined, { signal }).catch(() => {});
	}
}
