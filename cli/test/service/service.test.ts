import assert from 'node:assert/strict';
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import { secret, startReceiver } from '../../../services/detect/test/alert/receiver.ts';
import { sendStream } from '../../../test/fleet/agent.ts';
import { makeHosts } from '../../../test/fleet/hosts.ts';
import { freePorts } from '../../../test/servers/free-port.ts';
import { givenServers } from '../../../test/servers/given.ts';
import { type CliRun, runCli, temporaryFolder } from '../run-cli.ts';
import { scrape, startService, writeConfig } from './processes.ts';

const services = ['correlate', 'detect', 'sign', 'alert'];

async function succeed(run: Promise<CliRun>): Promise<CliRun> {
	const done = await run;
	assert.equal(done.code, 0, done.stderr);
	return done;
}

async function makeKeys(configFile: string): Promise<void> {
	await succeed(
		runCli(['keys', 'service', 'correlate', 'detect', 'sign', 'alert', 'operator', '--trust', '--config', configFile]),
	);
	await succeed(runCli(['keys', 'create', 'signing', '--config', configFile]));
}

/** Polls until `check` holds. */
async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
	for (const end = Date.now() + 60_000; !(await check()); ) {
		if (Date.now() > end) assert.fail(`not within a minute: ${what}`);
		await delay(100);
	}
}

test('a fleet of processes: a recorded build goes in, signed attestations come out, a stranger is told of, every process ends by itself', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	const folder = temporaryFolder(t);
	const simulated = makeHosts(join(folder, 'hosts'), ['08d-container-ns', '08d-container-ns']);
	const [host, stranger] = simulated.hosts;
	assert.ok(host && stranger);
	await using receiver = await startReceiver();
	writeFileSync(join(folder, 'secret'), secret);
	const configFile = writeConfig(folder, servers, {
		repositories: simulated.repositories,
		indicators: [simulated.indicatorsFile],
		webhook: { url: receiver.url, secretFile: join(folder, 'secret'), allowPrivate: true },
	});
	await makeKeys(configFile);
	await succeed(runCli(['topics', 'apply', '--config', configFile]));
	await succeed(
		runCli([
			'hosts',
			'enroll',
			host.name,
			'--public-key',
			host.publicKeyFile,
			'--valid-from',
			'2020-01-01T00:00:00Z',
			'--config',
			configFile,
		]),
	);
	const running = services.map((name) => startService(t, name, configFile));
	// A second worker of a stage: it is ready with or without partitions.
	running.push(startService(t, 'detect', configFile));
	await Promise.all(running.map((service) => service.ready()));
	for (const service of running) {
		const url = await service.url();
		assert.equal((await fetch(`${url}/healthz`)).status, 200);
		assert.equal((await fetch(`${url}/readyz`)).status, 200);
	}

	const { emit } = collectingEmit();
	const remote = await openKafkaLog({ brokers: servers.brokers.split(','), topicPrefix: servers.prefix, emit });
	for (const sender of [host, stranger]) {
		const seals = createKeyedSeals({ own: sender, resolve: () => undefined });
		await sendStream(sender, { folder, remote, seals, emit });
	}
	await remote.close();
	const outDir = join(folder, 'data', 'attestations');
	await until('a verification summary', () => globSync(join(outDir, '*', 'r1', '*.dsse.json')).length >= 4);

	const [correlate, , sign] = await Promise.all(running.map((service) => service.url()));
	const sum = async (url: string, name: string) => [...(await scrape(url, name)).values()].reduce((a, b) => a + b, 0);
	await until('lag 0', async () => (await sum(correlate as string, 'affidavit_lag_records')) === 0);
	assert.ok((await sum(correlate as string, 'affidavit_input_records_total')) > 0);
	assert.equal(await sum(correlate as string, 'affidavit_hosts'), 1);
	assert.ok((await sum(sign as string, 'affidavit_commits_total')) > 0);
	assert.equal(await sum(sign as string, 'affidavit_outbox_pending'), 0);
	assert.equal((await scrape(sign as string, 'affidavit_check_ok')).get('check="redis"'), 1);
	// The host that nobody enrolled: its batches are refused, and that is a finding which somebody is told of.
	const refused = await scrape(correlate as string, 'affidavit_dead_letters_total');
	assert.deepEqual([...refused.keys()], ['stage="correlate",code="unknown-key"']);
	await until('an alert', () => receiver.received.some(({ body }) => body.includes('host-key-invalid')));
	assert.ok(receiver.received.every(({ body }) => body.includes(stranger.name)));

	for (const service of running) {
		assert.equal(await service.stop(), 0, service.stderr());
		assert.equal(service.events.at(-1)?.event, 'stopped');
	}
});

async function refused(configFile: string, name: string, pattern: RegExp, code = 2): Promise<void> {
	const run = await runCli(['service', name, '--config', configFile]);
	assert.equal(run.code, code, run.stderr);
	assert.match(run.stderr, pattern);
}

test('a service says at once what is wrong with its files', async (t) => {
	const folder = temporaryFolder(t);
	const port = await freePorts();
	const away = { brokers: `127.0.0.1:${port}`, redisUrl: `redis://127.0.0.1:${port}`, prefix: 'x.' };
	const configFile = writeConfig(folder, away);
	await refused(configFile, 'sign', /sign\.pem: no such key; `affidavit keys service sign`/);
	await makeKeys(configFile);
	const trusted = join(folder, 'data/keys/trusted');
	for (const file of ['signing.pem', 'signing.pub.pem']) rmSync(join(folder, 'data/keys', file));
	await refused(configFile, 'sign', /keyFile: .*signing\.pem: no such file/);
	rmSync(join(trusted, 'sign.pub.pem'));
	await refused(configFile, 'sign', /its public key is not there: expected as .*sign\.pub\.pem/);
	rmSync(trusted, { recursive: true });
	await refused(configFile, 'correlate', /service\.trustedDir: cannot read the folder/, 78);
	await makeKeys(configFile);
	await refused(configFile, 'alert', /webhook: expected webhook\.url/, 78);
	await refused(
		writeConfig(folder, away, { redis: {} }),
		'correlate',
		/redis\.url, redis\.sentinels or redis\.cluster/,
		78,
	);
	await refused(writeConfig(folder, { ...away, brokers: '' }, { kafka: {} }), 'correlate', /kafka\.brokers/, 78);
	assert.equal(existsSync(join(folder, 'data/keys/signing.pem')), true);
});

test('without its servers a service lives, is not ready, says why, and ends when told', async (t) => {
	const folder = temporaryFolder(t);
	const port = await freePorts();
	const configFile = writeConfig(folder, {
		brokers: `127.0.0.1:${port}`,
		redisUrl: `redis://127.0.0.1:${port}`,
		prefix: 'x.',
	});
	await makeKeys(configFile);
	const service = startService(t, 'correlate', configFile);
	const url = await service.url();
	assert.equal((await fetch(`${url}/healthz`)).status, 200);
	const answer = await fetch(`${url}/readyz`);
	assert.equal(answer.status, 503);
	const { checks } = (await answer.json()) as { checks: { name: string; ok: boolean; message: string }[] };
	assert.deepEqual(
		checks.map(({ name, ok }) => [name, ok]),
		['kafka', 'redis', 'partitions', 'hosts'].map((name) => [name, false]),
	);
	assert.equal((await scrape(url, 'affidavit_ready')).get(''), 0);
	await until('the log says so', () => service.stderr().includes('start_delayed'));
	assert.equal(await service.stop(), 0, service.stderr());
});

test('no service starts on topics that are missing or unfit', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	const folder = temporaryFolder(t);
	const configFile = writeConfig(folder, servers);
	await makeKeys(configFile);
	await refused(configFile, 'sign', /topics that this service needs are unfit .*verdict is not there/);
	await succeed(runCli(['topics', 'apply', '--config', configFile]));
	const other = writeConfig(temporaryFolder(t), servers, {
		dataDir: join(folder, 'data'),
		kafka: {
			brokers: servers.brokers.split(','),
			topicPrefix: servers.prefix,
			partitions: 3,
			replicationFactor: 1,
			minInsyncReplicas: 1,
		},
	});
	await refused(other, 'sign', /verdict: partitions is 2, expected 3 \(keys would change place/);
});

test('a second signal does not wait for the drain', async (t: TestContext) => {
	const folder = temporaryFolder(t);
	const port = await freePorts();
	const configFile = writeConfig(folder, {
		brokers: `127.0.0.1:${port}`,
		redisUrl: `redis://127.0.0.1:${port}`,
		prefix: 'x.',
	});
	await makeKeys(configFile);
	const service = startService(t, 'correlate', configFile);
	await service.url();
	service.child.kill('SIGTERM');
	service.child.kill('SIGTERM');
	const code = await service.exited;
	assert.ok(code === 0 || service.child.signalCode === 'SIGTERM', `${code} ${service.child.signalCode}`);
});
