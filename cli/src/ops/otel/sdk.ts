// OpenTelemetry's SDK, started with the configuration laid over its own variables.
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { DiagLogLevel, diag, metrics, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Telemetry, TelemetryOptions, Wanted } from '../telemetry.ts';
import { bridgeMetrics } from './metrics-bridge.ts';
import { createSampler } from './sampler.ts';
import { createTracing } from './tracing.ts';

const closeMsMax = 5000;

type Configuration = NonNullable<ConstructorParameters<typeof NodeSDK>[0]>;

export function startSdk(options: TelemetryOptions, wanted: Wanted, headers: ReadonlyMap<string, string>): Telemetry {
	const { config, env, serviceName, version, topicPrefix, registry, emit } = options;
	const sampler = env['OTEL_TRACES_SAMPLER'] === undefined ? { sampler: createSampler(config.sampleRatio) } : {};
	const sdk = withVariables(variablesOf(options, headers), () => {
		const created = new NodeSDK({
			serviceName: env['OTEL_SERVICE_NAME'] ?? serviceName,
			...(wanted.traces ? (sampler as Pick<Configuration, 'sampler'>) : { spanProcessors: [] }),
			...(wanted.metrics ? {} : { metricReaders: [] }),
			// The log goes to stderr; nothing else is instrumented, so no context has to follow asynchronous calls.
			logRecordProcessors: [],
			instrumentations: [],
			textMapPropagator: null,
			contextManager: null as unknown as NonNullable<Configuration['contextManager']>,
		});
		diag.setLogger(diagLogger(emit), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
		created.start();
		return created;
	});
	const unbridge = wanted.metrics ? bridgeMetrics(metrics.getMeter('affidavit', version), registry) : () => {};
	return {
		tracing: wanted.traces ? createTracing(trace.getTracer('affidavit', version), topicPrefix) : undefined,
		close: async () => {
			let timer: NodeJS.Timeout | undefined;
			const over = new Promise<void>((resolve) => {
				timer = setTimeout(resolve, closeMsMax);
			});
			// A receiver that is away must not keep a service from ending; the SDK says through diag what it could not send.
			await Promise.race([sdk.shutdown().catch(() => {}), over]);
			clearTimeout(timer);
			unbridge();
			trace.disable();
			metrics.disable();
			diag.disable();
		},
	};
}

/** What the configuration says wins over the variables of the same meaning; an endpoint of one signal alone stays. */
function variablesOf({ config }: TelemetryOptions, headers: ReadonlyMap<string, string>): Record<string, string> {
	const variables: Record<string, string> = {};
	if (config.endpoint !== null) variables['OTEL_EXPORTER_OTLP_ENDPOINT'] = config.endpoint;
	if (headers.size > 0)
		variables['OTEL_EXPORTER_OTLP_HEADERS'] = [...headers]
			.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
			.join(',');
	if (config.enabled) variables['OTEL_METRIC_EXPORT_INTERVAL'] = String(config.metricsIntervalMs);
	return variables;
}

/** The SDK has no other way to be told without its dozen packages; child processes must not inherit the headers. */
function withVariables<T>(variables: Record<string, string>, run: () => T): T {
	const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
	try {
		Object.assign(process.env, variables);
		return run();
	} finally {
		for (const [name, value] of before) {
			if (value === undefined) delete process.env[name];
			else process.env[name] = value;
		}
	}
}

function diagLogger(emit: Emit) {
	const tell = (message: string, ...rest: unknown[]): void =>
		emit({
			name: 'telemetry_failed',
			stage: 'ops',
			reason: 'otlp',
			intentional: false,
			message: [message, ...rest.map(String)].join(' ').slice(0, 500),
		});
	const ignore = (): void => {};
	return { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
}
