import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli, temporaryFolder } from '../run-cli.ts';

test('keys create, show, list; creating twice exits 2', async (t) => {
	const dir = temporaryFolder(t);
	const run = (...args: string[]) => runCli(['keys', ...args, '--data', dir]);
	assert.equal((await run('show')).code, 2);
	assert.equal((await run('list', '--json')).stdout, '');
	const created = await run('create', '--type', 'p256', '--json');
	assert.equal(created.code, 0, created.stderr);
	const key = JSON.parse(created.stdout);
	assert.equal(key.type, 'p256');
	assert.equal(key.privateKeyPath, join(dir, 'keys/signing.pem'));
	assert.equal(readFileSync(key.publicKeyPath, 'utf8'), key.publicKeyPem);
	assert.doesNotMatch(created.stdout, /PRIVATE KEY/);
	const again = await run('create');
	assert.equal(again.code, 2);
	assert.match(again.stderr, /signing\.pem: exists/);
	assert.match((await run('show')).stdout, new RegExp(key.keyId));
	assert.equal(JSON.parse((await run('list', '--json')).stdout).keyId, key.keyId);
	assert.equal((await run('create', 'other')).code, 2);
	assert.equal(existsSync(join(dir, 'keys/other.pem')), false);
});

test('keys service makes what is missing, prints public halves, and trusts on request', async (t) => {
	const dir = temporaryFolder(t);
	const run = (...args: string[]) => runCli(['keys', 'service', ...args, '--data', dir, '--json']);
	const made = await run('correlate', 'operator', '--trust');
	assert.equal(made.code, 0, made.stderr);
	assert.doesNotMatch(made.stdout, /PRIVATE/);
	const [correlate] = made.stdout.split('\n').map((line) => line && JSON.parse(line));
	assert.equal(correlate.name, 'correlate');
	assert.equal(statSync(correlate.privateKeyPath).mode & 0o777, 0o600);
	const trusted = join(dir, 'keys/trusted');
	assert.deepEqual(readdirSync(trusted), ['correlate.pub.pem', 'operator.pub.pem']);
	assert.equal((await run('correlate', '--trust')).stdout, `${JSON.stringify(correlate)}\n`, 'again is the same');
	rmSync(correlate.privateKeyPath);
	rmSync(correlate.publicKeyPath);
	const rotated = JSON.parse((await run('correlate', '--trust')).stdout);
	assert.notEqual(rotated.keyId, correlate.keyId);
	assert.deepEqual(readdirSync(trusted), [
		`correlate.${rotated.keyId.slice(0, 16)}.pub.pem`,
		'correlate.pub.pem',
		'operator.pub.pem',
	]);
	assert.equal((await run('archive')).code, 2);
});
