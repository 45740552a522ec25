import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { envelopeJson, pae } from '@affidavit/attest/dsse.ts';
import { signBytes } from '@affidavit/attest/keys.ts';
import { statementBytes } from '@affidavit/attest/statement.ts';
import { productSubject } from '@affidavit/attest/subjects.ts';
import { inTotoPayloadType, statementTypeV1, vsaPredicateType } from '@affidavit/attest/type-uris.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { loadOrCreateKey, type StoredKey } from '../../src/keys/store.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';

function signedVsa(key: StoredKey, content: string, verdict: 'passed' | 'failed'): Buffer {
	const { bytes } = statementBytes({
		_type: statementTypeV1,
		subject: [productSubject('bin/app', sha256Hex(content))],
		predicateType: vsaPredicateType,
		predicate: {
			verificationResult: verdict === 'passed' ? 'PASSED' : 'FAILED',
			affidavit_session: 'ab'.repeat(32),
			affidavit_revision: 1,
			affidavit_verdict: verdict,
		},
	});
	const sig = signBytes(key.privateKey, pae(inTotoPayloadType, bytes));
	return envelopeJson(inTotoPayloadType, bytes, { keyid: '', sig });
}

test('verify: accepted exits 0, rejected 1 with the reason, wrong use 2', async (t) => {
	const dir = temporaryFolder(t);
	const key = await loadOrCreateKey(join(dir, 'keys'), 'signing', 'ed25519');
	const other = await loadOrCreateKey(join(dir, 'keys'), 'host', 'ed25519');
	const path = (name: string): string => join(dir, name);
	mkdirSync(path('attestations/r1'), { recursive: true });
	mkdirSync(path('empty'));
	writeFileSync(path('app'), 'good');
	writeFileSync(path('bad'), 'tampered');
	writeFileSync(path('attestations/r1/vsa.dsse.json'), signedVsa(key, 'good', 'passed'));
	writeFileSync(path('attestations/r1/notes.txt'), 'not read');
	symlinkSync('/', path('attestations/r1/out'));
	writeFileSync(path('failed.json'), signedVsa(key, 'tampered', 'failed'));
	const verify = (artifact: string, attestation: string, publicKey: string = key.publicKeyPath) =>
		runCli(['verify', artifact, '--attestation', attestation, '--public-key', publicKey, '--json']);

	const accepted = await verify(path('app'), path('attestations'));
	assert.equal(accepted.code, 0, accepted.stderr);
	assert.equal(JSON.parse(accepted.stdout).accepted, true);
	assert.equal((await verify(`sha256:${sha256Hex('good')}`, path('attestations/r1/vsa.dsse.json'))).code, 0);

	const rejected: [string, string, string | undefined, RegExp][] = [
		[path('bad'), path('attestations'), undefined, /no product has sha256/],
		[path('bad'), path('failed.json'), undefined, /failed/],
		[path('app'), path('attestations'), other.publicKeyPath, /no signature verifies/],
		[path('app'), path('attestations/r1/notes.txt'), undefined, /JSON/],
	];
	for (const [artifact, attestation, publicKey, reason] of rejected) {
		const { code, stdout } = await verify(artifact, attestation, publicKey);
		assert.equal(code, 1, reason.source);
		assert.match(JSON.parse(stdout).reason, reason);
	}

	const misused: [string, string, string | undefined, RegExp][] = [
		[path('absent'), path('attestations'), undefined, /absent: no such file/],
		['sha256:12', path('attestations'), undefined, /expected sha256: and 64 hex digits/],
		[`sha512:${'ab'.repeat(64)}`, path('attestations'), undefined, /expected a file, or sha256: and 64 hex digits/],
		[path('empty'), path('attestations'), undefined, /cannot read .*empty: a folder, expected a file/],
		[path('app'), path('attestations'), path('empty'), /empty: a folder, expected a file/],
		[path('app'), path('attestations/\x1b[31m\n'), undefined, /\\x1b\[31m\\x0a: no such file/],
		[path('app'), path('empty'), undefined, /no \*\.dsse\.json/],
		[path('app'), path('gone'), undefined, /gone: no such file/],
		[path('app'), path('attestations'), key.privateKeyPath, /signing\.pem: expected .*public key/],
	];
	for (const [artifact, attestation, publicKey, reason] of misused) {
		const { code, stderr, stdout } = await verify(artifact, attestation, publicKey);
		assert.equal(code, 2, reason.source);
		assert.match(stderr, reason);
		assert.equal(stdout, '');
	}
	const without = await runCli(['verify', path('app'), '--public-key', key.publicKeyPath]);
	assert.equal(without.code, 2);
	assert.match(without.stderr, /--attestation/);
});

test('verify in words', async (t) => {
	const dir = temporaryFolder(t);
	const key = await loadOrCreateKey(join(dir, 'keys'), 'signing', 'p256');
	writeFileSync(join(dir, 'vsa.dsse.json'), signedVsa(key, 'good', 'passed'));
	const run = await runCli([
		...['verify', `sha256:${sha256Hex('good')}`],
		...['--attestation', join(dir, 'vsa.dsse.json'), '--public-key', key.publicKeyPath],
	]);
	assert.equal(run.code, 0, run.stderr);
	assert.match(run.stdout, /^accepted: sha256:[0-9a-f]{64}\n/);
	assert.match(run.stdout, /"bin\/app" of session abab.*which passed/);
});
