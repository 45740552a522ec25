// `kafka`: the log of a fleet.
import { z } from 'zod';
import {
	checkPassword,
	credentialFields,
	dayMs,
	endpoints,
	hasCredentials,
	httpUrl,
	minuteMs,
	pathMeta,
	problemAt,
	secondMs,
	secretMeta,
	text,
	tlsSection,
} from './fields.ts';

const sasl = z
	.strictObject({
		mechanism: z
			.enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'])
			.meta({ description: 'How the brokers authenticate this principal.' }),
		...credentialFields('the brokers'),
		tokenFile: text
			.optional()
			.meta({ ...pathMeta, description: 'oauthbearer: file with the token; read again for each connection.' }),
	})
	.superRefine((value, context) => {
		const problem = problemAt(context);
		if (value.mechanism === 'oauthbearer') {
			if (value.tokenFile === undefined) problem('tokenFile', 'expected kafka.sasl.tokenFile for oauthbearer');
			for (const key of ['username', 'passwordFile', 'passwordEnv'] as const)
				if (value[key] !== undefined) problem(key, 'expected nothing for kafka.sasl.mechanism oauthbearer');
			return;
		}
		checkPassword('kafka.sasl', value, problem, true);
		if (value.username === undefined)
			problem('username', `expected kafka.sasl.username for kafka.sasl.mechanism ${value.mechanism}`);
		if (value.tokenFile !== undefined)
			problem('tokenFile', `expected nothing for kafka.sasl.mechanism ${value.mechanism}`);
	})
	.nullable()
	.default(null);

const registry = z
	.strictObject({
		url: httpUrl()
			.refine((url) => !hasCredentials(url), 'expected no credentials in the URL: username and passwordFile')
			.meta({ ...secretMeta, description: 'Confluent-compatible schema registry.' }),
		...credentialFields('the registry'),
		caFile: text
			.optional()
			.meta({ ...pathMeta, description: "PEM of the CAs that may sign the registry's certificate." }),
	})
	.superRefine((value, context) => checkPassword('kafka.registry', value, problemAt(context), false))
	.nullable()
	.default(null);

const durationMs = (fallback: number, max: number, description: string) =>
	z.int().min(secondMs).max(max).default(fallback).meta({ description });

export const kafkaSection = z
	.strictObject({
		brokers: endpoints('Brokers to begin with, HOST:PORT. Empty: no fleet.'),
		clientId: z
			.string()
			.regex(/^[A-Za-z0-9._-]{1,200}$/, 'expected letters, digits, dot, dash or underscore')
			.default('affidavit')
			.meta({ description: "Name of this client in the brokers' logs and quotas." }),
		topicPrefix: z
			.string()
			.regex(/^[A-Za-z0-9._-]{0,200}$/, 'expected letters, digits, dot, dash or underscore')
			.default('affidavit.')
			.meta({ description: 'Begins the name of every topic and group.' }),
		compression: z
			.enum(['none', 'gzip', 'zstd'])
			.default('zstd')
			.meta({ description: 'Of what is written; anything is read.' }),
		tls: tlsSection('the brokers'),
		sasl,
		partitions: z
			.int()
			.min(1)
			.max(1024)
			.default(8)
			.meta({ description: 'Partitions of the topics keyed by host or session; cannot be changed later.' }),
		replicationFactor: z.int().min(1).max(15).default(3).meta({ description: 'Replicas of each partition.' }),
		minInsyncReplicas: z
			.int()
			.min(1)
			.max(14)
			.default(2)
			.meta({ description: 'Replicas that must have a record before it counts as written.' }),
		traceRetentionMs: durationMs(
			7 * dayMs,
			3650 * dayMs,
			'How long topic trace is kept, milliseconds; at least sessionMaxMs + graceMs + kafka.outageMsMax.',
		),
		sessionRetentionMs: durationMs(
			7 * dayMs,
			3650 * dayMs,
			'How long the topics after trace are kept, milliseconds; the same least as for trace.',
		),
		outageMsMax: durationMs(dayMs, 90 * dayMs, 'Longest outage of the fleet that must lose nothing, milliseconds.'),
		requestTimeoutMs: durationMs(15 * secondMs, 10 * minuteMs, 'Time for one request, milliseconds.'),
		sessionTimeoutMs: z
			.int()
			.min(6 * secondMs)
			.max(30 * minuteMs)
			.default(10 * secondMs)
			.meta({ description: "After this without a heartbeat a member's partitions go to others, milliseconds." }),
		registry,
	})
	.superRefine((value, context) => {
		if (value.replicationFactor > 1 && value.minInsyncReplicas >= value.replicationFactor)
			problemAt(context)(
				'minInsyncReplicas',
				'expected less than kafka.replicationFactor: with one broker away nothing could be written',
			);
		if (value.replicationFactor === 1 && value.minInsyncReplicas > 1)
			problemAt(context)('minInsyncReplicas', 'expected 1 with kafka.replicationFactor 1');
	});

export type KafkaConfig = z.output<typeof kafkaSection>;
