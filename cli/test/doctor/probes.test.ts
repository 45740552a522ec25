// The real probes against things of this test's own making: a gRPC agent, a metrics endpoint, files.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { hostProbes, parseConfig } from '../../src/doctor/probe-host.ts';
import { decodeHealth, decodePolicies, decodeVersion, healthRequest } from '../../src/doctor/tetragon-messages.ts';

const field = (number: number, bytes: Uint8Array | string): Buffer => {
	const value = Buffer.from(bytes);
	assert.ok(value.length < 128);
	return Buffer.concat([Buffer.of(number * 8 + 2, value.length), value]);
};
const number = (at: number, value: number): Buffer => Buffer.of(at * 8, value);
const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields);

const versionMessage = field(1, 'v1.9.0');
const healthMessage = field(1, message(number(1, 1), number(2, 1), field(3, 'running')));
const policiesMessage = message(
	field(1, message(number(1, 7), field(2, 'affidavit-exec-hash'), number(6, 1), number(9, 1), number(10, 99))),
	field(1, message(field(2, 'broken'), field(8, 'no such hook'), number(9, 3), field(12, field(1, number(1, 5))))),
	field(1, message(field(2, 'old-agent'), number(6, 1))),
	field(9, 'a field of later versions'),
);

/** An agent that answers with these bytes; a method without any is not implemented. */
async function startAgent(answers: Record<string, Buffer>, path: string) {
	const raw = (bytes: Buffer): Buffer => bytes;
	const asked: Record<string, Buffer> = {};
	const server = new Server();
	const names = ['GetVersion', 'GetHealth', 'ListTracingPolicies'];
	server.addService(
		Object.fromEntries(
			names.map((name) => [
				name,
				{
					path: `/tetragon.FineGuidanceSensors/${name}`,
					requestStream: false,
					responseStream: false,
					requestSerialize: raw,
					requestDeserialize: raw,
					responseSerialize: raw,
					responseDeserialize: raw,
				},
			]),
		),
		Object.fromEntries(
			names.map((name) => [
				name,
				(call: { request: Buffer }, done: (error: object | null, value?: Buffer) => void) => {
					asked[name] = call.request;
					const answer = answers[name];
					if (answer) done(null, answer);
					else done({ code: status.UNIMPLEMENTED, details: 'unknown method' });
				},
			]),
		),
	);
	const address = `unix://${path}`;
	await new Promise<void>((resolve, reject) =>
		server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
	);
	return { address, asked, [Symbol.dispose]: () => server.forceShutdown() };
}

function tempDir() {
	const path = mkdtempSync(join(tmpdir(), 'affidavit-doctor-'));
	return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test('an agent tells its version, health and policies over its socket', async () => {
	using dir = tempDir();
	using agent = await startAgent(
		{ GetVersion: versionMessage, GetHealth: healthMessage, ListTracingPolicies: policiesMessage },
		join(dir.path, 'a.sock'),
	);
	assert.deepEqual(await hostProbes.tetragon(agent.address), {
		kind: 'found',
		value: {
			version: 'v1.9.0',
			health: 'running',
			policies: [
				{ name: 'affidavit-exec-hash', state: 'enabled', error: '' },
				{ name: 'broken', state: 'load-error', error: 'no such hook' },
				{ name: 'old-agent', state: 'enabled', error: '' },
			],
		},
	});
	assert.deepEqual(agent.asked['GetHealth'], Buffer.from(healthRequest));
});

test('an agent that lists no policies, answers rubbish, or is not there', async () => {
	using dir = tempDir();
	using silent = await startAgent({ GetVersion: versionMessage, GetHealth: healthMessage }, join(dir.path, 'b.sock'));
	const listed = await hostProbes.tetragon(silent.address);
	assert.equal(listed.kind === 'found' && listed.value.policies, null);
	using mad = await startAgent(
		{ GetVersion: Buffer.of(0xff, 0xff), GetHealth: healthMessage },
		join(dir.path, 'c.sock'),
	);
	assert.equal((await hostProbes.tetragon(mad.address)).kind, 'unreadable');
	const gone = await hostProbes.tetragon(`unix://${join(dir.path, 'none.sock')}`);
	assert.equal(gone.kind, 'unreadable');
	assert.ok(gone.kind === 'unreadable' && !gone.why.includes('Resolution note'));
});

test('messages: any bytes decode or throw RangeError', () => {
	assert.equal(decodeHealth(field(1, message(number(2, 3), field(3, 'sensors')))), 'error: sensors');
	assert.equal(decodeHealth(new Uint8Array(0)), 'undefined');
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
			for (const decode of [decodeVersion, decodeHealth, decodePolicies])
				try {
					decode(bytes);
				} catch (error) {
					assert.ok(error instanceof RangeError);
				}
		}),
	);
});

test('an export file is known by its first line', async () => {
	using dir = tempDir();
	const at = async (name: string, text: string) => {
		writeFileSync(join(dir.path, name), text);
		const probed = await hostProbes.exportFile(join(dir.path, name));
		return probed.kind === 'found' ? probed.value.isExport : probed.kind;
	};
	assert.equal(await at('a', '{"process_exec":{"process":{"exec_id":"x"}},"node_name":"h"}\n'), true);
	assert.equal(await at('b', `{"process_lsm":${'x'.repeat(100_000)}`), true);
	assert.equal(await at('c', 'Nov 23 kernel: hello\n'), false);
	assert.equal(await at('d', ''), null);
	assert.equal((await hostProbes.exportFile(join(dir.path, 'none'))).kind, 'absent');
	assert.equal((await hostProbes.exportFile(dir.path)).kind, 'unreadable');
});

test('a metrics endpoint: names, errors, redirects, too much', async () => {
	const server = createServer((request, response) => {
		if (request.url === '/metrics')
			response.end('# HELP x y\ntetragon_events_total{type="EXEC"} 5\ngo_goroutines 3\n  bad\n');
		else if (request.url === '/redirect') response.writeHead(302, { location: '/metrics' }).end();
		else if (request.url === '/endless') {
			const chunk = Buffer.alloc(1024 * 1024, 'x');
			const more = () => {
				while (!response.destroyed && response.write(chunk)) {}
			};
			response.on('drain', more);
			more();
		} else response.writeHead(500).end();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	try {
		const names = await hostProbes.metrics(`${base}/metrics`);
		assert.deepEqual(names.kind === 'found' && [...names.value], ['tetragon_events_total', 'go_goroutines']);
		for (const path of ['/redirect', '/endless', '/other'])
			assert.equal((await hostProbes.metrics(base + path)).kind, 'unreadable', path);
	} finally {
		server.closeAllConnections();
		server.close();
	}
});

test("a kernel's configuration", () => {
	const values = parseConfig('# CONFIG_IMA is not set\nCONFIG_BPF_LSM=y\nCONFIG_LSM="lockdown,bpf"\nnonsense\n=y\n');
	assert.deepEqual(
		[...values],
		[
			['CONFIG_BPF_LSM', 'y'],
			['CONFIG_LSM', '"lockdown,bpf"'],
		],
	);
});
