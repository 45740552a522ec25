// The shared log and store that a service works on, opened as the configuration says.
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { type KafkaLog, openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import type { KafkaLogOptions } from '@affidavit/stream/kafka/options.ts';
import type { Topic } from '@affidavit/stream/ports.ts';
import { openRedisStore, type RedisStore } from '@affidavit/stream/redis/store.ts';
import { type Frames, repoFrames } from '@affidavit/stream/schema-registry/frames.ts';
import { openRegistryFrames, type RegistryFramesOptions } from '@affidavit/stream/schema-registry/registry-frames.ts';
import type { KafkaConfig } from '../config/kafka-section.ts';
import type { Config } from '../config/schema.ts';
import { kafkaOptions, redisOptions } from './connections.ts';
import { outlast } from './outlast.ts';
import { type Environment, readNamedFile, readPassword } from './secrets.ts';

export interface FleetOptions {
	config: Config;
	/** Names this client to the brokers: a service, agent, operator. */
	role: string;
	topics: readonly Topic[];
	env: Environment;
	emit: Emit;
	signal: AbortSignal;
}

export interface FleetLog {
	log: KafkaLog;
	/** Closes the log and what it stands on. */
	close(): Promise<void>;
}

/** What needs no server is read first: a wrong file is told before anything is waited for. Throws CliError('config'). */
export interface FleetConnections {
	/** null when the signal aborted first. */
	openLog(): Promise<FleetLog | null>;
	openStore(): Promise<RedisStore | null>;
}

export async function readConnections(options: FleetOptions): Promise<FleetConnections> {
	const { config, role, env, emit, signal } = options;
	const kafka = await kafkaOptions(config.kafka, role, env, emit);
	const registry = await registryOptions(config.kafka, options);
	const redis = await redisOptions(config.redis, env, emit);
	const patience = { emit, signal, random: Math.random };
	return {
		openLog: () => openFleetLog(kafka, registry, options.topics, patience),
		openStore: () => outlast('redis', () => openRedisStore(redis), patience),
	};
}

/** Kafka alone: for the agent and the operator. */
export async function readLogConnection(options: FleetOptions): Promise<Pick<FleetConnections, 'openLog'>> {
	const { config, role, env, emit, signal } = options;
	const kafka = await kafkaOptions(config.kafka, role, env, emit);
	const registry = await registryOptions(config.kafka, options);
	return { openLog: () => openFleetLog(kafka, registry, options.topics, { emit, signal, random: Math.random }) };
}

async function openFleetLog(
	kafka: KafkaLogOptions,
	registry: RegistryFramesOptions | null,
	topics: readonly Topic[],
	patience: Parameters<typeof outlast>[2],
): Promise<FleetLog | null> {
	const frames: Frames | null =
		registry === null ? repoFrames : await outlast('schema registry', () => openRegistryFrames(registry), patience);
	if (frames === null) return null;
	let log: KafkaLog | null = null;
	try {
		log = await outlast('kafka', () => openKafkaLog({ ...kafka, topics, frames }), patience);
	} finally {
		if (log === null) await frames.close();
	}
	if (log === null) return null;
	const opened = log;
	return {
		log: opened,
		close: async () => {
			await opened.close();
			await frames.close();
		},
	};
}

async function registryOptions(
	{ registry, topicPrefix }: KafkaConfig,
	{ env, emit, topics }: FleetOptions,
): Promise<RegistryFramesOptions | null> {
	if (registry === null) return null;
	const password = await readPassword('kafka.registry', registry, env);
	return {
		url: registry.url,
		topicPrefix,
		topics,
		...(registry.username === undefined || password === undefined
			? {}
			: { auth: { kind: 'basic', username: registry.username, password } }),
		...(registry.caFile === undefined
			? {}
			: { tls: { ca: await readNamedFile('kafka.registry.caFile', registry.caFile) } }),
		emit,
	};
}
