// What the signer makes, judged by the real Witness library.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keyIdOf } from '@affidavit/attest/keys.ts';
import { verifyArtifact } from '@affidavit/attest/verify-artifact.ts';
import { verdictCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Facts } from '@affidavit/model/facts.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { manifestBytes } from '@affidavit/model/manifest.ts';
import { createKeySigner } from '@affidavit/sign/signing/envelope-signer.ts';
import { createSignStage } from '@affidavit/sign/stage.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { createMemoryBlobs } from '@affidavit/stream/memory/blobs.ts';
import {
	buildFacts,
	chainOf,
	commit,
	cut,
	digestOf,
	fileFact,
	manifest,
	session,
	stream,
	verdictFor,
	workspace,
} from '../../services/sign/test/session-builder.ts';
import type { PeerAnswer, PeerFiles } from './peerverify.ts';
import { askPeer, openPeerverify } from './peerverify.ts';
import { askCommand } from './verify-command.ts';
import { buildStep, maliciousCompilerRule, writeFetchCollection, writePolicy } from './witness-policy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const peer = openPeerverify();
const skip = peer.kind === 'absent' ? peer.reason : false;
const folder = mkdtempSync(join(tmpdir(), 'affidavit-interop-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const artifact = join(folder, 'app');
writeFileSync(artifact, 'app');
const binary = peer.kind === 'peer' ? peer.binary : '';

/** The peer's answer; the command's witness mode must be the same. */
function askBoth(files: PeerFiles): PeerAnswer {
	const answer = askPeer(binary, files);
	const { result } = askCommand(files, 'witness');
	assert.equal(result.accepted, answer.accepted, `ours: ${result.reason}\nthe real library: ${answer.output}`);
	return answer;
}

let runs = 0;
/** Signs a session with a new key; gives the folder of its envelopes. */
async function signed(facts: Facts, verdict: Verdict['verdict'], type: 'ed25519' | 'p256' = 'ed25519') {
	const { privateKey } =
		type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const outDir = join(folder, `run${runs++}`);
	const blobs = createMemoryBlobs();
	await blobs.put(manifestBytes(manifest()).bytes);
	const chain = chainOf(cut(facts, 3));
	const stage = createSignStage({
		readFacts: () => stream(chain.batches),
		blobs,
		signer: createKeySigner(privateKey, keyIdOf(privateKey)),
		outDir,
		emit: collectingEmit().emit,
	});
	const worker = await stage.open(0, new Map());
	const value = verdictCodec.encode(verdictFor(chain, { verdict }));
	const record = {
		topic: 'verdict',
		partition: 0,
		offset: 0,
		key: session,
		value,
		timestampUs: -1,
		origin: null,
		seal: null,
		traceparent: null,
	} as const;
	const result = await worker.step([record], false);
	assert.deepEqual(result.deadLetters, []);
	return { key: createPublicKey(privateKey), folder: join(outDir, session, 'r1') };
}

suite('the Witness library', { skip }, () => {
	for (const type of ['ed25519', 'p256'] as const)
		test(`accepts a passed session's collection that is signed with ${type}`, async () => {
			const run = await signed(buildFacts(), 'passed', type);
			const files = writePolicy(run.folder, 'build', [
				buildStep('build', run.key, maliciousCompilerRule(digestOf('evil'))),
			]);
			const answer = askBoth({ ...files, attestations: [join(run.folder, 'collection.dsse.json')], artifact });
			assert.ok(answer.accepted, answer.output);
		});

	for (const verdict of ['failed', 'incomplete'] as const)
		test(`refuses the collection of a session that is ${verdict}`, async () => {
			const run = await signed(buildFacts(), verdict);
			const attestations = [join(run.folder, 'collection.dsse.json')];
			const files = writePolicy(run.folder, 'build', [buildStep('build', run.key)]);
			const answer = askBoth({ ...files, attestations, artifact });
			assert.equal(answer.accepted, false, answer.output);
			// The refusal is the name's doing: a policy that asks for it by that name takes it.
			const named = writePolicy(run.folder, 'named', [buildStep(`build.${verdict}`, run.key)]);
			assert.ok(askBoth({ ...named, attestations, artifact }).accepted);
		});

	test("rejects a passed session by the talk's rule when the program's digest matches", async () => {
		const run = await signed(buildFacts(), 'passed');
		const files = writePolicy(run.folder, 'rule', [buildStep('build', run.key, maliciousCompilerRule(digestOf('cc')))]);
		const answer = askBoth({ ...files, attestations: [join(run.folder, 'collection.dsse.json')], artifact });
		assert.equal(answer.accepted, false);
		assert.match(answer.output, /Malicious Compiler/);
	});

	test('refuses another artifact, another key, and the compiler as an artifact', async () => {
		const run = await signed(buildFacts(), 'passed');
		const attestations = ['collection', 'runtime-trace', 'index', 'vsa'].map((n) => join(run.folder, `${n}.dsse.json`));
		const files = writePolicy(run.folder, 'build', [buildStep('build', run.key)]);
		assert.ok(askBoth({ ...files, attestations: attestations.slice(0, 1), artifact }).accepted);
		for (const content of ['other', 'cc', 'main', 'stdio']) {
			const file = join(run.folder, `artifact-${content}`);
			writeFileSync(file, content);
			const answer = askBoth({ ...files, attestations: attestations.slice(0, 1), artifact: file });
			assert.equal(answer.accepted, false, content);
		}
		const stranger = generateKeyPairSync('ed25519').publicKey;
		const strange = writePolicy(run.folder, 'strange', [buildStep('build', stranger)]);
		assert.equal(askBoth({ ...strange, attestations: attestations.slice(0, 1), artifact }).accepted, false);
	});

	test('loads hostile paths', async () => {
		const facts = buildFacts();
		for (const name of ['__proto__', 'a\nb', '�', '"'])
			facts.files.push(fileFact({ path: `${workspace}/${name}`, ino: name, count: 2 }));
		const run = await signed(facts, 'passed');
		const files = writePolicy(run.folder, 'build', [buildStep('build', run.key)]);
		const answer = askBoth({ ...files, attestations: [join(run.folder, 'collection.dsse.json')], artifact });
		assert.ok(answer.accepted, answer.output);
	});

	test('finds the collection over its commit from a product of another step', async () => {
		const run = await signed(buildFacts(), 'passed');
		const sources = join(run.folder, 'sources.tar');
		writeFileSync(sources, 'sources');
		const fetch = writeFetchCollection(run.folder, commit, { path: 'sources.tar', sha256: sha256Hex('sources') });
		const files = writePolicy(run.folder, 'two', [fetch.step, buildStep('build', run.key)]);
		const attestations = [fetch.file, join(run.folder, 'collection.dsse.json')];
		const answer = askBoth({ ...files, attestations, artifact: sources });
		assert.ok(answer.accepted, answer.output);
		assert.match(answer.output, /step build passed/);
	});
});

test('our own verification says the same of the same files', async () => {
	const { readFileSync } = await import('node:fs');
	for (const verdict of ['passed', 'failed', 'incomplete'] as const) {
		const run = await signed(buildFacts(), verdict);
		const publicKeys = [{ key: run.key, keyId: keyIdOf(run.key) }];
		for (const name of ['collection.dsse.json', 'vsa.dsse.json', 'vsa.sigstore.json', 'index.dsse.json']) {
			const envelopes = [{ name, bytes: readFileSync(join(run.folder, name)) }];
			const answer = verifyArtifact({ artifactDigest: digestOf('app'), envelopes, publicKeys });
			assert.equal(answer.accepted, verdict === 'passed' && !name.startsWith('index'), `${name}: ${answer.reason}`);
		}
	}
});

const published = join(process.env['AFFIDAVIT_GOLDEN'] ?? join(root, '../shared/golden'), 'cr-policy-unsigned.json');
test("the demo's published policy is refused with line and reason", {
	skip: existsSync(published) ? false : `no ${published}: set AFFIDAVIT_GOLDEN to the folder that holds it`,
}, () => {
	const command = join(root, 'cli/bin/affidavit.js');
	const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'policy', 'check', published], {
		encoding: 'utf8',
	});
	assert.equal(status, 1, stderr);
	assert.match(stdout, /Un-authorized compiler:4:\d+: expected } before the end of the module/);
});
