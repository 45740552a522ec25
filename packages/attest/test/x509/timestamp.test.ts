import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { initializeTSA } from '@sigstore/mock';
import * as pkijs from 'pkijs';
import { verifyTimestamp } from '../../src/x509/timestamp.ts';
import { timestampBytesMax } from '../../src/x509/timestamp-token.ts';
import type { CertificateFields, Issued } from '../authority.ts';
import { issueLeaf, makeAuthority, makeTimestampAuthority, timeStampingUsage } from '../authority.ts';
import type { TimestampFields } from '../timestamps.ts';
import { makeTimestamp, makeTimestampResponse } from '../timestamps.ts';
import { ms, read, reasonOf } from './read.ts';

const signature = Buffer.from('raw bytes of a signature');
const at = new Date('2025-01-01T00:00:00Z');
const nowMs = ms('2026-01-01T00:00:00Z');

const check = (token: Uint8Array, authorities: Issued[]) =>
	verifyTimestamp({ token, signature, authorities: authorities.map(read), nowMs });

suite('accepted', () => {
	test('keys of every kind; the time is the stamp’s own', async () => {
		for (const kind of ['ed25519', 'p256', 'p384', 'p521', 'rsa'] as const) {
			const root = await makeAuthority({ kind });
			const authority = await makeTimestampAuthority(root, { kind });
			for (const digest of ['sha256', 'sha384', 'sha512'] as const) {
				const result = check(makeTimestamp(authority, signature, { at, digest }), [root]);
				const expected = { kind: 'timestamp', atMs: at.getTime(), authority: 'CN=test timestamp authority' };
				assert.deepEqual(result, expected, `${kind} ${digest}`);
			}
		}
	});

	test('intermediates from the token or from the policy, the authority itself as anchor', async () => {
		const root = await makeAuthority({ name: 'CN=root' });
		const middle = await makeAuthority({ name: 'CN=middle' }, root);
		const authority = await makeTimestampAuthority(middle);
		const alone = makeTimestamp(authority, signature, { at });
		const whole = makeTimestamp(authority, signature, { at, certificates: [middle, authority] });
		assert.equal(check(whole, [root]).kind, 'timestamp');
		assert.equal(check(alone, [root, middle]).kind, 'timestamp');
		assert.equal(check(alone, [authority]).kind, 'timestamp');
		assert.match(reasonOf(check(alone, [root])), /no issuer of certificate "CN=test timestamp authority"/);
	});

	test('after the authority’s certificate expired, since it is judged at the time of the stamp', async () => {
		const root = await makeAuthority({ notAfter: new Date('2025-06-01') });
		const authority = await makeTimestampAuthority(root, { notAfter: new Date('2025-02-01') });
		assert.equal(check(makeTimestamp(authority, signature, { at }), [root]).kind, 'timestamp');
	});

	test('of another implementation: sigstore’s, without the response around it', async () => {
		const authority = await initializeTSA(generateKeyPairSync('ec', { namedCurve: 'P-384' }));
		const artifactHash = createHash('sha256').update(signature).digest();
		const hashAlgorithmOID = '2.16.840.1.101.3.4.2.1';
		const request = { artifactHash, hashAlgorithmOID, nonce: 1, policyOID: '1.2.3', certReq: true };
		const response = Buffer.from((await authority.timestamp(request)) as Uint8Array);
		const token = pkijs.TimeStampResp.fromBER(response).timeStampToken?.toSchema().toBER() ?? new ArrayBuffer(0);
		const authorities = [authority.rootCertificate, authority.intCertificate].map((certificate) =>
			read({ der: Buffer.from(certificate as Uint8Array) }),
		);
		const about = { signature, authorities, nowMs: Date.now() };
		const result = verifyTimestamp({ ...about, token: new Uint8Array(token) });
		assert.equal(result.kind, 'timestamp', reasonOf(result));
		assert.match(reasonOf(verifyTimestamp({ ...about, token: response })), /whole TimeStampResp is none/);
	});
});

suite('refused', () => {
	const tokens: [string, Partial<TimestampFields>, RegExp][] = [
		['without the certificate', { certificates: [] }, /the certificate of its signer is not in it/],
		['with two signers', { signers: 2 }, /expected one signer, found 2/],
		['without a signer', { signers: 0 }, /expected one signer, found 0/],
		['with the digest of other content', { messageDigest: Buffer.alloc(32) }, /digest that is signed is not that of/],
		[
			'altered after it was signed',
			{
				tamper: (info) => {
					info[info.length - 3] = (info[info.length - 3] as number) ^ 1;
				},
			},
			/digest that is signed is not that of|time cannot be read/,
		],
		['of other content than a TSTInfo', { contentType: '1.2.840.113549.1.7.1' }, /holds a TSTInfo/],
		['without signed attributes', { withoutSignedAttributes: true }, /expected signed attributes/],
		['signed with SHA-1', { digest: 'sha1' }, /digest algorithm 1\.3\.14\.3\.2\.26 is unknown or broken/],
		['with a critical extension', { criticalExtension: true }, /critical extension/],
		[
			'of a SHA-1',
			{ imprint: { algorithm: '1.3.14.3.2.26', digest: Buffer.alloc(20) } },
			/expected a sha256 of what was stamped/,
		],
		[
			'of another signature',
			{ imprint: { algorithm: '2.16.840.1.101.3.4.2.1', digest: Buffer.alloc(32) } },
			/stamps another signature/,
		],
		['of a time before the authority', { at: new Date('2023-01-01') }, /is not valid before 2024-01-01/],
		['of a time after the authority', { at: new Date('2035-01-01') }, /expired on 2034-01-01/],
		['signed after the authority expired', { signingTime: new Date('2035-01-01') }, /expired on 2034-01-01/],
		['stamped after it expired', { at: new Date('2035-01-01'), signingTime: at }, /expired on 2034-01-01/],
	];
	for (const [name, fields, reason] of tokens)
		test(`a token ${name}`, async () => {
			const root = await makeAuthority();
			const authority = await makeTimestampAuthority(root);
			assert.match(reasonOf(check(makeTimestamp(authority, signature, { at, ...fields }), [root])), reason);
		});

	const authorities: [string, CertificateFields, RegExp][] = [
		['without the extended key usage', { extendedKeyUsages: [] }, /timeStamping as its only extended key usage/],
		[
			'with one more',
			{ extendedKeyUsages: [timeStampingUsage, '1.3.6.1.5.5.7.3.3'] },
			/timeStamping as its only extended key usage/,
		],
		['whose usage is not critical', { extendedKeyUsageCritical: false }, /must be critical/],
	];
	for (const [name, fields, reason] of authorities)
		test(`an authority ${name}`, async () => {
			const root = await makeAuthority();
			const authority = await makeTimestampAuthority(root, fields);
			assert.match(reasonOf(check(makeTimestamp(authority, signature, { at }), [root])), reason);
		});

	test('an authority under one for servers only', async () => {
		const root = await makeAuthority({ name: 'CN=root' });
		const servers = await makeAuthority({ name: 'CN=servers', extendedKeyUsages: ['1.3.6.1.5.5.7.3.1'] }, root);
		const authority = await makeTimestampAuthority(servers);
		const token = makeTimestamp(authority, signature, { at, certificates: [authority, servers] });
		assert.match(reasonOf(check(token, [root])), /"CN=servers" is not for the extended key usage/);
	});

	test('an authority that nobody trusts, and no authority at all', async () => {
		const [root, other] = [await makeAuthority(), await makeAuthority()];
		const token = makeTimestamp(await makeTimestampAuthority(root), signature, { at });
		assert.match(reasonOf(check(token, [other])), /no chain to a timestamp authority of the policy/);
		assert.match(reasonOf(check(token, [])), /no chain to a timestamp authority of the policy/);
	});

	test('a token signed by another key than that of the certificate that it names', async () => {
		const root = await makeAuthority();
		const authority = await makeTimestampAuthority(root);
		const { privateKey } = await issueLeaf(root);
		const token = makeTimestamp({ ...authority, privateKey }, signature, { at });
		assert.match(reasonOf(check(token, [root])), /its signature does not verify/);
	});

	test('without a signing time, once the certificate has expired: the real engine then asks the clock', async () => {
		const root = await makeAuthority();
		const authority = await makeTimestampAuthority(root, { notAfter: new Date('2025-06-01') });
		const token = makeTimestamp(authority, signature, { at, signingTime: null });
		const about = { token, signature, authorities: [read(root)] };
		assert.equal(verifyTimestamp({ ...about, nowMs: ms('2025-05-01') }).kind, 'timestamp');
		assert.match(reasonOf(verifyTimestamp({ ...about, nowMs })), /expired on 2025-06-01/);
	});

	test('a whole response, other bytes, too many bytes', async () => {
		const root = await makeAuthority();
		const token = makeTimestamp(await makeTimestampAuthority(root), signature, { at });
		assert.match(reasonOf(check(makeTimestampResponse(token), [root])), /whole TimeStampResp is none/);
		assert.match(reasonOf(check(Buffer.alloc(0), [root])), /expected one ASN\.1 structure/);
		assert.match(reasonOf(check(Buffer.concat([token, Buffer.alloc(1)]), [root])), /expected one ASN\.1 structure/);
		assert.match(reasonOf(check(Buffer.alloc(timestampBytesMax + 1), [root])), /at most 262144 bytes/);
	});
});
