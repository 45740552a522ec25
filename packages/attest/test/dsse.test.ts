import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { envelopeJson, pae, parseEnvelope, verifyEnvelope } from '../src/dsse.ts';
import { keyIdOf } from '../src/keys.ts';
import { inTotoPayloadType } from '../src/type-uris.ts';
import { testKey } from './signing.ts';

test('pre-authentication encoding counts bytes (the example of the DSSE specification)', () => {
	assert.equal(
		pae('http://example.com/HelloWorld', Buffer.from('hello world')).toString('utf8'),
		'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
	);
	assert.equal(pae('ü', Buffer.from('ä')).toString('utf8'), 'DSSEv1 2 ü 2 ä');
});

test('an envelope survives writing and reading', () => {
	fc.assert(
		fc.property(fc.uint8Array(), fc.uint8Array({ minLength: 1 }), fc.string(), (payload, sig, keyid) => {
			const parsed = parseEnvelope(envelopeJson(inTotoPayloadType, payload, { keyid, sig }));
			assert.equal(parsed.kind, 'envelope');
			if (parsed.kind !== 'envelope') return;
			assert.deepEqual(Buffer.from(parsed.envelope.payload), Buffer.from(payload));
			assert.equal(parsed.envelope.signatures[0]?.keyid, keyid.toWellFormed());
		}),
	);
});

test('what is no envelope is refused with the field named', () => {
	const cases: [unknown, RegExp][] = [
		[[], /expected a JSON object, found an array/],
		[{}, /payloadType: expected a string, found nothing/],
		[{ payloadType: 'x', payload: 3 }, /payload: expected base64/],
		[{ payloadType: 'x', payload: 'a_-=', signatures: [] }, /payload: expected base64/],
		[{ payloadType: 'x', payload: 'YQ', signatures: [] }, /payload: expected base64/],
		[{ payloadType: 'x', payload: 'YQ==', signatures: {} }, /signatures: expected an array/],
		[{ payloadType: 'x', payload: 'YQ==', signatures: [] }, /signatures: expected 1 to 64/],
		[{ payloadType: 'x', payload: 'YQ==', signatures: [{ keyid: 1, sig: '' }] }, /signatures\[0\]\.keyid/],
		[{ payloadType: 'x', payload: 'YQ==', signatures: [{ sig: '*' }] }, /signatures\[0\]\.sig/],
	];
	for (const [value, reason] of cases) {
		const parsed = parseEnvelope(Buffer.from(JSON.stringify(value)));
		assert.match(parsed.kind === 'invalid' ? parsed.reason : '', reason);
	}
});

test('verifies ed25519, ECDSA P-256 and P-384 and RSA-PSS; PKCS #1 v1.5 is none of them', () => {
	const payload = Buffer.from('{}');
	const bytes = pae('t', payload);
	const ed = generateKeyPairSync('ed25519');
	const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
	const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
	const good = [
		{ key: ed.publicKey, sig: sign(null, bytes, ed.privateKey) },
		{ key: p256.publicKey, sig: sign('sha256', bytes, p256.privateKey) },
		{ key: p384.publicKey, sig: sign('sha256', bytes, p384.privateKey) },
		{ key: p384.publicKey, sig: sign('sha384', bytes, p384.privateKey) },
		{ key: rsa.publicKey, sig: sign('sha256', bytes, { key: rsa.privateKey, ...pss }) },
	];
	const check = (key: (typeof good)[0]['key'], sig: Buffer): string =>
		verifyEnvelope({ payloadType: 't', payload, signatures: [{ keyid: '', sig }] }, [{ key, keyId: keyIdOf(key) }])
			.kind;
	for (const { key, sig } of good) assert.equal(check(key, sig), 'verified');
	assert.equal(check(rsa.publicKey, sign('sha256', bytes, rsa.privateKey)), 'bad-signature');
	assert.equal(check(testKey().key, (good[0] as { sig: Buffer }).sig), 'bad-signature');
});
