import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyIdOf } from '@affidavit/model/batch-signature.ts';
import { createHostDirectory } from '@affidavit/model/host-directory.ts';
import { openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import { givenServers } from '../../../test/servers/given.ts';
import { followHosts } from '../../src/hosts/follow.ts';
import { changeHost } from '../../src/hosts/topic.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';

it('on real brokers a revocation counts within a second', { timeout: 120_000 }, async (t) => {
	const servers = givenServers(t);
	if (servers === null) return;
	const cwd = temporaryFolder(t);
	const kafka = { brokers: servers.brokers.split(','), topicPrefix: servers.prefix };
	writeFileSync(
		join(cwd, 'affidavit.yaml'),
		JSON.stringify({ dataDir: 'data', kafka: { ...kafka, partitions: 1, replicationFactor: 1, minInsyncReplicas: 1 } }),
	);
	assert.equal((await runCli(['topics', 'apply'], { cwd })).code, 0);
	const [writing, reading] = [
		await openKafkaLog({ ...kafka, topics: ['host'] }),
		await openKafkaLog({ ...kafka, topics: ['host'] }),
	];
	const topic = { log: writing, seals: undefined };
	const { publicKey } = generateKeyPairSync('ed25519');
	const keyId = keyIdOf(publicKey);
	const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
	const key = { keyId, publicKeyPem, validFromUs: 0, validToUs: -1, enrolledBy: 'op' };
	await changeHost(topic, 'h1', { kind: 'enroll', key }, Date.now(), Math.random);

	const directory = createHostDirectory();
	const stop = new AbortController();
	const follower = followHosts(reading, directory, undefined, () => {}, stop.signal);
	try {
		assert.equal(await follower.read, true);
		assert.equal(directory.resolve('h1', keyId, 1).kind, 'ok');
		let took = Number.POSITIVE_INFINITY;
		// The best of three: the machine may be busy with other tests.
		for (let round = 1; round <= 3 && took >= 1000; round++) {
			const atUs = 10 - round;
			const change = { kind: 'revoke' as const, keyId: null, atUs, reason: 'stolen' };
			const written = performance.now();
			await changeHost(topic, 'h1', change, Date.now(), Math.random);
			while (directory.resolve('h1', keyId, atUs).kind !== 'revoked') {
				assert.ok(performance.now() - written < 30_000);
				await sleep(2);
			}
			took = Math.min(took, performance.now() - written);
		}
		assert.ok(took < 1000, `${took} ms`);
	} finally {
		stop.abort();
		await follower.done;
		await writing.close();
		await reading.close();
	}
});
