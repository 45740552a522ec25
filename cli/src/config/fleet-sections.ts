// `agent`, `service`, `ops`, `tracing`: the processes of a fleet and how they are watched.
import { z } from 'zod';
import {
	bytes,
	gib,
	hasCredentials,
	hourMs,
	httpUrl,
	mib,
	minuteMs,
	optionalPath,
	pathMeta,
	secondMs,
	secretMeta,
	text,
} from './fields.ts';

export const agentSection = z.strictObject({
	host: z
		.string()
		.regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/, 'expected a host name')
		.nullable()
		.default(null)
		.meta({ description: "This host's enrolled name. Default: the node name of its events." }),
	keyFile: optionalPath("This host's key (ed25519, PKCS #8 PEM). Default: dataDir/keys/host.pem."),
	spoolBytesMax: z
		.int()
		.min(512 * 1024)
		.max(1024 * gib)
		.default(4 * gib)
		.meta({ description: 'What is kept on disk while the brokers are away; then reading waits.' }),
	spoolFsync: z
		.enum(['power', 'process'])
		.default('process')
		.meta({ description: 'power: every commit survives a power cut. process: a crash of the agent only.' }),
	cpuShare: z
		.number()
		.min(0.01)
		.max(64)
		.default(0.25)
		.meta({ description: 'CPU time that the agent keeps to, in cores.' }),
	forwardBytesMax: bytes(64 * mib)
		.default(4 * mib)
		.meta({ description: 'Bytes of one append to the brokers.' }),
	drainMsMax: z
		.int()
		.min(0)
		.max(hourMs)
		.default(10 * secondMs)
		.meta({ description: 'How long a stopping agent tries to empty its spool, milliseconds.' }),
});

export const serviceSection = z.strictObject({
	keyFile: optionalPath("This service's key (ed25519, PKCS #8 PEM). Default: dataDir/keys/STAGE.pem."),
	trustedDir: optionalPath(
		'Folder with the public keys of all services: STAGE.pub.pem, STAGE.ANYTHING.pub.pem. Default: dataDir/keys/trusted.',
	),
	blobsDir: optionalPath('Folder of content-addressed blobs, shared by detect and sign. Default: dataDir/blobs.'),
	batchRecordsMax: z.int().min(1).max(10_000).default(256).meta({ description: 'Input records of one commit.' }),
	batchBytesMax: bytes(64 * mib)
		.default(mib)
		.meta({ description: 'Input bytes of one commit; one larger record still passes.' }),
});

export const opsSection = z.strictObject({
	enabled: z.boolean().default(true).meta({ description: 'Serve /healthz, /readyz and /metrics.' }),
	host: z
		.string()
		.regex(/^[0-9A-Za-z:.-]{1,253}$/, 'expected an address or host name')
		.default('127.0.0.1')
		.meta({ description: 'Address to listen on; the answers name hosts and topics: no public one.' }),
	port: z
		.int()
		.min(0)
		.max(65_535)
		.nullable()
		.default(null)
		.meta({ description: 'Port; 0 takes a free one. Default: 9464 for services and agent, none for up.' }),
});

export const tracingSection = z.strictObject({
	enabled: z
		.boolean()
		.default(false)
		.meta({ description: 'OpenTelemetry over OTLP; also switched on by OTEL_EXPORTER_OTLP_ENDPOINT.' }),
	endpoint: httpUrl()
		.refine((url) => !hasCredentials(url), 'expected no credentials in the URL: tracing.headersFile')
		.nullable()
		.default(null)
		.meta({
			...secretMeta,
			description:
				'OTLP receiver over HTTP, without /v1/traces. Default: OTEL_EXPORTER_OTLP_ENDPOINT, else localhost:4318.',
		}),
	headersFile: text
		.nullable()
		.default(null)
		.meta({ ...pathMeta, description: 'File with headers for the receiver, one NAME: VALUE a line.' }),
	metrics: z.boolean().default(false).meta({ description: 'Also send the metrics of /metrics over OTLP.' }),
	metricsIntervalMs: z
		.int()
		.min(secondMs)
		.max(hourMs)
		.default(minuteMs)
		.meta({ description: 'How often metrics are sent, milliseconds.' }),
	sampleRatio: z
		.number()
		.min(0)
		.max(1)
		.default(1)
		.meta({ description: 'Share of traces that are kept, decided at their beginning.' }),
});

export type AgentConfig = z.output<typeof agentSection>;
export type ServiceConfig = z.output<typeof serviceSection>;
export type OpsConfig = z.output<typeof opsSection>;
export type TracingConfig = z.output<typeof tracingSection>;
