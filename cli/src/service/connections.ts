// What the configuration says of Kafka and Redis, as the options of their adapters. The agent and the operator's commands use it too.
import { randomBytes } from 'node:crypto';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { KafkaLogOptions, KafkaSasl } from '@affidavit/stream/kafka/options.ts';
import type { RedisAddress, RedisStoreOptions } from '@affidavit/stream/redis/options.ts';
import type { KafkaConfig } from '../config/kafka-section.ts';
import { isRedisConfigured, type RedisConfig } from '../config/redis-section.ts';
import { CliError } from '../errors.ts';
import { type Environment, readPassword, readTls, readToken } from './secrets.ts';

/** `role` follows clientId, so that the brokers' logs tell the services apart. Throws CliError('config'). */
export async function kafkaOptions(
	kafka: KafkaConfig,
	role: string,
	env: Environment,
	emit: Emit,
): Promise<KafkaLogOptions> {
	if (kafka.brokers.length === 0)
		throw new CliError(
			'config',
			'kafka.brokers: expected at least one HOST:PORT: this command works on a fleet (docs/services.md)',
		);
	const tls = await readTls('kafka.tls', kafka.tls);
	const sasl = await saslOf(kafka.sasl, env);
	return {
		brokers: kafka.brokers,
		clientId: `${kafka.clientId}-${role}`,
		topicPrefix: kafka.topicPrefix,
		compression: kafka.compression,
		requestTimeoutMs: kafka.requestTimeoutMs,
		appendTimeoutMs: kafka.requestTimeoutMs * 2,
		sessionTimeoutMs: kafka.sessionTimeoutMs,
		...(tls === undefined ? {} : { tls }),
		...(sasl === undefined ? {} : { sasl }),
		emit,
	};
}

async function saslOf(sasl: KafkaConfig['sasl'], env: Environment): Promise<KafkaSasl | undefined> {
	if (sasl === null) return undefined;
	if (sasl.mechanism === 'oauthbearer') {
		const file = sasl.tokenFile as string;
		// Once now, so that a missing file is told at the start; then for each connection, since tokens are renewed.
		await readToken('kafka.sasl.tokenFile', file);
		return { mechanism: 'oauthbearer', token: () => readToken('kafka.sasl.tokenFile', file) };
	}
	const password = await readPassword('kafka.sasl', sasl, env);
	if (sasl.username === undefined || password === undefined)
		throw new CliError('config', 'kafka.sasl: expected a username and a password');
	return { mechanism: sasl.mechanism, username: sasl.username, password };
}

/** Throws CliError('config'). */
export async function redisOptions(redis: RedisConfig, env: Environment, emit: Emit): Promise<RedisStoreOptions> {
	if (!isRedisConfigured(redis))
		throw new CliError(
			'config',
			'redis.url, redis.sentinels or redis.cluster: expected one of them: this command works on a fleet (docs/services.md)',
		);
	const tls = await readTls('redis.tls', redis.tls);
	const password = await readPassword('redis', redis, env);
	return {
		...(redis.url === null ? {} : { url: redis.url }),
		...(redis.sentinels.length === 0
			? {}
			: { sentinels: redis.sentinels.map(addressOf), masterName: redis.masterName as string }),
		...(redis.cluster.length === 0 ? {} : { cluster: redis.cluster.map(addressOf) }),
		...(redis.username === undefined ? {} : { username: redis.username }),
		...(password === undefined ? {} : { password }),
		...(tls === undefined ? {} : { tls }),
		keyPrefix: redis.keyPrefix,
		listBytesMax: redis.listBytesMax,
		retentionMs: redis.retentionMs,
		commandTimeoutMs: redis.commandTimeoutMs,
		emit,
		nonce: () => randomBytes(16).toString('hex'),
	};
}

/** HOST:PORT; the schema has checked it. */
function addressOf(endpoint: string): RedisAddress {
	const colon = endpoint.lastIndexOf(':');
	return { host: endpoint.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(endpoint.slice(colon + 1)) };
}
