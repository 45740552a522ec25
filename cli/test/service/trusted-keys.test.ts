import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostKeysCodec } from '@affidavit/model/codec.ts';
import { createHostDirectory } from '@affidavit/model/host-directory.ts';
import type { LogRecord, Topic } from '@affidavit/stream/ports.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { Config } from '../../src/config/schema.ts';
import { CliError, type CliErrorCode } from '../../src/errors.ts';
import { loadOrCreateKey } from '../../src/keys/store.ts';
import { sealersOf } from '../../src/service/sealers.ts';
import { readServiceKey } from '../../src/service/service-key.ts';
import { type SealerName, sealerNames } from '../../src/service/services.ts';
import { checkOwnTrust, readTrustedKeys } from '../../src/service/trusted-keys.ts';
import { temporaryFolder } from '../run-cli.ts';

const refused = (code: CliErrorCode, pattern: RegExp) => (error: unknown) =>
	error instanceof CliError && error.code === code && pattern.test(error.message);

function configAt(dataDir: string): Config {
	const result = resolveConfig({ flags: [], env: {}, file: null, cwd: dataDir, defaultDataDir: dataDir });
	assert.equal(result.kind, 'ok');
	return (result as Extract<typeof result, { kind: 'ok' }>).config;
}

/** Keys of all services, each with its public half in the trusted folder. */
async function fleetKeys(t: TestContext) {
	const config = configAt(temporaryFolder(t));
	const dir = config.service.trustedDir;
	mkdirSync(dir, { recursive: true });
	for (const name of sealerNames) {
		const key = await loadOrCreateKey(join(config.dataDir, 'keys'), name, 'ed25519');
		copyFileSync(key.publicKeyPath, join(dir, `${name}.pub.pem`));
	}
	return { config, dir };
}

const record = (topic: Topic, stage: string): LogRecord => ({
	topic,
	partition: 0,
	offset: 5,
	key: 'k',
	value: Buffer.from('value'),
	timestampUs: 0,
	origin: { stage, partition: 0, offset: 1, index: 0 },
	seal: null,
	traceparent: null,
});

const topics: Topic[] = ['trace', 'session', 'finding', 'verdict', 'attestation', 'indicator', 'host', 'deadletter'];
const stages = ['correlate', 'detect', 'trust', 'sign', 'alert', 'operator', 'ingest:h1', 'ingest:h2', 'constructor'];

test('each key may write what its service does, as that stage, and nothing else', async (t) => {
	const { config, dir } = await fleetKeys(t);
	const trusted = await readTrustedKeys(dir);
	const host = await loadOrCreateKey(join(config.dataDir, 'keys'), 'host', 'ed25519');
	const hosts = createHostDirectory();
	const enrol = (revokedUs: number) =>
		hosts.take({
			key: 'h1',
			value: hostKeysCodec.encode({
				host: 'h1',
				keys: [
					{
						keyId: host.keyId,
						publicKeyPem: host.publicKeyPem,
						validFromUs: 0,
						validToUs: -1,
						revokedUs,
						revokedReason: '',
						enrolledBy: 'test',
					},
				],
			}),
		});
	assert.equal(enrol(-1).kind, 'enrolled');
	const resolve = sealersOf(trusted, hosts);
	const reader = createKeyedSeals({ own: null, resolve });

	const accepted = async (own: { privateKey: KeyObject; keyId: string }) => {
		const writer = createKeyedSeals({ own, resolve });
		const out: string[] = [];
		for (const topic of topics)
			for (const stage of stages) {
				if (topic === 'trace') continue;
				const made = record(topic, stage);
				const seal = writer.seal(made as Required<typeof made> & { origin: NonNullable<LogRecord['origin']> });
				if (reader.check({ ...made, seal }) === null) out.push(`${stage}→${topic}`);
			}
		return out;
	};
	const of = async (name: SealerName) => accepted(await readServiceKey(config, name));
	assert.deepEqual(await of('correlate'), ['correlate→session', 'correlate→deadletter']);
	assert.deepEqual(await of('detect'), [
		'detect→finding',
		'trust→finding',
		'detect→verdict',
		'detect→deadletter',
		'trust→deadletter',
	]);
	assert.deepEqual(await of('sign'), ['sign→attestation', 'sign→deadletter']);
	assert.deepEqual(await of('alert'), ['alert→deadletter']);
	assert.deepEqual(await of('operator'), ['operator→indicator', 'operator→host']);
	assert.deepEqual(await accepted(host), ['ingest:h1→deadletter']);
	assert.equal(enrol(1).kind, 'enrolled');
	assert.deepEqual(await accepted(host), [], 'revoked');
	const stranger = generateKeyPairSync('ed25519').privateKey;
	assert.deepEqual(await accepted({ privateKey: stranger, keyId: 'f'.repeat(64) }), []);
});

test('the trusted folder: rotated keys count, anything odd is refused by file', async (t) => {
	const { config, dir } = await fleetKeys(t);
	const own = await readServiceKey(config, 'sign');
	checkOwnTrust(await readTrustedKeys(dir), own, 'sign', dir);

	const other = await loadOrCreateKey(temporaryFolder(t), 'sign', 'ed25519');
	copyFileSync(other.publicKeyPath, join(dir, 'sign.next.pub.pem'));
	assert.equal((await readTrustedKeys(dir)).get(other.keyId)?.name, 'sign');
	writeFileSync(join(dir, 'README'), 'ignored');
	assert.equal((await readTrustedKeys(dir)).size, sealerNames.length + 1);

	const odd = async (file: string, text: string, pattern: RegExp) => {
		writeFileSync(join(dir, file), text);
		await assert.rejects(readTrustedKeys(dir), refused('config', pattern));
		rmSync(join(dir, file));
	};
	await odd('corelate.pub.pem', other.publicKeyPem, /corelate\.pub\.pem: expected a name that begins with one of/);
	await odd('__proto__.pub.pem', other.publicKeyPem, /expected a name/);
	await odd('detect.x.pub.pem', 'no key', /detect\.x\.pub\.pem/);
	await odd('detect.x.pub.pem', other.publicKeyPem, /are one key/);
	const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
	await odd('detect.x.pub.pem', p256.toString(), /expected an ed25519 key/);
	await assert.rejects(readTrustedKeys(join(dir, 'absent')), refused('config', /cannot read the folder/));
});

test('a service whose key nobody trusts does not start', async (t) => {
	const { config, dir } = await fleetKeys(t);
	const trusted = await readTrustedKeys(dir);
	const detect = await readServiceKey(config, 'detect');
	assert.throws(() => checkOwnTrust(trusted, detect, 'sign', dir), refused('key-untrusted', /is there as .*detect/));
	const stranger = await loadOrCreateKey(temporaryFolder(t), 'sign', 'ed25519');
	assert.throws(
		() => checkOwnTrust(trusted, { ...stranger, path: 'x' }, 'sign', dir),
		refused('key-untrusted', /is not there: expected as .*sign\.pub\.pem/),
	);
});

test('a service key is ed25519, there, and not for everybody; its group may read it', async (t) => {
	const { config } = await fleetKeys(t);
	const path = join(config.dataDir, 'keys', 'sign.pem');
	for (const mode of [0o600, 0o400, 0o440, 0o640]) {
		chmodSync(path, mode);
		assert.equal((await readServiceKey(config, 'sign')).path, path);
	}
	for (const mode of [0o644, 0o604, 0o660]) {
		chmodSync(path, mode);
		await assert.rejects(readServiceKey(config, 'sign'), refused('key-exposed', /chmod 600/));
	}
	chmodSync(path, 0o600);
	const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
	writeFileSync(path, p256);
	await assert.rejects(readServiceKey(config, 'sign'), refused('key-unreadable', /expected an ed25519 key/));
	const missing = { ...config, service: { ...config.service, keyFile: '/nowhere/key.pem' } };
	await assert.rejects(readServiceKey(missing, 'sign'), refused('file-missing', /affidavit keys service sign/));
});
