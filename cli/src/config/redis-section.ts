// `redis`: the session store of a fleet.
import { z } from 'zod';
import {
	bytes,
	checkPassword,
	credentialFields,
	dayMs,
	endpoints,
	gib,
	hasCredentials,
	hourMs,
	mib,
	minuteMs,
	problemAt,
	secondMs,
	secretMeta,
	tlsSection,
} from './fields.ts';

export const redisSection = z
	.strictObject({
		url: z
			.url({ protocol: /^rediss?$/, error: 'expected a redis or rediss URL' })
			.max(4096)
			.refine(
				(url) => !hasCredentials(url),
				'expected no credentials in the URL: redis.username and redis.passwordFile',
			)
			.nullable()
			.default(null)
			.meta({ ...secretMeta, description: 'One server: redis://HOST:PORT/DB, or rediss:// for TLS.' }),
		sentinels: endpoints('Sentinels, HOST:PORT, in place of url.'),
		masterName: z
			.string()
			.min(1)
			.max(255)
			.nullable()
			.default(null)
			.meta({ description: "The master's name at the sentinels." }),
		cluster: endpoints('Nodes of a Redis Cluster to begin with, HOST:PORT, in place of url.'),
		...credentialFields('Redis'),
		tls: tlsSection('Redis'),
		keyPrefix: z
			.string()
			.regex(/^[A-Za-z0-9:._-]{0,64}$/, 'expected letters, digits, colon, dot, dash or underscore')
			.default('affidavit:')
			.meta({ description: 'Begins the name of every key.' }),
		listBytesMax: bytes(16 * gib)
			.default(64 * mib)
			.meta({ description: "A session's fact batches kept in Redis; older ones are then read from the log." }),
		retentionMs: z
			.int()
			.min(minuteMs)
			.max(365 * dayMs)
			.default(7 * dayMs)
			.meta({ description: 'What nobody has written to for so long goes away, milliseconds.' }),
		commandTimeoutMs: z
			.int()
			.min(secondMs)
			.max(hourMs)
			.default(10 * secondMs)
			.meta({ description: 'Time for one command, milliseconds.' }),
	})
	.superRefine((value, context) => {
		const problem = problemAt(context);
		const places = [value.url !== null, value.sentinels.length > 0, value.cluster.length > 0];
		if (places.filter(Boolean).length > 1)
			problem('url', 'expected at most one of redis.url, redis.sentinels and redis.cluster');
		if (value.sentinels.length > 0 !== (value.masterName !== null))
			problem('masterName', 'expected redis.sentinels and redis.masterName together');
		// The default user of Redis has a password and no name.
		checkPassword('redis', value, problem, false);
	});

export type RedisConfig = z.output<typeof redisSection>;

export const isRedisConfigured = ({ url, sentinels, cluster }: RedisConfig): boolean =>
	url !== null || sentinels.length > 0 || cluster.length > 0;
