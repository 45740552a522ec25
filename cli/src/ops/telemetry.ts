// Whether OpenTelemetry is asked for, by the configuration or by OpenTelemetry's own variables. Nothing of it is loaded when not.
import { readFile } from 'node:fs/promises';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Tracing } from '@affidavit/stream/tracing.ts';
import type { Registry } from 'prom-client';
import type { TracingConfig } from '../config/fleet-sections.ts';
import { CliError } from '../errors.ts';
import { fileTrouble } from '../files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Wanted {
	traces: boolean;
	metrics: boolean;
}

export interface Telemetry {
	/** undefined: off. */
	tracing: Tracing | undefined;
	/** Sends what is left, within a few seconds. */
	close(): Promise<void>;
}

export interface TelemetryOptions {
	config: TracingConfig;
	env: Environment;
	/** affidavit-correlate, affidavit-agent. */
	serviceName: string;
	version: string;
	/** Names of topics and groups begin so. */
	topicPrefix: string;
	registry: Registry;
	emit: Emit;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value.trim() !== '';
const exports = (value: string | undefined): boolean => isSet(value) && value?.trim() !== 'none';

/** OTEL_SDK_DISABLED wins over everything, as OpenTelemetry has it. */
export function wantedTelemetry(config: TracingConfig, env: Environment): Wanted {
	if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return { traces: false, metrics: false };
	const endpoint = isSet(env['OTEL_EXPORTER_OTLP_ENDPOINT']);
	const ofTraces = env['OTEL_TRACES_EXPORTER'];
	const ofMetrics = env['OTEL_METRICS_EXPORTER'];
	return {
		traces:
			ofTraces?.trim() !== 'none' &&
			(config.enabled || endpoint || isSet(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) || exports(ofTraces)),
		metrics:
			ofMetrics?.trim() !== 'none' &&
			((config.enabled && config.metrics) || isSet(env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT']) || exports(ofMetrics)),
	};
}

/** Rejects with CliError on a headers file that cannot be used. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
	const wanted = wantedTelemetry(options.config, options.env);
	if (!wanted.traces && !wanted.metrics) return { tracing: undefined, close: async () => {} };
	const headers = await readHeaders(options.config.headersFile);
	const { startSdk } = await import('./otel/sdk.ts');
	return startSdk(options, wanted, headers);
}

const headersBytesMax = 64 * 1024;

/** NAME: VALUE a line; empty lines and # comments are skipped. */
async function readHeaders(path: string | null): Promise<ReadonlyMap<string, string>> {
	const headers = new Map<string, string>();
	if (path === null) return headers;
	let text: string;
	try {
		text = await readFile(path, 'utf8');
	} catch (cause) {
		throw new CliError('config', `tracing.headersFile: cannot read ${path}: ${fileTrouble(cause)}`, cause);
	}
	if (text.length > headersBytesMax)
		throw new CliError('config', `tracing.headersFile: ${path}: expected at most ${headersBytesMax} bytes`);
	for (const [index, line] of text.split('\n').entries()) {
		const trimmed = line.trim();
		if (trimmed === '' || trimmed.startsWith('#')) continue;
		const match = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}):[ \t]*([\t\x20-\x7e]*)$/.exec(trimmed);
		if (!match) throw new CliError('config', `tracing.headersFile: ${path} line ${index + 1}: expected NAME: VALUE`);
		headers.set(match[1] as string, match[2] as string);
	}
	return headers;
}
