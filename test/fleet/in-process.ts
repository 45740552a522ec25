// A fleet in one process, on real Kafka and Redis: agents with spools, and the services' stages, each with connections, seals
// and a group of its own. What a fleet of processes does when they die is test/faults'.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { resolveConfig } from '@affidavit/cli/config/resolve.ts';
import type { Config } from '@affidavit/cli/config/schema.ts';
import type { ServiceName } from '@affidavit/cli/service/services.ts';
import { indicatorsOf } from '@affidavit/cli/settings.ts';
import {
	type AlertSettings,
	alertStage,
	correlateStage,
	detectStage,
	type StageDeps,
	signStage,
} from '@affidavit/cli/topology.ts';
import { loadRuleSet } from '@affidavit/detect/rules/load.ts';
import { createTrustStage } from '@affidavit/detect/trust/stage.ts';
import { createKeySigner } from '@affidavit/sign/signing/envelope-signer.ts';
import { openFolderBlobs } from '@affidavit/stream/embedded/blobs.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { type KafkaLog, openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import type { Log, Store } from '@affidavit/stream/ports.ts';
import { openRedisStore } from '@affidavit/stream/redis/store.ts';
import { type RunningGroup, runStages } from '@affidavit/stream/runner/group.ts';
import type { Stage } from '@affidavit/stream/stage.ts';
import { topics } from '@affidavit/stream/topics.ts';
import type { GivenServers } from '../servers/given.ts';
import type { SimulatedFleet } from './hosts.ts';
import { directoryOf, type FleetKeys, fleetKeys, newKey } from './keys.ts';
import { makeTopics } from './topics.ts';

export interface InProcessFleet {
	/** A connection of the test's own. */
	log: KafkaLog;
	keys: FleetKeys;
	outDir: string;
	folder: string;
	/** Internal events of all services. */
	events: ReturnType<typeof collectingEmit>;
	/** Resolves when every stage has read all of its input, and nothing new has come. */
	settled(): Promise<void>;
	/** Rejects with what a stage failed with. */
	close(): Promise<void>;
}

export interface InProcessOptions {
	servers: GivenServers;
	fleet: SimulatedFleet;
	/** Hosts that are enrolled beside those of `fleet`. */
	enrolled?: readonly { name: string; publicKey: SimulatedFleet['hosts'][number]['publicKey']; keyId: string }[];
	folder: string;
	partitions: number;
	/** Members of each service's group. */
	workers: number;
	/** Where confirmed findings go; no alert service without. */
	alert?: AlertSettings;
}

const serviceNames: readonly ServiceName[] = ['correlate', 'detect', 'sign', 'alert'];

interface Running {
	stages: readonly Stage[];
	closeStages(): Promise<void>;
	group: RunningGroup;
	log: KafkaLog;
	store: Store;
}

export async function openInProcessFleet(options: InProcessOptions): Promise<InProcessFleet> {
	const { servers, fleet, folder } = options;
	const removeTopics = await makeTopics(servers.brokers, servers.prefix, options.partitions);
	const events = collectingEmit();
	const keys = fleetKeys(directoryOf([...fleet.hosts, ...(options.enrolled ?? [])]));
	const log = await openLog(servers, events.emit);
	const stop = new AbortController();
	const running: Running[] = [];
	for (const service of serviceNames.filter((name) => name !== 'alert' || options.alert))
		for (let worker = 0; worker < options.workers; worker++)
			running.push(
				await startService(service, join(folder, `${service}-${worker}`), options, keys, events, stop.signal),
			);
	for (const { group } of running) group.done.catch(() => stop.abort());
	return {
		log,
		keys,
		outDir: join(folder, 'attestations'),
		folder,
		events,
		settled: () => settled(log, running, stop.signal),
		async close() {
			stop.abort();
			const ends = await Promise.allSettled(running.map((one) => one.group.done));
			for (const one of running) await Promise.allSettled([one.closeStages(), one.log.close(), one.store.close()]);
			await log.close();
			await removeTopics();
			for (const end of ends) if (end.status === 'rejected') throw end.reason;
		},
	};
}

export const openLog = (
	{ brokers, prefix }: GivenServers,
	emit: ReturnType<typeof collectingEmit>['emit'],
): Promise<KafkaLog> => openKafkaLog({ brokers: brokers.split(','), topicPrefix: prefix, topics, emit });

async function startService(
	service: ServiceName,
	dataDir: string,
	options: InProcessOptions,
	keys: FleetKeys,
	{ emit }: ReturnType<typeof collectingEmit>,
	signal: AbortSignal,
): Promise<Running> {
	const { servers, fleet, folder } = options;
	mkdirSync(dataDir, { recursive: true });
	const log = await openLog(servers, emit);
	const store = await openRedisStore({
		url: servers.redisUrl,
		keyPrefix: servers.prefix,
		emit,
		nonce: () => randomBytes(16).toString('hex'),
	});
	const config = configOf(dataDir, folder, fleet);
	const blobs = await openFolderBlobs({ folder: join(folder, 'blobs') });
	const deps: StageDeps = { config, log, store, blobs, emit };
	const opened = await stagesOf(service, deps, keys, options.alert);
	const ports = { log, store, emit, seals: keys.seals(keys.services[service]) };
	return { ...opened, log, store, group: runStages(opened.stages, ports, log, { signal }) };
}

async function stagesOf(
	service: ServiceName,
	deps: StageDeps,
	keys: FleetKeys,
	alert: AlertSettings | undefined,
): Promise<Pick<Running, 'stages' | 'closeStages'>> {
	const alone = (...stages: Stage[]) => ({ stages, closeStages: async () => {} });
	const { emit } = deps;
	switch (service) {
		case 'correlate':
			return alone(correlateStage({ ...deps, resolveKey: keys.directory.resolve, matchers: undefined }));
		case 'detect': {
			const indicators = await indicatorsOf(deps.config);
			return alone(detectStage({ ...deps, rules: loadRuleSet(), indicators }), createTrustStage({ emit }));
		}
		case 'sign': {
			const { privateKey, keyId } = newKey();
			return alone(signStage({ ...deps, signer: createKeySigner(privateKey, keyId) }));
		}
		case 'alert': {
			if (!alert) throw new Error('alert: expected settings');
			const stage = alertStage(alert, emit);
			return { stages: [stage], closeStages: () => stage.close() };
		}
	}
}

/** The same settings as those that `expectedSessions` gives to one process. */
function configOf(dataDir: string, folder: string, fleet: SimulatedFleet): Config {
	const file = join(dataDir, 'affidavit.json');
	const text = JSON.stringify({
		outDir: join(folder, 'attestations'),
		repositories: fleet.repositories,
		indicators: [fleet.indicatorsFile],
	});
	writeFileSync(file, text);
	const resolved = resolveConfig({
		flags: [],
		env: {},
		file: { name: file, text, dir: dataDir },
		cwd: dataDir,
		defaultDataDir: dataDir,
	});
	if (resolved.kind === 'error') throw new Error(resolved.problems.join('\n'));
	return resolved.config;
}

const settledMsMax = 120_000;
/** Nothing may have come for so long. */
const quietMs = 1_000;

async function settled(log: Log, running: readonly Running[], signal: AbortSignal): Promise<void> {
	const untilMs = performance.now() + settledMsMax;
	let before = '';
	let quietSince = performance.now();
	for (;;) {
		const lag = await lagOf(log, running);
		const state = JSON.stringify(lag);
		if (state !== before) quietSince = performance.now();
		before = state;
		if (Object.values(lag).every((behind) => behind.left === 0) && performance.now() - quietSince > quietMs) return;
		if (signal.aborted) throw new Error('a stage failed');
		if (performance.now() > untilMs) throw new Error(`not settled within ${settledMsMax} ms: ${state}`);
		await sleep(100);
	}
}

/** By stage and partition: the input's end, and how much of it is unread. */
async function lagOf(log: Log, running: readonly Running[]): Promise<Record<string, { end: number; left: number }>> {
	const lag: Record<string, { end: number; left: number }> = {};
	for (const input of new Set(running.flatMap(({ stages }) => stages))) {
		const positions = new Map<number, number>();
		for (const { group } of running)
			for (const { stage, partition, position } of group.health().partitions)
				if (stage === input.name) positions.set(partition, Math.max(position, positions.get(partition) ?? 0));
		for (let partition = 0; partition < log.partitions(input.input); partition++) {
			const { end, start } = await log.bounds(input.input, partition);
			lag[`${input.name}/${partition}`] = { end, left: end === start ? 0 : end - (positions.get(partition) ?? 0) };
		}
	}
	return lag;
}
