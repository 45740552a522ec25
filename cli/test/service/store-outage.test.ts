import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { givenServers } from '../../../test/servers/given.ts';
import { startRedis } from '../../../test/servers/redis.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';
import { scrape, startService, writeConfig } from './processes.ts';

async function prepare(configFile: string): Promise<void> {
	for (const args of [
		['keys', 'service', 'correlate', '--trust'],
		['topics', 'apply'],
	]) {
		const run = await runCli([...args, '--config', configFile]);
		assert.equal(run.code, 0, run.stderr);
	}
}

test('Redis goes and comes back: the service lives, is not ready meanwhile, and says so in log and metrics', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	await using redis = await startRedis();
	const configFile = writeConfig(temporaryFolder(t), { ...servers, redisUrl: redis.url });
	await prepare(configFile);
	const service = startService(t, 'correlate', configFile);
	await service.ready();
	const url = await service.url();
	const answers = async (status: number): Promise<void> => {
		for (const end = Date.now() + 30_000; (await fetch(`${url}/readyz`)).status !== status; await delay(100))
			if (Date.now() > end) assert.fail(`not ${status} within 30 s: ${service.stderr()}`);
	};
	await redis.kill9();
	await answers(503);
	assert.equal((await fetch(`${url}/healthz`)).status, 200);
	assert.equal((await scrape(url, 'affidavit_check_ok')).get('check="redis"'), 0);
	assert.equal((await scrape(url, 'affidavit_check_ok')).get('check="kafka"'), 1);
	for (const end = Date.now() + 20_000; !service.stderr().includes('readiness_lost'); await delay(100))
		if (Date.now() > end) assert.fail(service.stderr());
	await redis.start();
	await answers(200);
	assert.equal(await service.stop(), 0, service.stderr());
});

test('no service starts on a Redis that throws keys away', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	await using redis = await startRedis({ config: { 'maxmemory-policy': 'allkeys-lru' } });
	const configFile = writeConfig(temporaryFolder(t), { ...servers, redisUrl: redis.url });
	await prepare(configFile);
	const run = await runCli(['service', 'correlate', '--config', configFile]);
	assert.equal(run.code, 2);
	assert.match(run.stderr, /affidavit: .*allkeys-lru, expected noeviction.*\(store-unfit\)/);
});
