import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { gitoid } from '../src/gitoid.ts';
import type { KeyResult } from '../src/keys.ts';
import {
	checkSignature,
	keyIdOf,
	parsePrivateKey,
	parsePublicKey,
	parseVerifierKey,
	publicKeyPem,
	verifyBytes,
} from '../src/keys.ts';
import { makeAuthority } from './authority.ts';

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

const verifierKey = (pem: string) => parseVerifierKey(Buffer.from(pem), 'k');
const spki = { type: 'spki', format: 'pem' } as const;

test('reads the public keys of policies as go-witness does', async () => {
	const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
	const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey;
	const ed = generateKeyPairSync('ed25519').publicKey;
	for (const key of [rsa, p521, ed]) {
		const read = verifierKey(publicKeyPem(key));
		assert.equal(read.kind === 'key' && read.keyId, keyIdOf(key));
	}
	// The key id of PKCS #1 is that of the SPKI text.
	const pkcs1 = verifierKey(rsa.export({ type: 'pkcs1', format: 'pem' }).toString());
	assert.equal(pkcs1.kind === 'key' && pkcs1.keyId, keyIdOf(rsa));
	const labelled = verifierKey(`comment\n${publicKeyPem(ed).replaceAll('PUBLIC KEY', 'ANYTHING')}`);
	assert.equal(labelled.kind === 'key' && labelled.keyId, keyIdOf(ed));
	const authority = await makeAuthority();
	assert.deepEqual(verifierKey(authority.pem), { kind: 'certificate', keyId: authority.keyId });
});

test('refuses private keys, keys of other kinds and other bytes', () => {
	const ed = generateKeyPairSync('ed25519');
	const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	for (const pem of [ed.privateKey.export(pkcs8), p256.privateKey.export({ type: 'sec1', format: 'pem' })])
		assert.match(reason(verifierKey(pem.toString()) as KeyResult), /^k: a private key in place of a public key/);
	const others = [
		generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
		generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 1 + 2 ** 31 }).publicKey,
		generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey,
		generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey,
		generateKeyPairSync('x25519').publicKey,
	];
	for (const key of others)
		assert.match(reason(verifierKey(key.export(spki).toString()) as KeyResult), /this one is of another kind/);
	for (const text of ['', 'x', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', 'x'.repeat(70_000)])
		assert.match(reason(verifierKey(text) as KeyResult), /^k: expected/);
});

test('checks signatures as go-witness does, and says which padding verified', () => {
	const bytes = Buffer.from('signed');
	const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const pss = (saltLength: number) =>
		sign('sha256', bytes, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
	for (const saltLength of [0, 32, 64, constants.RSA_PSS_SALTLEN_MAX_SIGN])
		assert.deepEqual(checkSignature(rsa.publicKey, bytes, pss(saltLength)), { verified: true, padding: 'pss' });
	const pkcs1 = sign('sha256', bytes, rsa.privateKey);
	assert.deepEqual(checkSignature(rsa.publicKey, bytes, pkcs1), { verified: true, padding: 'pkcs1' });
	assert.equal(verifyBytes(rsa.publicKey, bytes, pkcs1), false);
	for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
		const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
		const good = { verified: true, padding: 'none' };
		assert.deepEqual(checkSignature(publicKey, bytes, sign('sha256', bytes, privateKey)), good);
		// cosign's hash for P-384 is none of go-witness's.
		assert.deepEqual(checkSignature(publicKey, bytes, sign('sha384', bytes, privateKey)), { verified: false });
	}
	const ed = generateKeyPairSync('ed25519');
	assert.equal(checkSignature(ed.publicKey, bytes, sign(null, bytes, ed.privateKey)).verified, true);
	for (const { publicKey } of [rsa, ed])
		for (const signature of [Buffer.alloc(0), Buffer.alloc(64), Buffer.alloc(10_000), pkcs1.subarray(1)])
			assert.equal(checkSignature(publicKey, bytes, signature).verified, false);
	const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
	assert.equal(checkSignature(small.publicKey, bytes, sign('sha256', bytes, small.privateKey)).verified, false);
});

test('gitoid is git hash-object in SHA-256', () => {
	// printf '' | git hash-object --stdin in a SHA-256 repository.
	assert.equal(gitoid(Buffer.alloc(0)), '473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813');
});
