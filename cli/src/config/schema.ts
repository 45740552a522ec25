// Every key of the configuration, with its bounds and its default. schemas/config.schema.json is generated from this file.
import { addressCheck } from '@affidavit/detect/alert/connect-guard.ts';
import { parseLocation } from '@affidavit/detect/manifest/location.ts';
import { z } from 'zod';
import {
	bytes,
	dayMs,
	environmentName,
	gib,
	hourMs,
	httpUrl,
	mib,
	minuteMs,
	pathMeta,
	problemAt,
	secondMs,
	secretMeta,
	secretPathMeta,
	text,
	tlsSection,
} from './fields.ts';
import { agentSection, opsSection, serviceSection, tracingSection } from './fleet-sections.ts';
import { kafkaSection } from './kafka-section.ts';
import { redisSection } from './redis-section.ts';

function areNetworks(value: boolean | string[]): boolean {
	try {
		addressCheck(value);
		return true;
	} catch {
		return false;
	}
}

const webhook = z
	.strictObject({
		url: httpUrl().meta({
			...secretPathMeta,
			description: 'Where confirmed findings are posted (Standard Webhooks 1.0).',
		}),
		secretFile: text.optional().meta({ ...pathMeta, description: 'File that holds the signing secret (whsec_…).' }),
		secretEnv: environmentName.optional().meta({ description: 'Environment variable that holds the signing secret.' }),
		leads: z.boolean().default(false).meta({ description: 'Also post leads and withdrawals, which may be false.' }),
		allowPrivate: z
			.union([z.boolean(), z.array(z.string().max(100)).max(100)])
			.default(false)
			.refine(areNetworks, 'expected true, false, or addresses and networks (10.1.2.3, 10.0.0.0/8)')
			.meta({ description: 'Loopback and private receivers: none, all, or these addresses and networks.' }),
	})
	.superRefine((value, context) => {
		if ((value.secretFile === undefined) === (value.secretEnv === undefined))
			context.addIssue({
				code: 'custom',
				path: ['secretFile'],
				message: 'expected exactly one of webhook.secretFile and webhook.secretEnv',
			});
	});

const source = z
	.strictObject({
		kind: z
			.enum(['export', 'grpc'])
			.meta({ description: "export: tail of Tetragon's export file (lossless over restarts). grpc: GetEvents." }),
		path: text.optional().meta({ ...pathMeta, description: "export: Tetragon's export file." }),
		address: text
			.regex(/^(unix:(\/\/)?\/|tcp:\/\/[^/?#@]+:[0-9]{1,5}$)/, 'expected unix:///PATH or tcp://HOST:PORT')
			.optional()
			.meta({ description: 'grpc: unix:///var/run/tetragon/tetragon.sock, or tcp://HOST:PORT.' }),
		tls: tlsSection('Tetragon'),
		metricsUrl: httpUrl()
			.optional()
			.meta({ ...secretMeta, description: "Tetragon's metrics endpoint, for its loss counters." }),
	})
	.superRefine((value, context) => {
		const [needed, other] = value.kind === 'export' ? (['path', 'address'] as const) : (['address', 'path'] as const);
		if (value[needed] === undefined)
			context.addIssue({
				code: 'custom',
				path: [needed],
				message: `expected source.${needed} for source.kind ${value.kind}`,
			});
		if (value.tls !== null && !value.address?.startsWith('tcp:'))
			problemAt(context)('tls', 'expected nothing but for source.address tcp://HOST:PORT');
		if (value[other] !== undefined)
			context.addIssue({ code: 'custom', path: [other], message: `expected nothing for source.kind ${value.kind}` });
	});

const limits = z.strictObject({
	lineBytesMax: bytes(64 * mib)
		.default(mib)
		.meta({ description: 'Longest line of an export file; a longer one is a dead letter.' }),
	logBytesMax: bytes(1024 * gib)
		.default(4 * gib)
		.meta({ description: 'Records of the embedded log, after which sources wait.' }),
	storeBytesMax: bytes(1024 * gib)
		.default(16 * gib)
		.meta({ description: 'File of the embedded session store.' }),
	sessionFactsMax: z
		.int()
		.min(1000)
		.max(100_000_000)
		.default(5_000_000)
		.meta({ description: 'File facts of one session; beyond, it is incomplete.' }),
	sessionsMax: z.int().min(1).max(100_000).default(1000).meta({ description: 'Open sessions of one host.' }),
	quarantineBytesMax: bytes(gib)
		.default(64 * mib)
		.meta({ description: 'Raw bytes of bad input kept on this host.' }),
	repositoryBytesMax: bytes(64 * gib)
		.default(gib)
		.meta({ description: "All blobs of one commit's manifest." }),
	repositoryMs: z
		.int()
		.min(1000)
		.max(hourMs)
		.default(5 * minuteMs)
		.meta({ description: 'Time for fetching one repository, milliseconds.' }),
});

function isLocation(value: string, context: z.RefinementCtx<string>): void {
	const location = parseLocation(value);
	if (location.kind === 'refused')
		context.addIssue({ code: 'custom', message: `expected a git URL, a folder or a bundle; this one ${location.why}` });
}

/** Affidavit's configuration, as written in affidavit.yaml. */
export const configSchema = z
	.strictObject({
		dataDir: text.meta({
			...pathMeta,
			description: 'Log, store, keys and session summaries. Default: the data folder of the user (XDG).',
		}),
		outDir: text
			.nullable()
			.default(null)
			.meta({ ...pathMeta, description: 'Signed attestations. Default: dataDir/attestations.' }),
		keyFile: text
			.nullable()
			.default(null)
			.meta({
				...pathMeta,
				description:
					'Signing key (PKCS #8 PEM, ed25519 or P-256). Default: dataDir/keys/signing.pem, made on first use.',
			}),
		skewMsMax: z
			.int()
			.min(0)
			.max(10 * minuteMs)
			.default(10_000)
			.meta({ description: 'How far events may come out of order, milliseconds.' }),
		graceMs: z
			.int()
			.min(0)
			.max(24 * hourMs)
			.default(minuteMs)
			.meta({ description: 'How long a session stays open after its last root exited, milliseconds.' }),
		sessionMaxMs: z
			.int()
			.min(minuteMs)
			.max(7 * 24 * hourMs)
			.default(12 * hourMs)
			.meta({ description: 'Longest session, milliseconds.' }),
		silentMs: z
			.int()
			.min(secondMs)
			.max(hourMs)
			.default(30 * secondMs)
			.meta({
				description: 'After so long without a record a host with an open session counts as silent, milliseconds.',
			}),
		silentCloseMs: z
			.int()
			.min(minuteMs)
			.max(24 * hourMs)
			.default(15 * minuteMs)
			.meta({
				description:
					"After so long the sessions of a silent host close as incomplete, milliseconds; longer than an outage that the agents' spools bridge.",
			}),
		factsRetentionMs: z
			.int()
			.min(0)
			.max(365 * dayMs)
			.default(dayMs)
			.meta({
				description: "How long a closed session's facts stay in the store, milliseconds; they remain in the log.",
			}),
		step: z
			.string()
			.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'expected letters, digits, dot, dash or underscore')
			.default('build')
			.meta({ description: "The step's name in attestations and policies." }),
		repositories: z
			.record(z.string().min(1).max(512), text.superRefine(isLocation))
			.default({})
			.meta({
				...secretMeta,
				description: 'What the CI variable says (or a workspace folder) → git URL, folder or bundle.',
			}),
		indicators: z
			.array(text)
			.max(100)
			.default([])
			.meta({ ...pathMeta, description: 'Files of known-bad digests, one sha256:HEX a line.' }),
		rulesDir: text
			.nullable()
			.default(null)
			.meta({ ...pathMeta, description: 'Folder of more detection rules, beside the shipped ones.' }),
		matchers: text
			.nullable()
			.default(null)
			.meta({ ...pathMeta, description: 'YAML or JSON file of session matchers in place of the shipped ones.' }),
		webhook: webhook.nullable().default(null),
		source: source.nullable().default(null),
		log: z
			.strictObject({
				level: z
					.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])
					.default('info')
					.meta({ description: 'Diagnostics on stderr: JSON, or for people on a terminal.' }),
			})
			.prefault({}),
		limits: limits.prefault({}),
		partitions: z
			.int()
			.min(1)
			.max(256)
			.default(1)
			.meta({ description: 'Partitions of the topics in the embedded log.' }),
		workspaces: z
			.array(text.startsWith('/', 'expected an absolute path'))
			.max(9)
			.default([])
			.meta({ description: 'Folders in which builds run: the write prefixes of the policies.' }),
		strictSources: z
			.boolean()
			.default(false)
			.meta({ description: 'A build that edits its own sources fails (else a note of low severity).' }),
		kafka: kafkaSection.prefault({}),
		redis: redisSection.prefault({}),
		agent: agentSection.prefault({}),
		service: serviceSection.prefault({}),
		ops: opsSection.prefault({}),
		tracing: tracingSection.prefault({}),
	})
	.superRefine((value, context) => {
		const problem = problemAt(context);
		if (value.silentCloseMs <= value.silentMs) problem('silentCloseMs', 'expected more than silentMs');
		if (value.kafka.brokers.length === 0) return;
		// What is needed to rebuild a session must still be there when the longest outage ends (design 4.2).
		const least = value.sessionMaxMs + value.graceMs + value.kafka.outageMsMax;
		for (const key of ['traceRetentionMs', 'sessionRetentionMs'] as const)
			if (value.kafka[key] < least)
				problem(`kafka.${key}`, `expected at least ${least}: sessionMaxMs + graceMs + kafka.outageMsMax`);
	})
	.meta({
		title: 'Affidavit configuration',
		description:
			'affidavit.yaml. Environment: AFFIDAVIT_ and the key in capitals (AFFIDAVIT_DATA_DIR), nested with __ (AFFIDAVIT_LOG__LEVEL).',
	});

/** Null values are filled in by `resolveConfig` where a default depends on another key (outDir, keyFile). */
export type ParsedConfig = z.output<typeof configSchema>;

/** The configuration that commands work with. Durations in milliseconds, sizes in bytes, paths absolute. */
export interface Config extends ParsedConfig {
	outDir: string;
	keyFile: string;
	agent: ParsedConfig['agent'] & { keyFile: string };
	/** `keyFile` null: dataDir/keys/STAGE.pem. */
	service: ParsedConfig['service'] & { trustedDir: string; blobsDir: string };
}
