import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sha256Hex } from '@affidavit/model/digests.ts';
import fc from 'fast-check';
import type { Statement } from '../src/statement.ts';
import { commitSubject, productSubject } from '../src/subjects.ts';
import { collectionPredicateType, indexPredicateType, statementTypeV1 } from '../src/type-uris.ts';
import type { NamedEnvelope, VerifyResult } from '../src/verify-artifact.ts';
import { verifyArtifact } from '../src/verify-artifact.ts';
import { envelopeOf, testKey, vsa } from './signing.ts';

const artifact = sha256Hex('app');
const app = productSubject('bin/app', artifact);
const mine = testKey();
const theirs = testKey('p256');
const failed = {
	verificationResult: 'FAILED',
	affidavit_verdict: 'failed',
	affidavit_findings: [{ rule: 'foreign-ptrace' }],
};

const verify = (...statements: (Statement | Buffer)[]): VerifyResult =>
	verifyArtifact({
		artifactDigest: artifact,
		envelopes: statements.map(
			(s, i): NamedEnvelope => ({ name: `e${i}`, bytes: Buffer.isBuffer(s) ? s : envelopeOf(s, mine) }),
		),
		publicKeys: [mine],
	});
const kinds = (result: VerifyResult): string[] => result.outcomes.map((o) => o.kind);

const collection = (name: string, affidavit: unknown): Statement => ({
	_type: statementTypeV1,
	subject: [app],
	predicateType: collectionPredicateType,
	predicate: { name, attestations: [], ...(affidavit === undefined ? {} : { affidavit }) },
});
const of = (verdict: string, revision = 1) => ({ session: 's1', revision, verdict });

test('strangers cannot make it last, nor hide the verdict that counts behind theirs', () => {
	const { envelope } = JSON.parse(`{"envelope":${envelopeOf(vsa([app]), testKey()).toString('utf8')}}`);
	const signatures = Array.from({ length: 64 }, () => ({ ...envelope.signatures[0], keyid: '' }));
	const flood = Buffer.from(JSON.stringify({ ...envelope, signatures }));
	const later = vsa([app], { ...failed, affidavit_revision: 2 });
	const result = verify(vsa([app]), ...Array.from({ length: 400 }, () => flood), later);
	assert.equal(result.accepted, false);
	assert.match(result.reason, /more signatures and bytes than can be checked/);
});

suite('accepted', () => {
	test('for a passed summary, naming the product and the session', () => {
		const result = verify(vsa([app]));
		assert.equal(result.accepted, true);
		assert.match(result.reason, /"bin\/app" of session s1, which passed/);
	});
	test('for the collection of a passed session', () => {
		assert.equal(verify(collection('build', of('passed'))).accepted, true);
	});
	test('inside a Sigstore bundle, with an empty key id, and signed by ECDSA P-256', () => {
		const envelope = envelopeOf(vsa([app]), theirs, undefined, '').toString('utf8');
		const bundle = Buffer.from(`{"mediaType":"x","dsseEnvelope":${envelope}}`);
		const request = { artifactDigest: artifact, envelopes: [{ name: 'b', bytes: bundle }], publicKeys: [mine, theirs] };
		assert.equal(verifyArtifact(request).accepted, true);
	});
	test('when a later revision passed after one that failed', () => {
		assert.equal(verify(vsa([app], failed), vsa([app], { affidavit_revision: 2 })).accepted, true);
	});
	test('when another session with the same product failed', () => {
		assert.equal(verify(vsa([app]), vsa([app], { ...failed, affidavit_session: 's2' })).accepted, true);
	});
});

suite('refused, with the reason', () => {
	const refused = (title: string, kind: string, reason: RegExp, ...statements: (Statement | Buffer)[]): void => {
		test(title, () => {
			const result = verify(...statements);
			assert.equal(result.accepted, false);
			assert.ok(kinds(result).includes(kind), kinds(result).join());
			assert.match(result.reason, reason);
		});
	};
	refused(
		'a failed session, with its rules',
		'verdict-failed',
		/session s1 failed: foreign-ptrace/,
		vsa([app], failed),
	);
	refused(
		'a passed session whose trace was imported, by its summary',
		'imported',
		/session s1 passed on an imported trace/,
		vsa([app], { affidavit_step: 'build.imported' }),
	);
	refused(
		'a passed session whose trace was imported, by its collection',
		'imported',
		/only a policy that asks for its step/,
		collection('build.imported', of('passed')),
	);
	refused(
		'an incomplete session',
		'verdict-incomplete',
		/session s1 is incomplete/,
		vsa([app], { verificationResult: 'FAILED', affidavit_verdict: 'incomplete' }),
	);
	refused('the collection of a failed step', 'verdict-failed', /failed/, collection('build.failed', of('failed')));
	refused(
		'a collection whose name says less',
		'verdict-incomplete',
		/whole/,
		collection('build.incomplete', of('passed')),
	);
	refused('a collection that nobody judged', 'no-verdict', /predicate\.affidavit/, collection('build', undefined));
	refused(
		'a summary that contradicts itself',
		'no-verdict',
		/contradicts/,
		vsa([app], { affidavit_verdict: 'failed' }),
	);
	refused('another artifact', 'subject-mismatch', /no product has sha256/, vsa([productSubject('x', sha256Hex('x'))]));
	refused(
		'the digest under another name than a product',
		'subject-mismatch',
		/no product/,
		vsa([{ ...app, name: 'app' }]),
	);
	refused('a commit of that digest', 'subject-mismatch', /no product/, vsa([commitSubject(artifact)]));
	refused('another key', 'other-key', /none of the given keys/, envelopeOf(vsa([app]), theirs));
	refused(
		'another key that calls itself ours',
		'bad-signature',
		/altered/,
		envelopeOf(vsa([app]), theirs, undefined, mine.keyId),
	);
	refused('another payload type', 'not-a-statement', /payloadType/, envelopeOf(vsa([app]), mine, 'application/json'));
	refused('no JSON', 'not-an-envelope', /expected a JSON text/, Buffer.from('nonsense'));
	refused('a subject of a wrong type', 'not-a-statement', /subject\[0\]\.digest/, {
		...vsa([]),
		subject: [{ name: 'x', digest: 3 }] as never,
	});
	refused(
		'a later revision that failed',
		'superseded',
		/revision 2 .* is failed/,
		vsa([app]),
		vsa([app], { ...failed, affidavit_revision: 2 }),
	);
	refused('a passed and a failed verdict of one revision', 'superseded', /revision 1/, vsa([app]), vsa([], failed));
	refused('the index statement', 'other-predicate', /carries no verdict/, {
		...vsa([app]),
		predicateType: indexPredicateType,
	});
	test('a digest that is none, no key, no attestation', () => {
		const good = {
			artifactDigest: artifact,
			envelopes: [{ name: 'e', bytes: envelopeOf(vsa([app]), mine) }],
			publicKeys: [mine],
		};
		assert.equal(verifyArtifact(good).accepted, true);
		assert.match(verifyArtifact({ ...good, artifactDigest: 'ABC' }).reason, /64 lower-case hex/);
		assert.match(verifyArtifact({ ...good, publicKeys: [] }).reason, /no public key/);
		assert.match(verifyArtifact({ ...good, envelopes: [] }).reason, /no attestation/);
	});
	test('an unsigned verdict against it changes nothing', () => {
		assert.equal(verify(vsa([app]), envelopeOf(vsa([app], failed), theirs)).accepted, true);
	});
});

test('no change of a byte of an accepted envelope lets another statement through, and none throws', () => {
	const good = envelopeOf(vsa([app]), mine);
	const payloadOf = (bytes: Buffer): Buffer => Buffer.from(JSON.parse(bytes.toString('utf8')).payload, 'base64');
	fc.assert(
		fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
			const bytes = Buffer.from(good);
			bytes[at] = (bytes[at] as number) ^ flip;
			const result = verify(bytes);
			if (result.accepted) assert.deepEqual(payloadOf(bytes), payloadOf(good));
		}),
		{ numRuns: 500 },
	);
});

test('any bytes and any JSON give an outcome', () => {
	fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !verify(Buffer.from(bytes)).accepted));
	fc.assert(fc.property(fc.json(), (json) => !verify(Buffer.from(json)).accepted));
	fc.assert(
		fc.property(fc.jsonValue(), (predicate) => !verify({ ...vsa([app]), predicate }).accepted),
		{ numRuns: 200 },
	);
});
