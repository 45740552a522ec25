// The test servers themselves: ready when they say so, back on the same data after kill -9, and gone when their test dies.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { isProcessAlive } from '../../packages/stream/src/process-alive.ts';
import { backSoon, startKafka } from './kafka.ts';
import { startRedis } from './redis.ts';
import { MissingTool } from './tools.ts';

/** Null, and the test is skipped, when the machine lacks what the server needs. */
async function orSkip<T>(t: TestContext, starting: Promise<T>): Promise<T | null> {
	try {
		return await starting;
	} catch (error) {
		if (!(error instanceof MissingTool) || process.env.REQUIRE_SERVERS === '1') throw error;
		t.skip(error.message);
		return null;
	}
}

test('kafka: what it acknowledged is there after kill -9 and a start on the same port', async (t) => {
	await using kafka = await orSkip(t, startKafka({ properties: backSoon }));
	if (!kafka) return;
	const client = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING });
	const admin = client.admin();
	const producer = client.producer({ idempotent: true });
	await admin.connect();
	await producer.connect();
	await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 2 }] });
	await producer.send({ topic: 'kept', acks: -1, messages: [{ key: 'a', value: '1', partition: 1 }] });
	await Promise.all([producer.disconnect(), admin.disconnect()]);
	const before = kafka.pid();
	await kafka.kill9();
	assert.equal(kafka.pid(), null);
	await kafka.start();
	assert.notEqual(kafka.pid(), before);
	const again = client.admin();
	await again.connect();
	const offsets = await again.fetchTopicOffsets('kept');
	await again.disconnect();
	assert.deepEqual(offsets.map((o) => [o.partition, o.high]).sort(), [
		[0, '0'],
		[1, '1'],
	]);
});

test('redis: keeps what was synced, and comes back without what came after a copy of its data', async (t) => {
	await using redis = await orSkip(t, startRedis({ aof: 'always' }));
	if (!redis) return;
	const client = new Redis(redis.url);
	client.on('error', () => {});
	await client.set('a', '1');
	const copy = redis.copyData();
	await client.set('b', '2');
	await redis.kill9();
	await redis.start();
	assert.deepEqual(await client.mget('a', 'b'), ['1', '2']);
	await redis.kill9();
	redis.restoreData(copy);
	await redis.start();
	assert.deepEqual(await client.mget('a', 'b'), ['1', null]);
	client.disconnect();
});

test('a server and its folder are gone soon after its test process was killed', async (t) => {
	const module = join(import.meta.dirname, 'redis.ts');
	const code = `import { startRedis } from ${JSON.stringify(module)};
		const redis = await startRedis();
		console.log(JSON.stringify([redis.pid(), redis.folder]));
		setInterval(() => {}, 1000);`;
	const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const said = await new Promise<string>((resolve) => {
		let text = '';
		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (chunk: Buffer) => {
				text += chunk;
				if (text.includes('\n')) resolve(text);
			});
	});
	child.kill('SIGKILL');
	if (said.includes('MissingTool')) return t.skip(said);
	const [pid, folder] = JSON.parse(said) as [number, string];
	for (let i = 0; i < 100 && (isProcessAlive(pid) || existsSync(folder)); i++) await sleep(100);
	assert.equal(isProcessAlive(pid), false);
	assert.equal(existsSync(folder), false);
});
