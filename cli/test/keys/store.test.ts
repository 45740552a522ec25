import assert from 'node:assert/strict';
import { createHash, sign, verify } from 'node:crypto';
import { chmodSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError, type CliErrorCode } from '../../src/errors.ts';
import { type KeyType, loadKey, loadOrCreateKey } from '../../src/keys/store.ts';
import { temporaryFolder } from '../run-cli.ts';

const withCode = (code: CliErrorCode) => (error: unknown) => error instanceof CliError && error.code === code;

for (const type of ['ed25519', 'p256'] satisfies KeyType[])
	test(`a ${type} key is made once, private to its owner, and signs`, async (t) => {
		const dir = join(temporaryFolder(t), 'keys');
		const made = await loadOrCreateKey(dir, 'signing', type);
		assert.equal(made.created, true);
		assert.equal(made.type, type);
		assert.equal(statSync(made.privateKeyPath).mode & 0o777, 0o600);
		assert.equal(statSync(dir).mode & 0o777, 0o700);
		assert.equal(made.keyId, createHash('sha256').update(readFileSync(made.publicKeyPath)).digest('hex'));
		const again = await loadOrCreateKey(dir, 'signing', 'ed25519');
		assert.equal(again.created, false);
		assert.equal(again.keyId, made.keyId);
		const bytes = Buffer.from('x');
		const algorithm = type === 'ed25519' ? null : 'sha256';
		assert.ok(verify(algorithm, bytes, made.publicKeyPem, sign(algorithm, bytes, again.privateKey)));
	});

test('many that ask at once get one key', async (t) => {
	const dir = temporaryFolder(t);
	const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateKey(dir, 'host', 'ed25519')));
	assert.equal(new Set(keys.map((key) => key.keyId)).size, 1);
	assert.equal(keys.filter((key) => key.created).length, 1);
});

test('a key that others can read, a wrong key and a foreign public half are refused by name', async (t) => {
	const dir = temporaryFolder(t);
	const key = await loadOrCreateKey(dir, 'signing', 'ed25519');
	chmodSync(key.privateKeyPath, 0o644);
	await assert.rejects(loadKey(dir, 'signing'), withCode('key-exposed'));
	chmodSync(key.privateKeyPath, 0o600);
	const { publicKeyPem } = await loadOrCreateKey(dir, 'host', 'ed25519');
	writeFileSync(key.publicKeyPath, publicKeyPem);
	await assert.rejects(loadKey(dir, 'signing'), withCode('key-mismatch'));
	unlinkSync(key.publicKeyPath);
	assert.equal((await loadKey(dir, 'signing'))?.keyId, key.keyId);
	assert.equal(readFileSync(key.publicKeyPath, 'utf8'), key.publicKeyPem);
	writeFileSync(key.privateKeyPath, 'no key');
	await assert.rejects(loadKey(dir, 'signing'), withCode('key-unreadable'));
	writeFileSync(key.privateKeyPath, Buffer.alloc(100_000));
	await assert.rejects(loadKey(dir, 'signing'), withCode('key-unreadable'));
});

test('no key is no error', async (t) => {
	assert.equal(await loadKey(temporaryFolder(t), 'signing'), null);
});
