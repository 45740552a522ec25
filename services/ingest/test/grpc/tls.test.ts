import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { type Issued, issueLeaf, makeAuthority } from '../../../../packages/attest/test/authority.ts';
import { grpcLimits, openGrpcSource } from '../../src/grpc/grpc-source.ts';
import { type GrpcTarget, type GrpcTls, parseTarget } from '../../src/grpc/target.ts';
import { disconnectedCounter, pausedCounter } from '../../src/source/live-source.ts';
import { messages } from '../protobuf/sample.ts';
import { bind, type SensorCall, sensorServer } from './sensor.ts';

const sample = messages();
const nowUs = (): number => Date.now() * 1000;
const limits = { ...grpcLimits, retryMsMin: 10, retryMsMax: 40, settleMs: 5000 };
const folder = mkdtempSync(join(tmpdir(), 'affidavit-tls-'));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
	const path = join(folder, name);
	writeFileSync(path, text);
	return path;
};
const keyPem = ({ privateKey }: Issued): string => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const serverUsage = '1.3.6.1.5.5.7.3.1';
const clientUsage = '1.3.6.1.5.5.7.3.2';

interface World {
	credentials: ServerCredentials;
	ca: string;
	otherCa: string;
	client: { certFile: string; keyFile: string };
	stranger: { certFile: string; keyFile: string };
}

let world: World;
before(async () => {
	const [ca, otherCa] = [await makeAuthority({ name: 'CN=sensors' }), await makeAuthority({ name: 'CN=others' })];
	const server = await issueLeaf(ca, {
		name: 'CN=tetragon',
		dnsNames: ['tetragon.internal', 'localhost'],
		extendedKeyUsages: [serverUsage],
	});
	const [agent, stranger] = [
		await issueLeaf(ca, { name: 'CN=agent', extendedKeyUsages: [clientUsage] }),
		await issueLeaf(otherCa, { name: 'CN=agent', extendedKeyUsages: [clientUsage] }),
	];
	world = {
		credentials: ServerCredentials.createSsl(
			Buffer.from(ca.pem),
			[{ cert_chain: Buffer.from(server.pem), private_key: Buffer.from(keyPem(server)) }],
			true,
		),
		ca: file('ca.pem', ca.pem),
		otherCa: file('other-ca.pem', otherCa.pem),
		client: { certFile: file('agent.pem', agent.pem), keyFile: file('agent.key', keyPem(agent)) },
		stranger: { certFile: file('stranger.pem', stranger.pem), keyFile: file('stranger.key', keyPem(stranger)) },
	};
});

function targetOf(port: number, tls: GrpcTls | null, host = 'localhost'): GrpcTarget {
	const parsed = parseTarget(`tcp://${host}:${port}`, tls);
	assert.ok(parsed.kind === 'ok', JSON.stringify(parsed));
	return parsed.target;
}

interface Collected {
	received: number;
	lost: string[];
	events: ReturnType<typeof collectingEmit>['events'];
}

/** Pulls until `enough`, at most ten seconds. */
async function collect(target: GrpcTarget, enough: (seen: Collected) => boolean, more = {}): Promise<Collected> {
	const { emit, events } = collectingEmit();
	const source = openGrpcSource({ target, nowUs, emit, limits: { ...limits, ...more } });
	const seen: Collected = { received: 0, lost: [], events };
	const until = Date.now() + 10_000;
	try {
		while (!enough(seen)) {
			assert.ok(Date.now() < until, JSON.stringify({ ...seen, events: seen.events.slice(0, 3) }));
			const pulled = await source.pull(50, new AbortController().signal);
			seen.received += pulled.inputs.length;
			seen.lost.push(...pulled.losses.map(({ counter }) => counter));
		}
		return seen;
	} finally {
		await source.close();
	}
}

async function withServer(use: (port: number, restart: () => Promise<void>) => Promise<void>): Promise<void> {
	let server: Server | null = null;
	let port = 0;
	const start = async (): Promise<void> => {
		server?.forceShutdown();
		server = sensorServer((call: SensorCall) => {
			for (const message of sample.slice(0, 20)) call.write(message);
		});
		port = await bind(server, `127.0.0.1:${port}`, world.credentials);
	};
	await start();
	try {
		await use(port, start);
	} finally {
		(server as Server | null)?.forceShutdown();
	}
}

describe('gRPC over TCP', () => {
	it('speaks mutual TLS, under the name that it is told', async () => {
		await withServer(async (port) => {
			const tls = { caFile: world.ca, ...world.client };
			assert.equal((await collect(targetOf(port, tls), ({ received }) => received >= 20)).received, 20);
			const named = { ...tls, serverName: 'tetragon.internal' };
			const byAddress = targetOf(port, named, '127.0.0.1');
			assert.equal((await collect(byAddress, ({ received }) => received >= 20)).received, 20);
		});
	});

	it('takes nothing from a server that it cannot trust, and gives nothing without its certificate', async () => {
		await withServer(async (port) => {
			const wrong: [string, GrpcTls | null][] = [
				['another CA', { caFile: world.otherCa, ...world.client }],
				['another name', { caFile: world.ca, ...world.client, serverName: 'elsewhere.internal' }],
				['no certificate', { caFile: world.ca }],
				['certificate of another CA', { caFile: world.ca, ...world.stranger }],
				['plain text', null],
				['a file that is not there', { caFile: join(folder, 'none.pem') }],
				['a file that is no certificate', { caFile: world.ca, ...world.client, certFile: world.client.keyFile }],
			];
			for (const [name, tls] of wrong) {
				const refused = ({ events }: Collected): boolean =>
					events.filter((event) => event.name === 'source_disconnected').length >= 2;
				const seen = await collect(targetOf(port, tls), refused);
				assert.equal(seen.received, 0, name);
				assert.ok(
					seen.lost.every((counter) => counter.startsWith(disconnectedCounter)),
					name,
				);
			}
		});
	});

	it('comes back when the server was restarted, and says what that may have cost', async () => {
		await withServer(async (port, restart) => {
			let restarts = 0;
			const target = targetOf(port, { caFile: world.ca, ...world.client });
			const seen = await collect(target, ({ received }) => {
				if (received >= 20 && restarts++ === 0) void restart();
				return received >= 40;
			});
			assert.equal(seen.received, 40);
			assert.ok(seen.lost.some((counter) => counter.startsWith(disconnectedCounter)));
			assert.ok(seen.events.some((event) => event.name === 'source_disconnected'));
		});
	});

	it('tells a loss when it had to hold the stream back for long', async () => {
		await withServer(async (port) => {
			const target = targetOf(port, { caFile: world.ca, ...world.client });
			const { emit, count } = collectingEmit();
			const source = openGrpcSource({
				target,
				nowUs,
				emit,
				limits: { ...limits, messagesMax: 5, pullMessagesMax: 5, pausedUsMax: 50_000 },
			});
			// Nobody pulls: the commit before waits for room in the spool.
			await new Promise((resolve) => setTimeout(resolve, 400));
			const lost: string[] = [];
			let received = 0;
			for (const until = Date.now() + 5000; received < 20 && Date.now() < until; ) {
				const pulled = await source.pull(20, new AbortController().signal);
				received += pulled.inputs.length;
				lost.push(...pulled.losses.map(({ counter }) => counter));
			}
			await source.close();
			assert.equal(received, 20);
			assert.equal(lost.filter((counter) => counter === pausedCounter).length, 1);
			assert.equal(count('source_paused'), 1);
		});
	});
});

describe('the address of a sensor', () => {
	it('is a socket, or TCP with TLS; plain text stays on this machine', () => {
		const ok = (address: string, tls: GrpcTls | null = null): GrpcTarget => {
			const parsed = parseTarget(address, tls);
			assert.ok(parsed.kind === 'ok', address);
			return parsed.target;
		};
		assert.deepEqual(ok('unix:///run/t.sock'), { kind: 'unix', path: '/run/t.sock' });
		assert.deepEqual(ok('unix:/run/t.sock'), { kind: 'unix', path: '/run/t.sock' });
		assert.deepEqual(ok('https://t.example:443'), { kind: 'tcp', host: 't.example', port: 443, tls: {} });
		assert.deepEqual(ok('tcp://[::1]:54321'), { kind: 'tcp', host: '::1', port: 54321, tls: null });
		assert.deepEqual(ok('tcp://127.0.0.1:1'), { kind: 'tcp', host: '127.0.0.1', port: 1, tls: null });
		const tls = { caFile: '/ca' };
		assert.deepEqual(ok('tcp://10.0.0.1:1', tls), { kind: 'tcp', host: '10.0.0.1', port: 1, tls });
		const invalid: [string, GrpcTls | null][] = [
			['tcp://10.0.0.1:54321', null],
			['tcp://127.evil.example:1', null],
			['tcp://user@localhost:1', null],
			['tcp://localhost', null],
			['tcp://localhost:0', null],
			['tcp://localhost:65536', null],
			['http://localhost:1', null],
			['unix://run/t.sock', null],
			['unix:///run/t.sock', {}],
			['tcp://h:1', { certFile: '/c' }],
			['', null],
		];
		for (const [address, options] of invalid) assert.equal(parseTarget(address, options).kind, 'invalid', address);
	});
});
