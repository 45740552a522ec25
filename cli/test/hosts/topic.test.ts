import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HostKey, keyIdOf } from '@affidavit/model/batch-signature.ts';
import { createHostDirectory } from '@affidavit/model/host-directory.ts';
import { StreamError } from '@affidavit/stream/errors.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { createMemoryLog } from '@affidavit/stream/memory/log.ts';
import type { Log } from '@affidavit/stream/ports.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import type { NewKey } from '../../src/hosts/change.ts';
import { followHosts } from '../../src/hosts/follow.ts';
import { changeHost, type HostsTopic, readHosts } from '../../src/hosts/topic.ts';

function newKey(): NewKey & { own: HostKey } {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	const keyId = keyIdOf(publicKey);
	return {
		keyId,
		publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
		validFromUs: 0,
		validToUs: -1,
		enrolledBy: 'op',
		own: { privateKey, keyId },
	};
}

const enrolment = ({ own: _, ...key }: ReturnType<typeof newKey>) => ({ kind: 'enroll' as const, key });

function sealedBy(operator: { own: HostKey; publicKeyPem: string }, writer = operator) {
	const resolve = (keyId: string) =>
		keyId === operator.own.keyId
			? {
					publicKey: operator.own.privateKey,
					writes: (topic: string, stage: string) => topic === 'host' && stage === 'operator',
				}
			: undefined;
	return createKeyedSeals({ own: writer.own, resolve });
}

/** A log on which other members write between two calls. */
function slow(log: Log): Log {
	return {
		...log,
		append: async (records) => {
			await sleep(Math.random() * 3);
			await log.append(records);
			await sleep(Math.random() * 3);
		},
	};
}

describe('topic host', () => {
	it('keeps what many operators write at once', async () => {
		const log = createMemoryLog({ partitions: { host: 2 } });
		const keys = Array.from({ length: 8 }, newKey);
		const topics: HostsTopic[] = keys.map(() => ({ log: slow(log), seals: undefined }));
		const results = await Promise.all(
			keys.map((key, i) => changeHost(topics[i] as HostsTopic, 'h1', enrolment(key), i, Math.random)),
		);
		assert.ok(results.every(({ kind }) => kind === 'changed'));
		const { hosts, refused } = await readHosts({ log, seals: undefined });
		assert.deepEqual(refused, []);
		assert.deepEqual(hosts[0]?.keys.map((k) => k.keyId).sort(), keys.map((k) => k.keyId).sort());
	});

	it('counts only what the operator has sealed', async () => {
		const log = createMemoryLog();
		const [operator, intruder] = [newKey(), newKey()];
		const seals = sealedBy(operator);
		const [a, b] = [newKey(), newKey()];
		await changeHost({ log, seals }, 'h1', enrolment(a), 1, Math.random);
		// Written with a key that nobody trusts, and without a seal.
		await changeHost(
			{ log, seals: { ...sealedBy(operator, intruder), check: () => null } },
			'h1',
			enrolment(b),
			2,
			Math.random,
		);
		await changeHost({ log, seals: undefined }, 'h2', enrolment(b), 3, Math.random);
		const { hosts, refused } = await readHosts({ log, seals });
		assert.deepEqual(
			hosts.map(({ host, keys }) => [host, keys.map((k) => k.keyId)]),
			[['h1', [a.keyId]]],
		);
		assert.deepEqual(
			refused.map(({ host, code }) => [host, code]),
			[
				['h1', 'unknown-sealer'],
				['h2', 'unsealed'],
			],
		);
		const directory = createHostDirectory();
		const { emit, count } = collectingEmit();
		const stop = new AbortController();
		const follower = followHosts(log, directory, seals, emit, stop.signal);
		assert.equal(await follower.read, true);
		assert.equal(directory.resolve('h1', a.keyId, 5).kind, 'ok');
		assert.equal(directory.resolve('h1', b.keyId, 5).kind, 'unknown');
		assert.equal(count('host_record_refused'), 2);
		stop.abort();
		await follower.done;
	});

	it('is followed: a revocation counts within a second, from its time on', async () => {
		const log = createMemoryLog({ partitions: { host: 3 } });
		const topic = { log, seals: undefined };
		const key = newKey();
		await changeHost(topic, 'h1', enrolment(key), 1, Math.random);
		const directory = createHostDirectory();
		const stop = new AbortController();
		const follower = followHosts(log, directory, undefined, () => {}, stop.signal);
		await assert.rejects(follower.check(), /not read yet/);
		assert.equal(await follower.read, true);
		await follower.check();
		await changeHost(topic, 'h1', { kind: 'revoke', keyId: null, atUs: 1000, reason: 'stolen' }, 2, Math.random);
		const written = performance.now();
		while (directory.resolve('h1', key.keyId, 1000).kind !== 'revoked') {
			assert.ok(performance.now() - written < 1000);
			await sleep(1);
		}
		assert.equal(directory.resolve('h1', key.keyId, 999).kind, 'ok');
		stop.abort();
		await follower.done;
	});

	it('is waited for while the log is away, and given up where it refuses', async () => {
		const log = createMemoryLog();
		const key = newKey();
		await changeHost({ log, seals: undefined }, 'h1', enrolment(key), 1, Math.random);
		let away = 3;
		const failing: Log = {
			...log,
			read: async (...args) => {
				if (away-- > 0) throw new StreamError('unavailable', 'away');
				return log.read(...args);
			},
		};
		const directory = createHostDirectory();
		const stop = new AbortController();
		const follower = followHosts(failing, directory, undefined, () => {}, stop.signal);
		assert.equal(await follower.read, true);
		assert.equal(directory.resolve('h1', key.keyId, 1).kind, 'ok');
		stop.abort();
		await follower.done;
		const refusing: Log = { ...log, read: () => Promise.reject(new StreamError('refused', 'no ACL')) };
		const refused = followHosts(refusing, directory, undefined, () => {}, new AbortController().signal);
		await assert.rejects(refused.read, /no ACL/);
		await assert.rejects(refused.done, /no ACL/);
		const aborted = followHosts(refusing, directory, undefined, () => {}, AbortSignal.abort());
		assert.equal(await aborted.read, false);
	});
});
