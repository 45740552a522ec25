import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { HostKeyLine } from '../../src/hosts/describe.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';

const linesOf = (stdout: string): HostKeyLine[] =>
	stdout
		.split('\n')
		.filter(Boolean)
		.map((line) => JSON.parse(line));

describe('affidavit hosts', () => {
	it('enrols, rotates, revokes and lists, on the log of `up`', async (context) => {
		const dir = temporaryFolder(context);
		const run = async (...args: string[]) => {
			const result = await runCli(['hosts', ...args, '--data', join(dir, 'data')], { cwd: dir });
			assert.equal(result.code, 0, result.stderr);
			return result;
		};
		assert.match((await run('list')).stderr, /no host is enrolled/);
		const [first] = linesOf((await run('enroll', 'h1', '--key-out', 'h1.pem', '--json')).stdout);
		assert.equal(first?.state, 'valid');
		assert.equal(statSync(join(dir, 'h1.pem')).mode & 0o777, 0o600);
		assert.equal(readFileSync(join(dir, 'h1.pub.pem'), 'utf8'), first?.publicKeyPem);
		await run('enroll', 'h2', '--public-key', 'h1.pub.pem', '--valid-from', '2099-01-01T00:00:00Z');
		await run('rotate', 'h1', '--key-out', 'h1-new.pem', '--old-valid-to', '2098-01-01T00:00:00Z');
		await run('revoke', 'h1', '--key-id', first?.keyId ?? '', '--reason', 'lost a disk');
		assert.match((await run('list')).stdout, /h1 +revoked .*lost a disk/);
		assert.deepEqual(
			linesOf((await run('list', '--json')).stdout).map((k) => [k.host, k.state, k.validTo]),
			[
				['h1', 'revoked', '2098-01-01T00:00:00.000Z'],
				['h1', 'valid', null],
				['h2', 'not-yet-valid', null],
			],
		);
	});

	it('refuses wrong use with a message', async (context) => {
		const dir = temporaryFolder(context);
		writeFileSync(join(dir, 'there.pem'), 'mine');
		writeFileSync(join(dir, 'private.pem'), '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n');
		const cases: [string[], RegExp][] = [
			[['enroll', 'h1'], /exactly one of --key-out FILE and --public-key FILE/],
			[['enroll', '../h', '--key-out', 'x.pem'], /expected a host name/],
			[['enroll', 'h1', '--key-out', 'there.pem'], /a key is never replaced/],
			[['enroll', 'h1', '--public-key', 'private.pem'], /public key/],
			[['enroll', 'h1', '--public-key', 'none.pem'], /no such file/],
			[['enroll', 'h1', '--key-out', 'y.pem', '--valid-from', 'tomorrow'], /expected a time/],
			[['rotate', 'h1', '--key-out', 'z.pem'], /h1 is not enrolled/],
			[['revoke', 'h1'], /--reason/],
			[['revoke', 'h1', '--reason', 'x', '--key-id', 'short'], /64 hex digits/],
		];
		for (const [args, message] of cases) {
			const result = await runCli(['hosts', ...args, '--data', join(dir, 'data')], { cwd: dir });
			assert.equal(result.code, 2, args.join(' '));
			assert.match(result.stderr, message);
		}
		assert.equal(readFileSync(join(dir, 'there.pem'), 'utf8'), 'mine');
		for (const name of ['x.pem', 'z.pem', 'z.pub.pem']) assert.ok(!existsSync(join(dir, name)), name);
	});
});
