import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { envelopeJson, pae } from '../src/dsse.ts';
import { keyIdOf, signBytes } from '../src/keys.ts';
import { statementBytes } from '../src/statement.ts';
import { inTotoPayloadType } from '../src/type-uris.ts';
import { readVerdict } from '../src/verdicts.ts';
import { verifyArtifact } from '../src/verify-artifact.ts';
import { artifactSummary, type PolicyVerification } from '../src/vsa.ts';

const sha256 = '5a'.repeat(32);
const verification: PolicyVerification = {
	artifact: { name: 'app', sha256 },
	resourceUri: 'pkg:generic/app@1',
	timeVerified: '2026-11-23T00:00:00.000Z',
	policy: { uri: 'https://witness.testifysec.com/policy/v0.1', sha256: 'cc'.repeat(32) },
	inputPayloads: ['ff'.repeat(32), 'aa'.repeat(32), 'ff'.repeat(32)],
	accepted: true,
};

test('a summary names what was verified, against what, by which attestations', () => {
	assert.deepEqual(artifactSummary(verification), {
		_type: 'https://in-toto.io/Statement/v1',
		subject: [{ name: 'app', digest: { sha256 } }],
		predicateType: 'https://slsa.dev/verification_summary/v1',
		predicate: {
			verifier: { id: 'https://affidavit.dev/verifier/v0.1' },
			timeVerified: '2026-11-23T00:00:00.000Z',
			resourceUri: 'pkg:generic/app@1',
			policy: { uri: 'https://witness.testifysec.com/policy/v0.1', digest: { sha256: 'cc'.repeat(32) } },
			inputAttestations: ['aa', 'ff'].map((byte) => ({
				uri: 'https://witness.testifysec.com/attestation-collection/v0.1',
				digest: { sha256: byte.repeat(32) },
			})),
			verificationResult: 'PASSED',
			verifiedLevels: ['SLSA_BUILD_LEVEL_UNEVALUATED'],
			slsaVersion: '1.0',
		},
	});
});

test('a rejected artifact has FAILED as its only level', () => {
	const { predicate } = artifactSummary({ ...verification, accepted: false });
	assert.equal(predicate.verificationResult, 'FAILED');
	assert.deepEqual(predicate.verifiedLevels, ['FAILED']);
});

test('it is no verdict on a session: `verify --public-key` does not take it for one', () => {
	const statement = artifactSummary(verification);
	assert.equal(readVerdict(statement).kind, 'invalid');
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	const { bytes } = statementBytes(statement);
	const sig = signBytes(privateKey, pae(inTotoPayloadType, bytes));
	const result = verifyArtifact({
		artifactDigest: sha256,
		envelopes: [{ name: 'vsa', bytes: envelopeJson(inTotoPayloadType, bytes, { keyid: '', sig }) }],
		publicKeys: [{ key: publicKey, keyId: keyIdOf(publicKey) }],
	});
	assert.equal(result.accepted, false);
	assert.match(result.reason, /affidavit_session/);
});
