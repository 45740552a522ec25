import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { goodRule, sampleKey } from '../policy/sample.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';
import { signedBuild } from '../verify/collections.ts';

function world(t: { after: (hook: () => void) => void }) {
	const dir = temporaryFolder(t);
	const path = (name: string): string => join(dir, name);
	const builder = sampleKey();
	const owner = sampleKey();
	writeFileSync(path('builder.pub.pem'), builder.pem);
	writeFileSync(path('owner.pub.pem'), owner.pem);
	writeFileSync(path('owner.pem'), owner.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
	writeFileSync(path('exit.rego'), goodRule);
	writeFileSync(
		path('policy.yaml'),
		`# why: see the release notes
expires: 2099-01-01T00:00:00Z
publickeys:
  ${builder.keyid}: builder.pub.pem
steps:
  build:
    functionaries:
      - { type: publickey, publickeyid: ${builder.keyid} }
    attestations:
      - type: https://witness.dev/attestations/command-run/v0.1
        regopolicies:
          - file: exit.rego
`,
	);
	mkdirSync(path('builds'));
	writeFileSync(path('app'), 'app');
	const product = sha256Hex('app');
	writeFileSync(path('builds/collection.dsse.json'), signedBuild(builder.privateKey, { product }));
	return { path, builder, owner, product };
}

test('from source to signature to verification', async (t) => {
	const { path, owner } = world(t);
	const checked = await runCli(['policy', 'check', path('policy.yaml')]);
	assert.equal(checked.code, 0, checked.stdout + checked.stderr);
	assert.match(checked.stdout, /policy\.yaml: nothing wrong was found\n$/);

	const signed = await runCli([
		'policy',
		'sign',
		path('policy.yaml'),
		'--key',
		path('owner.pem'),
		'--out',
		path('p.json'),
		'--json',
	]);
	assert.equal(signed.code, 0, signed.stderr);
	assert.equal(JSON.parse(signed.stdout).keyid, owner.keyid);
	const envelope = JSON.parse(readFileSync(path('p.json'), 'utf8'));
	assert.equal(envelope.payloadType, 'https://witness.testifysec.com/policy/v0.1');
	assert.equal(envelope.signatures.length, 1);

	const shown = await runCli(['policy', 'show', path('p.json'), '--policy-key', path('owner.pub.pem')]);
	assert.equal(shown.code, 0, shown.stderr);
	assert.match(shown.stdout, /signature +by [0-9a-f]{64}; it holds/);
	assert.match(shown.stdout, /requires +command-run\/v0\.1, unless denied by exit\.rego/);
	const wrongKey = await runCli(['policy', 'show', path('p.json'), '--policy-key', path('builder.pub.pem')]);
	assert.equal(wrongKey.code, 1);
	assert.match(wrongKey.stdout, /DOES NOT HOLD/);

	assert.equal((await runCli(['policy', 'check', path('p.json'), '--policy-key', path('owner.pub.pem')])).code, 0);
	const forged = await runCli(['policy', 'check', path('p.json'), '--policy-key', path('builder.pub.pem'), '--json']);
	assert.equal(forged.code, 1);
	assert.equal(JSON.parse(forged.stdout).findings[0].code, 'signature-wrong');

	const verified = await runCli([
		...['verify', path('app'), '--policy', path('p.json'), '--policy-key', path('owner.pub.pem')],
		...['--attestation', path('builds')],
	]);
	assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

test('a policy with an error is not signed, unless by force', async (t) => {
	const { path } = world(t);
	writeFileSync(path('exit.rego'), goodRule.replace(/\}\n$/, ''));
	const sign = ['policy', 'sign', path('policy.yaml'), '--key', path('owner.pem'), '--out', path('p.json')];
	const refused = await runCli(sign);
	assert.equal(refused.code, 1);
	assert.match(
		refused.stderr,
		/error rule-unreadable at steps\.build\.attestations\[0\]\.regopolicies\[0\]:\d+\n +exit\.rego:\d+:\d+: expected/,
	);
	assert.match(refused.stderr, /not signed; correct it, or sign it all the same with --force/);
	assert.equal(existsSync(path('p.json')), false);
	assert.equal((await runCli([...sign, '--force'])).code, 0);
	assert.equal(existsSync(path('p.json')), true);
});

test('a fault is shown in its own file, also where two rules have one name', async (t) => {
	const { path, builder } = world(t);
	writeFileSync(path('good.rego'), goodRule);
	writeFileSync(path('bad.rego'), 'package a\n\ndeny[msg] {\n');
	const step = (file: string): string =>
		`{ functionaries: [{ type: publickey, publickeyid: ${builder.keyid} }], attestations: [{ type: "https://witness.dev/attestations/command-run/v0.1", regopolicies: [{ name: r, file: ${file} }] }] }`;
	writeFileSync(
		path('two.yaml'),
		`expires: 2099-01-01T00:00:00Z\npublickeys: { ${builder.keyid}: builder.pub.pem }\nsteps:\n  one: ${step('bad.rego')}\n  two: ${step('good.rego')}\n`,
	);
	const run = await runCli(['policy', 'check', path('two.yaml'), '--json']);
	const { findings } = JSON.parse(run.stdout);
	assert.equal(findings.length, 1);
	assert.match(findings[0].message, /^bad\.rego:\d+:\d+: /);
	assert.match(findings[0].place, /^steps\.one\.attestations\[0\]\.regopolicies\[0\]:\d+$/);
});

test('a source that is none is refused with its place; a file that is not there is wrong use', async (t) => {
	const { path } = world(t);
	writeFileSync(path('wrong.yaml'), 'expires: x\nsteps: {}\nstep: {}\n');
	const wrong = await runCli(['policy', 'check', path('wrong.yaml'), '--json']);
	assert.equal(wrong.code, 1);
	assert.equal(JSON.parse(wrong.stdout).findings[0].code, 'policy-unreadable');
	for (const command of ['show', 'test']) {
		const { code, stdout, stderr } = await runCli(['policy', command, path('wrong.yaml'), '--json']);
		assert.equal(code, 1);
		assert.match(stderr, /wrong\.yaml: the file: /);
		assert.equal(JSON.parse(stdout).problems[0].place, 'the file');
	}
	const key = await runCli(['policy', 'check', path('builder.pub.pem')]);
	assert.match(key.stdout, /expected a signed policy, Witness's JSON, or a YAML source/);
	const absent = await runCli(['policy', 'check', path('gone.yaml')]);
	assert.equal(absent.code, 2);
	assert.match(absent.stderr, /gone\.yaml: no such file/);
	writeFileSync(path('policy.yaml'), readFileSync(path('policy.yaml'), 'utf8').replace('exit.rego', 'gone.rego'));
	const noRule = await runCli(['policy', 'check', path('policy.yaml')]);
	assert.equal(noRule.code, 2);
	assert.match(noRule.stderr, /gone\.rego: no such file/);
});

test('cases are tried as verify would; a wrong expectation fails', async (t) => {
	const { path, product } = world(t);
	const cases = (last: string): void =>
		writeFileSync(
			path('policy.test.yaml'),
			`cases:
  - { name: the build, artifact: "sha256:${product}", attestations: [builds], expect: accepted }
  - { name: the file, artifact: app, attestations: [builds/collection.dsse.json], expect: accepted }
  - { name: nobody's, artifact: "sha256:${'0'.repeat(64)}", attestations: [builds], expect: rejected, reason: no collection }
  - { name: too late, artifact: app, attestations: [builds], now: 2100-01-01T00:00:00Z, expect: rejected, reason: expired }
${last}`,
		);
	cases('');
	const run = await runCli(['policy', 'test', path('policy.yaml')]);
	assert.equal(run.code, 0, run.stdout + run.stderr);
	assert.match(run.stdout, /^ok +the build +accepted/);
	assert.match(run.stdout, /4 cases, 0 failed\n$/);

	cases(`  - { name: wrong, artifact: app, attestations: [builds], expect: rejected }
  - { name: other reason, artifact: app, attestations: [builds], now: 2100-01-01T00:00:00Z, expect: rejected, reason: Malicious }
`);
	const failing = await runCli(['policy', 'test', path('policy.yaml'), '--json']);
	assert.equal(failing.code, 1);
	const { failed, cases: results } = JSON.parse(failing.stdout);
	assert.equal(failed, 2);
	assert.deepEqual(
		results.filter((r: { passed: boolean }) => !r.passed).map((r: { name: string }) => r.name),
		['wrong', 'other reason'],
	);

	writeFileSync(path('policy.test.yaml'), 'cases: []\n');
	assert.equal((await runCli(['policy', 'test', path('policy.yaml')])).code, 2);
});

test('every policy command says its options with examples', async () => {
	for (const command of ['init', 'check', 'test', 'sign', 'show']) {
		const { code, stdout } = await runCli(['policy', command, '--help']);
		assert.equal(code, 0);
		assert.match(stdout, /--json/);
		assert.match(stdout, /Examples:\n {2}\$ affidavit policy/);
	}
});

test('init wants a session that it knows', async (t) => {
	const data = temporaryFolder(t);
	const run = await runCli(['policy', 'init', '--from-session', 'abc', '--data', data, '--dir', join(data, 'policy')]);
	assert.equal(run.code, 2);
	assert.match(run.stderr, /no session abc/);
});
