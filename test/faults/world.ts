// The fleet of one run on the disk and in the topics: configuration, keys, enrolled hosts, and the processes to start.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeHost } from '@affidavit/cli/hosts/topic.ts';
import { type KafkaLog, openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import { topics } from '@affidavit/stream/topics.ts';
import { type Receiver, secret } from '../../services/detect/test/alert/receiver.ts';
import type { SimulatedFleet, SimulatedHost } from '../fleet/hosts.ts';
import { directoryOf, type FleetKeys, fleetKeys } from '../fleet/keys.ts';
import { makeTopics } from '../fleet/topics.ts';
import type { KafkaServer } from '../servers/kafka.ts';
import type { RedisServer } from '../servers/redis.ts';
import { type FleetChild, fleetChild } from './child.ts';
import { patiently } from './patiently.ts';
import { type FaultedService, type FaultPlan, faultedServices } from './plan.ts';
import type { SlowAgentTask } from './slow-agent.ts';

export interface FaultServers {
	kafka: KafkaServer;
	redis: RedisServer;
	/** Of the SIEM. */
	webhook: Receiver;
}

/** Configuration keys over those below. */
export type WorldSettings = Readonly<Record<string, unknown>>;

export interface FleetWorld {
	/** Of topics, groups and keys. */
	prefix: string;
	folder: string;
	logs: string;
	outDir: string;
	keys: FleetKeys;
	seals: Seals;
	/** A connection of the test's own. */
	log: KafkaLog;
	/** Records of topic `trace` that all hosts send, about. */
	batches: number;
	newWorker(service: FaultedService): FleetChild;
	/** `live`: an export file that is written meanwhile, in place of the host's recorded one. */
	newAgent(host: SimulatedHost, live?: string): FleetChild;
	close(): Promise<void>;
}

export async function openFleetWorld(
	folder: string,
	plan: FaultPlan,
	simulated: SimulatedFleet,
	servers: FaultServers,
	settings: WorldSettings = {},
): Promise<FleetWorld> {
	const prefix = `faults-${plan.seed}-${Date.now().toString(36)}.`;
	const keys = fleetKeys(directoryOf(simulated.hosts));
	const logs = join(folder, 'logs');
	mkdirSync(logs, { recursive: true });
	const configFile = (name: string): string => join(folder, `${name}.json`);
	writeKeys(folder, keys);
	for (const name of ['agent', ...faultedServices] as const)
		writeFileSync(
			configFile(name),
			JSON.stringify({ ...configOf(name, folder, plan, prefix, simulated, servers), ...settings }),
		);
	const removeTopics = await makeTopics(servers.kafka.brokers, prefix, plan.partitions);
	const log = await openKafkaLog({ brokers: [servers.kafka.brokers], topicPrefix: prefix, topics });
	await enroll(log, keys, simulated.hosts);

	const started = new Map<string, number>();
	return {
		prefix,
		folder,
		logs,
		outDir: join(folder, 'attestations'),
		keys,
		seals: keys.seals(null),
		log,
		batches: simulated.hosts.reduce((sum, host) => sum + batchesOf(host), 0),
		newWorker: (service) => {
			const nth = (started.get(service) ?? 0) + 1;
			started.set(service, nth);
			const name = `${service}-${nth}`;
			const args = ['cli/bin/affidavit.js', 'service', service, '--config', configFile(service)];
			args.push('--data', join(folder, name), '--ops-port', '0', '--json');
			return fleetChild(name, args, join(logs, `${name}.log`));
		},
		newAgent: (host, live) => {
			const data = join(folder, host.name);
			// In the data folder: what the agent keeps beside its key is of this run alone.
			mkdirSync(join(data, 'keys'), { recursive: true, mode: 0o700 });
			copyFileSync(host.keyFile, join(data, 'keys', 'host.pem'));
			const source = live === undefined ? ['--file', host.eventsFile] : ['--export', live, '--ops-port', '0'];
			const args =
				live === undefined && isSlow(host)
					? ['test/faults/slow-agent.ts', JSON.stringify(slowTask(host, data, prefix, servers))]
					: ['cli/bin/affidavit.js', 'agent', '--config', configFile('agent'), '--data', data].concat(source, [
							'--host',
							host.name,
							'--json',
						]);
			return fleetChild(host.name, args, join(logs, `${host.name}.log`));
		},
		async close() {
			await removeTopics();
			await log.close();
		},
	};
}

function writeKeys(folder: string, keys: FleetKeys): void {
	const trusted = join(folder, 'trusted');
	mkdirSync(trusted, { recursive: true });
	for (const [name, { privateKey, publicKey }] of Object.entries(keys.services)) {
		writeFileSync(join(folder, `${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
		writeFileSync(join(trusted, `${name}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }));
	}
	writeFileSync(join(folder, 'webhook.secret'), secret, { mode: 0o600 });
	// Of all sign services.
	const { privateKey } = keys.services.sign;
	writeFileSync(join(folder, 'signing.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
}

/** Every other one; the others are the command as users run it. */
const isSlow = ({ name }: SimulatedHost): boolean => Number(name.slice(-1)) % 2 === 0;

const slowBatches = 60;
/** Events of a batch of the command, at most. */
const fastBatchEvents = 1_000;

const batchesOf = (host: SimulatedHost): number =>
	isSlow(host) ? slowBatches : Math.ceil(host.events / fastBatchEvents);

const slowMs = 12_000;

const slowTask = (host: SimulatedHost, folder: string, prefix: string, { kafka }: FaultServers): SlowAgentTask => ({
	brokers: kafka.brokers,
	prefix,
	host: host.name,
	eventsFile: host.eventsFile,
	keyFile: host.keyFile,
	folder,
	batchEvents: Math.ceil(host.events / slowBatches),
	pauseMs: slowMs / slowBatches,
});

/** Rules, indicators and repositories are those that one process gets. */
const configOf = (
	name: FaultedService | 'agent',
	folder: string,
	{ partitions }: FaultPlan,
	prefix: string,
	{ repositories, indicatorsFile }: SimulatedFleet,
	{ kafka, redis, webhook }: FaultServers,
): Record<string, unknown> => ({
	outDir: join(folder, 'attestations'),
	keyFile: join(folder, 'signing.pem'),
	repositories,
	indicators: [indicatorsFile],
	log: { level: 'debug' },
	kafka: {
		brokers: [kafka.brokers],
		topicPrefix: prefix,
		partitions,
		replicationFactor: 1,
		minInsyncReplicas: 1,
		// The least that brokers take: a killed worker's partitions move soon.
		sessionTimeoutMs: 6_000,
		requestTimeoutMs: 5_000,
	},
	redis: { url: redis.url, keyPrefix: prefix, commandTimeoutMs: 3_000 },
	service: {
		keyFile: join(folder, `${name}.pem`),
		trustedDir: join(folder, 'trusted'),
		blobsDir: join(folder, 'blobs'),
	},
	webhook: { url: webhook.url, secretFile: join(folder, 'webhook.secret'), allowPrivate: true },
	// Twenty agents share the machine with everything else: their pace is the plan's.
	agent: { cpuShare: 1 },
});

async function enroll(log: KafkaLog, keys: FleetKeys, hosts: readonly SimulatedHost[]): Promise<void> {
	const topic = { log, seals: keys.seals(keys.services.operator) };
	for (const { name, publicKey, keyId } of hosts) {
		const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
		const key = { keyId, publicKeyPem, validFromUs: 0, validToUs: -1, enrolledBy: 'test' };
		await patiently(() => changeHost(topic, name, { kind: 'enroll', key }, Date.now(), Math.random));
	}
}
