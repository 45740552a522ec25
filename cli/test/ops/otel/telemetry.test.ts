import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type TracingConfig, tracingSection } from '../../../src/config/fleet-sections.ts';
import { CliError } from '../../../src/errors.ts';
import { openTelemetry, wantedTelemetry } from '../../../src/ops/telemetry.ts';
import { temporaryFolder } from '../../run-cli.ts';
import { openReceiver } from './receiver.ts';

const config = (part: Partial<TracingConfig>): TracingConfig => ({ ...tracingSection.parse({}), ...part });
const options = (part: Partial<TracingConfig>, registry = new Registry()) => ({
	config: config(part),
	env: {},
	serviceName: 'affidavit-correlate',
	version: '1.2.3',
	topicPrefix: 'fleet.',
	registry,
	...collectingEmit(),
});

const off = { traces: false, metrics: false };
const cases: [string, Partial<TracingConfig>, Record<string, string>, { traces: boolean; metrics: boolean }][] = [
	['nothing said', {}, {}, off],
	['configured', { enabled: true }, {}, { traces: true, metrics: false }],
	['configured with metrics', { enabled: true, metrics: true }, {}, { traces: true, metrics: true }],
	['metrics without enabled', { metrics: true }, {}, off],
	['an endpoint', {}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h' }, { traces: true, metrics: false }],
	['an empty endpoint', {}, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, off],
	['no traces', { enabled: true }, { OTEL_TRACES_EXPORTER: 'none' }, off],
	['metrics by variable', {}, { OTEL_METRICS_EXPORTER: 'otlp' }, { traces: false, metrics: true }],
	['disabled', { enabled: true, metrics: true }, { OTEL_SDK_DISABLED: 'true' }, off],
	['another variable', {}, { OTEL_SERVICE_NAME: 'x' }, off],
];
for (const [name, part, env, wanted] of cases)
	test(`asked for: ${name}`, () => assert.deepEqual(wantedTelemetry(config(part), env), wanted));

/** Counts the modules of OpenTelemetry that are loaded; its bare API comes with prom-client, which asks it for exemplars. */
const probe = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); loaded.push(found.url); return found; } });
const { openTelemetry } = await import(process.argv[1]);
for (const url of JSON.parse(process.argv[3])) await import(url);
const { Registry } = await import('prom-client');
const telemetry = await openTelemetry({
	config: { enabled: process.argv[2] === 'on', endpoint: 'http://127.0.0.1:9', headersFile: null, metrics: true, metricsIntervalMs: 60000, sampleRatio: 1 },
	env: process.env, serviceName: 's', version: '1', topicPrefix: '', registry: new Registry(), emit: () => {},
});
process.stdout.write(JSON.stringify({ on: telemetry.tracing !== undefined, loaded: loaded.filter((url) => /@opentelemetry\\/(?!api\\/)/.test(url)).length, all: loaded.length }));
await telemetry.close();
process.exit(0);
`;

test('nothing of OpenTelemetry is loaded when off', () => {
	const run = (mode: string) => {
		const url = (path: string): string => new URL(`../../../src/${path}`, import.meta.url).href;
		const programs = JSON.stringify(['service/run.ts', 'agent/run.ts', 'up/run.ts', 'topics/command.ts'].map(url));
		const child = spawnSync(
			process.execPath,
			['--input-type=module', '-e', probe, url('ops/telemetry.ts'), mode, programs],
			{
				cwd: new URL('../../..', import.meta.url),
				encoding: 'utf8',
				env: { PATH: process.env['PATH'] },
			},
		);
		return JSON.parse(child.stdout || `{"error":${JSON.stringify(child.stderr)}}`);
	};
	const without = run('off');
	assert.equal(without.on, false, JSON.stringify(without));
	assert.equal(without.loaded, 0);
	assert.ok(without.all > 300, 'the hook sees what services, agent and up load');
	const withIt = run('on');
	assert.equal(withIt.on, true, JSON.stringify(withIt));
	assert.ok(withIt.loaded > 10);
});

interface OtlpSpan {
	name: string;
	traceId: string;
	spanId: string;
	parentSpanId?: string;
	kind: number;
	links?: { traceId: string; spanId: string }[];
	attributes: { key: string; value: Record<string, unknown> }[];
	status: { code?: number };
}

const attributesOf = (list: OtlpSpan['attributes']): Record<string, unknown> =>
	Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));

// One test: OpenTelemetry's registrations are the process's, so two cannot run side by side.
test('spans and metrics reach a receiver, with the names that the field uses', async (t) => {
	const receiver = await openReceiver(t);
	const headersFile = join(temporaryFolder(t), 'headers');
	writeFileSync(headersFile, '# for the receiver\nx-api-key: s3cret, and =more\n');
	const registry = new Registry();
	new Counter({ name: 'affidavit_fenced_total', help: 'x', labelNames: ['stage'], registers: [registry] }).inc(
		{ stage: 'detect' },
		3,
	);
	new Gauge({ name: 'affidavit_lag_records', help: 'x', registers: [registry] }).set(7);
	new Histogram({ name: 'affidavit_commit_seconds', help: 'x', buckets: [1], registers: [registry] }).observe(0.5);
	const before = { ...process.env };
	process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json';
	t.after(() => delete process.env['OTEL_EXPORTER_OTLP_PROTOCOL']);
	const telemetry = await openTelemetry(
		options({ enabled: true, endpoint: receiver.url, headersFile, metrics: true, metricsIntervalMs: 1000 }, registry),
	);
	assert.deepEqual(
		{ ...process.env, OTEL_EXPORTER_OTLP_PROTOCOL: undefined },
		{ ...before, OTEL_EXPORTER_OTLP_PROTOCOL: undefined },
	);
	assert.ok(telemetry.tracing);

	const root = telemetry.tracing.startBatch('forward', [], {});
	root.end('ok');
	const child = telemetry.tracing.startBatch('correlate', [root.traceparent, root.traceparent, 'garbage'], {
		partition: 3,
		offset: 41,
		records: 2,
		admitted: 1,
	});
	child.end('error', { outputs: 1 });
	const other = telemetry.tracing.startBatch('forward', [], {});
	other.end('ok');
	const many = telemetry.tracing.startBatch('detect', [child.traceparent, other.traceparent], {});
	many.end('ok');
	await delay(2300);
	await telemetry.close();

	const traces = receiver.posted.filter((p) => p.path === '/v1/traces');
	assert.equal(traces[0]?.headers['x-api-key'], 's3cret, and =more');
	const resource = JSON.parse(traces[0]?.body.toString() ?? '{}').resourceSpans[0].resource;
	assert.equal(attributesOf(resource.attributes)['service.name'], 'affidavit-correlate');
	const spans: OtlpSpan[] = traces.flatMap((p) =>
		JSON.parse(p.body.toString()).resourceSpans.flatMap((r: { scopeSpans: { spans: OtlpSpan[] }[] }) =>
			r.scopeSpans.flatMap((s) => s.spans),
		),
	);
	const named = (name: string) => spans.filter((span) => span.name === name);
	const [sent, second] = named('send fleet.trace');
	const [correlated] = named('process fleet.trace');
	const [detected] = named('process fleet.session');
	assert.ok(sent && second && correlated && detected, JSON.stringify(spans.map((s) => s.name)));
	assert.equal(correlated.traceId, sent.traceId);
	assert.equal(correlated.parentSpanId, sent.spanId);
	assert.equal(correlated.status.code, 2);
	assert.deepEqual(attributesOf(correlated.attributes), {
		'messaging.system': 'kafka',
		'messaging.operation.name': 'process',
		'messaging.operation.type': 'process',
		'messaging.destination.name': 'fleet.trace',
		'messaging.consumer.group.name': 'fleet.correlate',
		'affidavit.stage': 'correlate',
		'messaging.destination.partition.id': '3',
		'messaging.kafka.offset': 41,
		'messaging.batch.message_count': 2,
		'affidavit.admitted': 1,
		'affidavit.outputs': 1,
	});
	assert.deepEqual(new Set(detected.links?.map((link) => link.spanId)), new Set([correlated.spanId, second?.spanId]));
	assert.ok(!detected.parentSpanId, 'two causes: a trace of its own');

	interface OtlpMetric {
		name: string;
		sum?: {
			dataPoints: { asDouble?: number; asInt?: number; attributes: OtlpSpan['attributes'] }[];
			isMonotonic: boolean;
		};
		gauge?: { dataPoints: { asDouble?: number; asInt?: number }[] };
	}
	const metrics: OtlpMetric[] = receiver.posted
		.filter((p) => p.path === '/v1/metrics')
		.flatMap((p) => JSON.parse(p.body.toString()).resourceMetrics)
		.flatMap((r: { scopeMetrics: { metrics: OtlpMetric[] }[] }) => r.scopeMetrics.flatMap((s) => s.metrics));
	const last = (name: string) => metrics.filter((metric) => metric.name === name).at(-1);
	const fenced = last('affidavit_fenced_total')?.sum;
	assert.equal(fenced?.isMonotonic, true);
	assert.equal(fenced?.dataPoints[0]?.asDouble ?? fenced?.dataPoints[0]?.asInt, 3);
	assert.deepEqual(attributesOf(fenced?.dataPoints[0]?.attributes ?? []), { stage: 'detect' });
	assert.ok(last('affidavit_lag_records')?.gauge);
	for (const part of ['bucket', 'sum', 'count']) assert.ok(last(`affidavit_commit_seconds_${part}`)?.sum, part);

	receiver.posted.length = 0;
	delete process.env['OTEL_EXPORTER_OTLP_PROTOCOL'];
	const again = await openTelemetry(options({ enabled: true, endpoint: receiver.url, sampleRatio: 0 }));
	const dropped = again.tracing?.startBatch('correlate', [], {});
	assert.match(dropped?.traceparent ?? '', /-00$/, 'not kept, and it says so');
	dropped?.end('ok');
	again.tracing?.startBatch('detect', [root.traceparent], {}).end('ok');
	await again.close();
	const [protobuf] = receiver.posted;
	assert.equal(protobuf?.headers['content-type'], 'application/x-protobuf');
	assert.ok(protobuf?.body.includes('process fleet.session') && !protobuf.body.includes('fleet.trace'));
});

test('a receiver that refuses is told of, and holds up nothing', async (t) => {
	const receiver = await openReceiver(t);
	receiver.answer(400);
	const given = options({ enabled: true, endpoint: receiver.url });
	const telemetry = await openTelemetry(given);
	telemetry.tracing?.startBatch('correlate', [], {}).end('ok');
	await telemetry.close();
	assert.equal(receiver.posted.length, 1);
	assert.ok(given.count('telemetry_failed') > 0);
});

test('a headers file that cannot be used is refused by line', async (t) => {
	const headersFile = join(temporaryFolder(t), 'headers');
	const refused = (pattern: RegExp) =>
		assert.rejects(
			openTelemetry(options({ enabled: true, headersFile })),
			(error) => error instanceof CliError && error.code === 'config' && pattern.test(error.message),
		);
	await refused(/no such file/);
	writeFileSync(headersFile, 'a: b\nno header');
	await refused(/line 2: expected NAME: VALUE/);
	writeFileSync(headersFile, 'a: b\u0000');
	await refused(/line 1/);
});
