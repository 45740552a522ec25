import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnvelope, verifyEnvelope } from '@affidavit/attest/dsse.ts';
import { parseStatement } from '@affidavit/attest/statement.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { openOpa } from '../../../test/interop/opa.ts';
import { signPolicy } from '../../src/policy/sign-policy.ts';
import { sampleKey, samplePolicy } from '../policy/sample.ts';
import { type CliRun, runCli, temporaryFolder } from '../run-cli.ts';
import { signedBuild } from '../verify/collections.ts';

const rule = `package trace_demo
deny[msg] {
	input.processes[_].programdigest.sha256 == "${'66'.repeat(32)}"
	msg := "Malicious Compiler"
}
`;
const process = (digest: string): Record<string, unknown> => ({
	program: '/usr/bin/cc',
	processid: 7,
	parentpid: 1,
	programdigest: { sha256: digest.repeat(32) },
});

/** A folder with a policy, its key, a good and an evil build. */
function world(t: { after: (hook: () => void) => void }) {
	const dir = temporaryFolder(t);
	const path = (name: string): string => join(dir, name);
	const signer = sampleKey();
	const builder = sampleKey();
	const policy = samplePolicy(rule, builder);
	delete policy.steps['fetch'];
	delete policy.steps['build']?.artifactsFrom;
	writeFileSync(path('policy.json'), signPolicy(Buffer.from(JSON.stringify(policy)), signer.privateKey, signer.keyid));
	writeFileSync(path('policy.pub.pem'), signer.pem);
	writeFileSync(path('other.pub.pem'), builder.pem);
	writeFileSync(path('vsa.pem'), builder.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
	writeFileSync(path('app'), 'good');
	writeFileSync(path('evil'), 'evil');
	mkdirSync(path('good'));
	mkdirSync(path('bad'));
	const build = (product: string, digest: string): Buffer =>
		signedBuild(builder.privateKey, { product: sha256Hex(product), processes: [process(digest)] });
	writeFileSync(path('good/collection.dsse.json'), build('good', '11'));
	writeFileSync(path('bad/collection.dsse.json'), build('evil', '66'));
	const verify = (artifact: string, attestation: string, ...more: string[]): Promise<CliRun> =>
		runCli([
			...['verify', path(artifact), '--attestation', path(attestation), '--policy', path('policy.json')],
			...['--policy-key', path(more.includes('--wrong') ? 'other.pub.pem' : 'policy.pub.pem')],
			...more.filter((option) => option !== '--wrong'),
		]);
	return { dir, path, builder, verify };
}

test('accepted 0, rejected 1 with the message of the rule; the tree and the JSON say the same', async (t) => {
	const { verify } = world(t);
	const good = await verify('app', 'good');
	assert.equal(good.code, 0, good.stdout + good.stderr);
	assert.match(good.stdout, /^\[ok\] accepted: .*\n[^\n]*\n\[ok\] policy /);
	assert.match(good.stdout, /\[ok\] rule exit \(data\.trace_demo\)/);

	const evil = await verify('evil', 'bad');
	assert.equal(evil.code, 1);
	assert.match(evil.stdout, /^\[NO\] rejected: /);
	assert.match(evil.stdout, /\[NO\] rule exit \(data\.trace_demo\): policy was denied due to: Malicious Compiler/);

	const json = JSON.parse((await verify('evil', 'bad', '--json')).stdout);
	assert.equal(json.accepted, false);
	assert.equal(json.artifact.sha256, sha256Hex('evil'));
	assert.equal(json.mode, 'strict');
	assert.deepEqual(json.steps[0].collections[0].attestations[1].rules[0].denials, ['Malicious Compiler']);
});

test('broken, foreign and expired things are rejected, not misused', async (t) => {
	const { verify, path, builder } = world(t);
	const expired = { ...samplePolicy(rule, builder), expires: '2020-01-01T00:00:00Z' };
	const rejections: [string, () => void, string[], RegExp][] = [
		['the policy of another', () => {}, ['--wrong'], /no signature verifies/],
		[
			'an attestation that is no JSON',
			() => writeFileSync(path('good/broken.dsse.json'), '{'),
			[],
			/broken\.dsse\.json/,
		],
		['a policy that is no JSON', () => writeFileSync(path('policy.json'), 'hello'), [], /policy/],
		[
			'an expired policy',
			() =>
				writeFileSync(path('policy.json'), signPolicy(Buffer.from(JSON.stringify(expired)), builder.privateKey, '')),
			['--wrong'],
			/expired on 2020/,
		],
	];
	for (const [what, spoil, options, reason] of rejections) {
		spoil();
		const run = await verify('app', 'good', ...options, '--json');
		assert.equal(run.code, 1, `${what}: ${run.stderr}`);
		assert.match(JSON.parse(run.stdout).reason, reason, what);
	}
});

test('wrong use exits 2 and says what was wanted', async (t) => {
	const { verify, path } = world(t);
	const base = ['verify', path('app'), '--attestation', path('good')];
	const cases: [string[], RegExp][] = [
		[base, /give --policy FILE with --policy-key FILE, or --public-key FILE/],
		[[...base, '--policy', path('policy.json')], /--policy needs --policy-key/],
		[[...base, '--policy', path('policy.json'), '--public-key', path('other.pub.pem')], /not both/],
		[[...base, '--public-key', path('other.pub.pem'), '--compat', 'witness'], /--compat belongs to --policy/],
		[[...base, '--public-key', path('other.pub.pem'), '--rego-engine', 'opa'], /--rego-engine belongs to --policy/],
		[[...base, '--policy', path('gone'), '--policy-key', path('policy.pub.pem')], /gone: no such file/],
		[[...base, '--policy', path('policy.json'), '--policy-key', path('vsa.pem')], /vsa\.pem: expected .*public key/],
	];
	for (const [args, message] of cases) {
		const run = await runCli(args);
		assert.equal(run.code, 2, args.join(' '));
		assert.match(run.stderr, message);
		assert.equal(run.stdout, '');
	}
	const half = await verify('app', 'good', '--vsa', path('vsa.json'));
	assert.match(half.stderr, /--vsa and --vsa-key belong together/);
	const noKey = await verify('app', 'good', '--vsa', path('vsa.json'), '--vsa-key', path('policy.pub.pem'));
	assert.equal(noKey.code, 2);
	assert.match(noKey.stderr, /private key/);
	const noOpa = await runCli(
		[...base, '--policy', path('policy.json'), '--policy-key', path('policy.pub.pem'), '--rego-engine', 'opa'],
		{
			env: { PATH: temporaryFolder(t) },
		},
	);
	assert.equal(noOpa.code, 2, noOpa.stdout);
	assert.match(noOpa.stderr, /no `opa` on the PATH/);
});

test('the summary is written for both answers, signed, and is no verdict on a session', async (t) => {
	const { verify, path, builder } = world(t);
	const options = ['--vsa', path('vsa.json'), '--vsa-key', path('vsa.pem'), '--resource-uri', 'pkg:generic/app'];
	for (const [artifact, folder, code, expected] of [
		['app', 'good', 0, 'PASSED'],
		['evil', 'bad', 1, 'FAILED'],
	] as const) {
		assert.equal((await verify(artifact, folder, ...options)).code, code);
		const parsed = parseEnvelope(await readFile(path('vsa.json')));
		assert.ok(parsed.kind === 'envelope');
		const key = { key: builder.publicKey, keyId: builder.keyid };
		assert.equal(verifyEnvelope(parsed.envelope, [key]).kind, 'verified');
		const statement = parseStatement(parsed.envelope.payload);
		assert.ok(statement.kind === 'statement');
		const predicate = statement.statement.predicate as Record<string, unknown>;
		assert.equal(predicate['verificationResult'], expected);
		assert.equal(predicate['resourceUri'], 'pkg:generic/app');
		assert.equal((predicate['inputAttestations'] as unknown[]).length, 1);
	}
	assert.deepEqual(
		readdirSync(path('.')).filter((name) => name.endsWith('.tmp')),
		[],
	);
	const asVerdict = await runCli([
		'verify',
		path('app'),
		'--attestation',
		path('vsa.json'),
		'--public-key',
		path('other.pub.pem'),
	]);
	assert.equal(asVerdict.code, 1);
});

const opa = openOpa();
test('opa gives the same answers', { skip: opa.kind === 'absent' ? opa.reason : false }, async (t) => {
	const { path } = world(t);
	assert.ok(opa.kind === 'opa');
	for (const [artifact, folder, code] of [
		['app', 'good', 0],
		['evil', 'bad', 1],
	] as const) {
		const run = await runCli(
			[
				...['verify', path(artifact), '--attestation', path(folder), '--policy', path('policy.json')],
				...['--policy-key', path('policy.pub.pem'), '--rego-engine', 'opa'],
			],
			{ env: { PATH: opa.path } },
		);
		assert.equal(run.code, code, run.stdout + run.stderr);
		assert.match(run.stdout, /Rego by opa \d.*missing/);
	}
});
