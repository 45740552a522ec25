// Imports of real attestations: the demo's of 2022 (other people's data, read from where it lies), and collections of ours.
// And what the real Witness library makes of the collection of an imported trace.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publicKeyPem } from '@affidavit/attest/keys.ts';
import { collectionPredicateType } from '@affidavit/attest/type-uris.ts';
import { type ImportedSession, importSample, signSample, sourceFolder } from '../../cli/test/import/signed.ts';
import { temporaryFolder } from '../../cli/test/run-cli.ts';
import { collection, ptraceRun } from '../../services/ingest/test/witness/samples.ts';
import { askPeer, openPeerverify } from './peerverify.ts';
import { processStream } from './process-run.ts';
import { type PolicyStep, writePolicy } from './witness-policy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const golden = process.env['AFFIDAVIT_GOLDEN'] ?? join(root, '../shared/golden');
const demo = { attestation: join(golden, 'solar-att.json'), publicKey: join(golden, 'demo-pub.pem') };
const noGolden = existsSync(demo.attestation)
	? false
	: `no ${demo.attestation}: set AFFIDAVIT_GOLDEN to the folder that holds the demo's attestation`;

const rulesOf = (session: ImportedSession | null): string[] =>
	(session?.findings ?? []).map(({ rule, path }) => `${rule} ${path ?? '-'}`);

suite("the talk's demo of 2022", { skip: noGolden }, () => {
	test('its compiler input differs from what the build recorded, on main.go and on nothing else', async (t) => {
		const { run, session } = await importSample(temporaryFolder(t), demo);
		assert.ok(session, run.stderr);
		assert.equal(run.code, 1);
		assert.equal(session.verdict, 'failed');
		assert.deepEqual(rulesOf(session), ['compiler-read-differs-from-repo main.go', 'trace-incomplete -']);
		const [finding] = session.findings;
		assert.match(finding?.expectedDigest ?? '', /^0a50c2d8a619/);
		assert.match(finding?.digest ?? '', /^699b52b5d2ea/);
		assert.equal(session.imported.sources, 'declared');
	});

	test('what it lacks is counted, and how late it hashed is shown', async (t) => {
		const { session } = await importSample(temporaryFolder(t), demo);
		assert.ok(session);
		const { imported, completeness } = session;
		assert.deepEqual(completeness.reasons, ['sources-unverified', 'trace-incomplete']);
		assert.equal(completeness.orphanProcesses, 3);
		assert.deepEqual(imported.losses, { opens_without_digest: 32, unknown_processes: 3 });
		assert.deepEqual(
			completeness.gaps.map(({ detail, count }) => [detail, count]),
			[
				['affidavit_import_opens_without_digest', 32],
				['affidavit_import_unknown_processes', 3],
			],
		);
		assert.equal(imported.assurance, 'agent');
		const { lateness } = imported;
		assert.deepEqual(
			[lateness?.digests, lateness?.medianMs, lateness?.p95Ms, lateness?.maxMs].map((n) => Math.round(n ?? -1)),
			[1274, 106, 409, 444],
		);
		assert.deepEqual([imported['files'], imported['accesses'], imported['processes']], [591, 1306, 15]);
	});

	test('a key that did not sign it gets nothing out of it', async (t) => {
		const folder = temporaryFolder(t);
		const { publicKey } = signSample(folder, {});
		const { run } = await importSample(folder, { attestation: demo.attestation, publicKey });
		assert.deepEqual([run.code, run.stdout], [1, '']);
	});
});

/** A recorded stream, processed, and its collection imported. */
async function reimported(
	t: Parameters<typeof temporaryFolder>[0],
	stream: string,
	...more: string[]
): Promise<ImportedSession> {
	const folder = temporaryFolder(t);
	const { sessions, key } = processStream(stream, folder);
	const attestation = sessions[0]?.files.get(collectionPredicateType);
	assert.ok(attestation);
	const publicKey = join(folder, 'signing.pub.pem');
	writeFileSync(publicKey, publicKeyPem(key.key));
	const { run, session } = await importSample(join(folder, 'again'), { attestation, publicKey }, ...more);
	assert.ok(session, run.stderr);
	return session;
}

suite('a collection of ours, imported again', () => {
	test('of a clean build: nothing differs, and it is no better than its word', async (t) => {
		const session = await reimported(t, '04-c-make');
		assert.deepEqual(
			session.findings.filter(({ severity }) => !['info', 'low'].includes(severity)),
			[],
		);
		assert.equal(session.verdict, 'incomplete');
		assert.deepEqual([session.imported.backend, session.imported.assurance], ['affidavit', 'declared']);
		assert.ok(session.counts.processes > 10);
		assert.ok(session.products.length > 0);
	});

	test('of a build whose source was swapped: the same finding, against the commit that the collection names', async (t) => {
		const bundle = join(root, 'test/fixtures/traces/02a-go-swap/repo.bundle');
		const session = await reimported(t, '02a-go-swap', '--repo', `any/name=${bundle}`);
		const found = session.findings.find(({ rule }) => rule === 'compiler-read-differs-from-repo');
		assert.equal(session.verdict, 'failed');
		assert.deepEqual([found?.path, found?.digest?.slice(0, 8)], ['main.go', 'bcd6f27c']);
		assert.equal(session.imported.sources, 'repository');
	});
});

suite('the Witness library', { skip: openPeerverify().kind === 'absent' ? 'no peerverify' : false }, () => {
	test("does not take an imported session for the step, only for the step's import", async (t) => {
		const peer = openPeerverify();
		assert.ok(peer.kind === 'peer');
		const folder = temporaryFolder(t);
		const sample = signSample(folder, collection('v0.1', ptraceRun()));
		const { session } = await importSample(folder, sample, '--repo', `example/app=${sourceFolder(folder)}`);
		assert.equal(session?.verdict, 'passed');
		const attestation = session.statements.find((s) => s.predicateType === collectionPredicateType)?.envelope ?? '';
		const key = createPublicKey(readFileSync(join(folder, 'data/keys/signing.pub.pem')));
		const artifact = join(folder, 'app');
		writeFileSync(artifact, 'ELF app');
		const step = (name: string): PolicyStep => ({
			name,
			keys: [key],
			attestations: ['material', 'command-run', 'product'].map((one) => ({
				type: `https://witness.dev/attestations/${one}/v0.1`,
			})),
		});
		const answer = (name: string): boolean =>
			askPeer(peer.binary, { ...writePolicy(folder, name, [step(name)]), attestations: [attestation], artifact })
				.accepted;
		assert.deepEqual([answer('build'), answer('build.imported')], [false, true]);
	});
});
