import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { gitoid } from '../src/gitoid.ts';
import type { KeyResult } from '../src/keys.ts';
import { parsePrivateKey, parsePublicKey, publicKeyPem } from '../src/keys.ts';

const reason = (result: KeyResult): string => (result.kind === 'invalid' ? result.reason : '');
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;

test('reads ed25519 and P-256 keys; the key id is the sha256 of the SPKI PEM', () => {
	for (const { privateKey, publicKey } of [
		generateKeyPairSync('ed25519'),
		generateKeyPairSync('ec', { namedCurve: 'P-256' }),
	]) {
		const read = parsePrivateKey(privateKey.export(pkcs8).toString(), 'k');
		const pem = publicKeyPem(publicKey);
		assert.equal(read.kind === 'key' && read.keyId, sha256Hex(pem));
		const readPublic = parsePublicKey(pem, 'k.pub');
		assert.equal(readPublic.kind === 'key' && readPublic.keyId, sha256Hex(pem));
	}
});

test('refuses other keys and other files, naming the file and what was expected', () => {
	const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
	const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
	const encrypted = rsa.privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
	for (const pem of [
		'',
		'x',
		encrypted,
		rsa.privateKey.export(pkcs8).toString(),
		p384.privateKey.export(pkcs8).toString(),
		publicKeyPem(rsa.publicKey),
		'-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n',
	])
		assert.match(reason(parsePrivateKey(pem, '/k/ey')), /^\/k\/ey: expected an ed25519 or ECDSA P-256 private key/);
	for (const pem of ['', rsa.privateKey.export(pkcs8).toString(), publicKeyPem(small.publicKey)])
		assert.match(reason(parsePublicKey(pem, 'k.pub')), /^k\.pub: expected an ed25519, ECDSA/);
});

test('gitoid is git hash-object in SHA-256', () => {
	// printf '' | git hash-object --stdin in a SHA-256 repository.
	assert.equal(gitoid(Buffer.alloc(0)), '473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813');
});
