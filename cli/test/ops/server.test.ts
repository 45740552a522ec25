import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { Counter, Registry } from 'prom-client';
import { CliError } from '../../src/errors.ts';
import type { Readiness } from '../../src/ops/readiness.ts';
import { openOpsServer } from '../../src/ops/server.ts';

async function serve(t: TestContext, readiness: () => Promise<Readiness>, registry = new Registry()) {
	const events = collectingEmit();
	const server = await openOpsServer({
		host: '127.0.0.1',
		port: 0,
		readiness,
		registry,
		emit: events.emit,
	});
	t.after(() => server.close());
	return { ...server, port: Number(new URL(server.url).port), events };
}

const ready = async (): Promise<Readiness> => ({ ready: true, checks: [{ name: 'kafka', ok: true, message: '' }] });
const notReady = async (): Promise<Readiness> => ({
	ready: false,
	checks: [{ name: 'redis', ok: false, message: 'away' }],
});

test('alive whether ready or not; readiness says what is missing', async (t) => {
	const up = await serve(t, ready);
	const down = await serve(t, notReady);
	for (const { url } of [up, down]) assert.equal((await fetch(`${url}/healthz`)).status, 200);
	assert.equal((await fetch(`${up.url}/readyz`)).status, 200);
	const response = await fetch(`${down.url}/readyz`);
	assert.equal(response.status, 503);
	assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
	assert.deepEqual(await response.json(), await notReady());
});

test('metrics are OpenMetrics, also for two at once', async (t) => {
	const registry = new Registry();
	new Counter({ name: 'affidavit_test_total', help: 'x', registers: [registry] }).inc(3);
	const { url } = await serve(t, ready, registry);
	const get = async (): Promise<string> => {
		const response = await fetch(`${url}/metrics`);
		return `${response.headers.get('content-type')}\n${await response.text()}`;
	};
	for (const text of await Promise.all([get(), get()]))
		assert.match(text, /^application\/openmetrics-text; version=1\.0\.0.*affidavit_test_total 3\n# EOF/s);
});

test('a metric that cannot be collected is a 500 and a counted event, without the reason', async (t) => {
	const registry = new Registry();
	registry.metrics = () => Promise.reject(new Error('secret reason'));
	const { url, events } = await serve(t, ready, registry);
	const response = await fetch(`${url}/metrics`);
	assert.equal(response.status, 500);
	assert.doesNotMatch(await response.text(), /secret/);
	assert.equal(events.count('ops_request_failed'), 1);
});

const statusOf = (port: number, options: { method?: string; path?: string; headers?: Record<string, string> }) =>
	new Promise<number>((resolve, reject) => {
		const sent = request({ host: '127.0.0.1', port, path: '/healthz', agent: false, ...options }, (response) => {
			response.resume();
			resolve(response.statusCode ?? 0);
		});
		sent.on('error', reject);
		sent.end();
	});

test('nothing is taken from anybody', async (t) => {
	const { url, port } = await serve(t, ready);
	assert.equal((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status, 413);
	assert.equal((await fetch(`${url}/readyz`, { method: 'DELETE' })).status, 405);
	assert.equal((await fetch(`${url}/nothing`)).status, 404);
	assert.equal((await fetch(`${url}/../../etc/passwd`)).status, 404);
	assert.equal(await statusOf(port, { headers: { 'content-length': '0' } }), 413);
	assert.equal(await statusOf(port, { headers: { 'transfer-encoding': 'chunked' } }), 413);
	assert.equal(await statusOf(port, { headers: { 'x-long': 'x'.repeat(20_000) } }), 431);
	assert.equal(await statusOf(port, { method: 'HEAD' }), 200);
});

test('close does not wait for those who only hold a connection', async (t) => {
	const { port, close } = await serve(t, ready);
	const idle = connect(port, '127.0.0.1');
	await new Promise((resolve) => idle.once('connect', resolve));
	const ended = new Promise((resolve) => idle.once('close', resolve));
	idle.on('error', () => {});
	idle.resume();
	await close();
	await ended;
});

test('a port that is taken is said by key', async (t) => {
	const { port } = await serve(t, ready);
	const { emit } = collectingEmit();
	await assert.rejects(
		openOpsServer({ host: '127.0.0.1', port, readiness: ready, registry: new Registry(), emit }),
		(error) => error instanceof CliError && error.code === 'listen-failed' && /EADDRINUSE/.test(error.message),
	);
});
