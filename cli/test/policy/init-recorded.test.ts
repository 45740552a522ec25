// A policy made from a recorded good build: it accepts that build and refuses the trojaned one, here and in the real library.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { parseEnvelope } from '@affidavit/attest/dsse.ts';
import type { Git, WitnessCollection } from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import { keyIdOf, publicKeyPem } from '@affidavit/attest/keys.ts';
import { isObject } from '@affidavit/attest/statement.ts';
import { collectionPredicateType, gitType } from '@affidavit/attest/type-uris.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { askPeer, openPeerverify } from '../../../test/interop/peerverify.ts';
import { writeFetchCollection } from '../../../test/interop/witness-policy.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { signForNow } from '../../src/policy/sign-policy.ts';
import { type CliRun, repoRoot, runCli, temporaryFolder } from '../run-cli.ts';

const dir = temporaryFolder({ after });
const keyFile = join(dir, 'signing.pem');
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
writeFileSync(join(dir, 'signing.pub.pem'), publicKeyPem(publicKey));

interface Recorded {
	session: string;
	data: string;
	out: string;
	product: string;
	/** The collection's file. */
	collection: string;
}

const recorded = new Map<string, Promise<Recorded>>();
/** Each stream is processed once, without indicators and with one key, so that a trojaned build keeps its step's name. */
function record(stream: string): Promise<Recorded> {
	const known = recorded.get(stream);
	if (known) return known;
	const run = processStream(stream);
	recorded.set(stream, run);
	return run;
}

async function processStream(stream: string): Promise<Recorded> {
	const from = join(repoRoot, 'test/fixtures/traces', stream);
	const { repos } = JSON.parse(readFileSync(join(from, 'expect.json'), 'utf8')) as { repos: Record<string, string> };
	const repo = Object.entries(repos).flatMap(([name, bundle]) => ['--repo', `${name}=${join(from, bundle)}`]);
	const [data, out] = [join(dir, stream, 'data'), join(dir, stream, 'out')];
	const run = await runCli([
		...['process', join(from, 'events.jsonl.gz'), ...repo],
		...['--data', data, '--out', out, '--key', keyFile, '--json'],
	]);
	assert.ok(run.code === 0 || run.code === 1, run.stderr);
	const object = JSON.parse(run.stdout.split('\n')[0] ?? '');
	assert.equal(object.verdict, 'passed', stream);
	const { envelope } = object.statements.find(
		(s: { predicateType: string }) => s.predicateType === collectionPredicateType,
	);
	return {
		session: object.session,
		data,
		out,
		product: object.products.find((p: { sha256: string | null }) => p.sha256 !== null).sha256,
		collection: envelope,
	};
}

const init = ({ session, data, out }: Recorded, to: string, ...more: string[]): Promise<CliRun> =>
	runCli([
		'policy',
		'init',
		'--from-session',
		session.slice(0, 12),
		'--data',
		data,
		'--out',
		out,
		'--dir',
		to,
		...more,
	]);

const trojan = '6757f3e31eaa4d47712fc572353c0684cc648c1cf65e4622e1f122bd6d4a33a4';

suite('a policy from the clean Go build', () => {
	const policyDir = join(dir, 'policy');
	const signed = join(dir, 'policy.json');
	const verify = ({ product, out }: Recorded, ...more: string[]): Promise<CliRun> =>
		runCli([
			...['verify', `sha256:${product}`, '--attestation', out],
			...['--policy', signed, '--policy-key', join(dir, 'signing.pub.pem'), ...more],
		]);

	test('is written, passes its own check and its own cases, and is signed', async () => {
		const run = await init(await record('01b-go-clean-warm'), policyDir);
		assert.equal(run.code, 0, run.stderr);
		assert.deepEqual(readdirSync(policyDir).sort(), [
			'build.egress.rego',
			'build.programs.rego',
			'policy.test.yaml',
			'policy.yaml',
		]);
		const rule = readFileSync(join(policyDir, 'build.programs.rego'), 'utf8');
		assert.match(rule, /"ef107d98[0-9a-f]{56}", # \/usr\/local\/go\/pkg\/tool\/linux_amd64\/compile\n/);
		assert.match(rule, /own := \{\n\t"\/work\/src\/goapp\/bin\/goapp",\n\}/);
		assert.match(run.stderr, /step build: one program made by the build itself/);
		for (const command of ['check', 'test']) {
			const checked = await runCli(['policy', command, join(policyDir, 'policy.yaml')]);
			assert.equal(checked.code, 0, checked.stdout + checked.stderr);
		}
		const sign = await runCli(['policy', 'sign', join(policyDir, 'policy.yaml'), '--key', keyFile, '--out', signed]);
		assert.equal(sign.code, 0, sign.stderr);
	});

	test('the same session gives the same files; what is there is not replaced', async () => {
		const again = join(dir, 'again');
		const run = await init(await record('01b-go-clean-warm'), again, '--json');
		assert.deepEqual(JSON.parse(run.stdout).steps, ['build']);
		for (const name of readdirSync(again))
			assert.equal(readFileSync(join(again, name), 'utf8'), readFileSync(join(policyDir, name), 'utf8'), name);
		const refused = await init(await record('01b-go-clean-warm'), again);
		assert.equal(refused.code, 2);
		assert.match(refused.stderr, /policy\.yaml: exists/);
	});

	test('accepts that build in both modes and refuses the trojaned one, by the digest of its compiler', async () => {
		for (const mode of [[], ['--compat', 'witness']]) {
			const good = await verify(await record('01b-go-clean-warm'), ...mode);
			assert.equal(good.code, 0, good.stdout + good.stderr);
			const evil = await verify(await record('03-go-trojan-compiler'), ...mode);
			assert.equal(evil.code, 1, evil.stdout);
			assert.match(
				evil.stdout,
				new RegExp(`program that is not allowed: /usr/local/go/pkg/tool/linux_amd64/compile sha256:${trojan}`),
			);
		}
	});

	const peer = openPeerverify();
	test('so does the real Witness library', { skip: peer.kind === 'absent' ? peer.reason : false }, async () => {
		assert.ok(peer.kind === 'peer');
		for (const [stream, accepted] of [
			['01b-go-clean-warm', true],
			['03-go-trojan-compiler', false],
		] as const) {
			const { collection } = await record(stream);
			const files = await peerFiles(join(policyDir, 'policy.yaml'), collection, stream);
			const answer = askPeer(peer.binary, files);
			assert.equal(answer.accepted, accepted, answer.output);
			if (!accepted) assert.match(answer.output, new RegExp(`compile sha256:${trojan}`));
		}
	});
});

/** The product's bytes were not recorded: a step `fetch`, tied to the build by its commit, has an artifact that is at hand. */
async function peerFiles(source: string, collection: string, stream: string) {
	const loaded = await loadPolicy(source);
	assert.ok(loaded.kind === 'policy');
	const artifact = join(dir, `${stream}.tar`);
	writeFileSync(artifact, stream);
	const fetch = writeFetchCollection(dir, commitOf(collection), { path: 'sources.tar', sha256: sha256Hex(stream) });
	const [key] = fetch.step.keys;
	assert.ok(key);
	const keyid = keyIdOf(key);
	const value = JSON.parse(loaded.payload.toString('utf8'));
	value.publickeys[keyid] = { keyid, key: Buffer.from(publicKeyPem(key)).toString('base64') };
	value.steps.fetch = {
		name: 'fetch',
		functionaries: [{ type: 'publickey', publickeyid: keyid }],
		attestations: fetch.step.attestations,
	};
	const signed = signForNow(Buffer.from(JSON.stringify(value)));
	const [policy, policyKey] = [join(dir, `${stream}.policy.json`), join(dir, `${stream}.policy.pub`)];
	writeFileSync(policy, signed.bytes);
	writeFileSync(policyKey, publicKeyPem(signed.key.key));
	return { policy, policyKey, attestations: [fetch.file, collection], artifact };
}

function commitOf(collection: string): string {
	const parsed = parseEnvelope(readFileSync(collection));
	assert.ok(parsed.kind === 'envelope');
	const { predicate } = JSON.parse(Buffer.from(parsed.envelope.payload).toString('utf8'));
	assert.ok(isObject(predicate));
	const git = (predicate as unknown as WitnessCollection).attestations.find(({ type }) => type === gitType);
	assert.ok(git);
	return (git.attestation as Git).commithash;
}

test('a build that called somebody may call nobody else', async () => {
	const npm = await record('05-npm');
	const to = join(dir, 'npm-policy');
	const run = await init(npm, to);
	assert.equal(run.code, 0, run.stderr);
	const rule = join(to, 'build.egress.rego');
	assert.match(readFileSync(rule, 'utf8'), /\t"127\.0\.0\.1 port 9901", # \/usr\/bin\/node\n/);
	const tried = await runCli(['policy', 'test', join(to, 'policy.yaml')]);
	assert.equal(tried.code, 0, tried.stdout + tried.stderr);
	writeFileSync(rule, readFileSync(rule, 'utf8').replace('port 9901', 'port 9902'));
	const denied = await runCli(['policy', 'test', join(to, 'policy.yaml')]);
	assert.equal(denied.code, 1);
	assert.match(denied.stdout, /connection that is not allowed: 127\.0\.0\.1 port 9901/);
});

test('a policy is not made from a build that failed', async () => {
	const { session, data, out } = await record('01b-go-clean-warm');
	const file = join(data, 'sessions', `${session}.json`);
	const text = readFileSync(file, 'utf8');
	writeFileSync(file, text.replace('"verdict":"passed"', '"verdict":"failed"'));
	const run = await init({ session, data, out, product: '', collection: '' }, join(dir, 'failed-policy'));
	writeFileSync(file, text);
	assert.equal(run.code, 2);
	assert.match(run.stderr, /is failed: a policy is made from builds that passed/);
});
