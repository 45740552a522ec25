import assert from 'node:assert/strict';
import { constants, sign } from 'node:crypto';
import { suite, test } from 'node:test';
import type { Envelope, EnvelopeSignature, TrustedKey } from '../src/dsse.ts';
import { pae, signedWorkBytesMax } from '../src/dsse.ts';
import type { SignerCheck, SignersAllowance, SignersRequest } from '../src/signers.ts';
import { checkSigners, envelopeCandidatesMax, makeSignersAllowance, signerBytesMax } from '../src/signers.ts';
import type { Issued } from './authority.ts';
import { issueLeaf, makeAuthority, makeTimestampAuthority } from './authority.ts';
import { testKey } from './signing.ts';
import { makeTimestamp } from './timestamps.ts';
import { ms, read } from './x509/read.ts';

const payload = Buffer.from('{}');
const signed = pae('t', payload);
const nowMs = ms('2026-01-01T00:00:00Z');
const none: SignersRequest = { keys: [], roots: [], intermediates: [], timestampAuthorities: [], nowMs };

const envelopeOf = (...signatures: EnvelopeSignature[]): Envelope => ({ payloadType: 't', payload, signatures });
const check = (request: Partial<SignersRequest>, ...signatures: EnvelopeSignature[]) =>
	checkSigners(envelopeOf(...signatures), { ...none, ...request });

const signatureOf = (leaf: Issued, bytes: Uint8Array = signed): Buffer =>
	sign(leaf.kind === 'ed25519' ? null : 'sha256', bytes, leaf.privateKey);

const certified = (leaf: Issued, fields: Partial<EnvelopeSignature> = {}): EnvelopeSignature => ({
	keyid: leaf.keyId,
	sig: signatureOf(leaf),
	certificate: Buffer.from(leaf.pem),
	...fields,
});

const summary = (checks: readonly SignerCheck[]): string[] =>
	checks.map((c) => `${c.signature} ${c.kind} ${c.verified ? 'verified' : c.reason}`);

suite('keys', () => {
	const [one, two] = [testKey(), testKey('p256')];
	const keys: TrustedKey[] = [one, two];
	const bySig = (key: typeof one, keyid: string): EnvelopeSignature => ({
		keyid,
		sig: sign(key === one ? null : 'sha256', signed, key.privateKey),
	});

	test('every signature against every key; the key id in the envelope decides nothing', () => {
		for (const keyid of ['', one.keyId, two.keyId, 'other']) {
			const checks = check({ keys }, bySig(one, keyid), bySig(two, keyid));
			assert.deepEqual(
				checks.map((c) => [c.signature, c.kind === 'key' && c.keyId, c.verified]),
				[
					[0, one.keyId, true],
					[0, two.keyId, false],
					[1, one.keyId, false],
					[1, two.keyId, true],
				],
			);
		}
	});

	test('other bytes, and no keys', () => {
		const sig = sign(null, pae('u', payload), one.privateKey);
		assert.ok(check({ keys }, { keyid: one.keyId, sig }).every((c) => !c.verified));
		assert.deepEqual(check({}, bySig(one, '')), []);
		assert.deepEqual(check({ keys }), []);
	});

	test('says the padding of RSA', async () => {
		const { key, privateKey, keyId } = await makeAuthority({ kind: 'rsa' });
		const pss = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING };
		const sigs = [sign('sha256', signed, pss), sign('sha256', signed, privateKey)];
		const checks = check({ keys: [{ key, keyId }] }, ...sigs.map((sig) => ({ keyid: '', sig })));
		assert.deepEqual(
			checks.map((c) => c.verified && c.padding),
			['pss', 'pkcs1'],
		);
	});
});

suite('certificates without timestamp authorities', () => {
	test('judged now, with intermediates of the signature or of the policy', async () => {
		const root = await makeAuthority({ name: 'CN=root' });
		const middle = await makeAuthority({ name: 'CN=middle' }, root);
		const leaf = await issueLeaf(middle, { name: 'CN=leaf' });
		const roots = [read(root)];
		const own = check({ roots }, certified(leaf, { intermediates: [Buffer.from(middle.pem)] }));
		assert.deepEqual(summary(own), ['0 certificate verified']);
		const [first] = own;
		assert.ok(first?.kind === 'certificate');
		assert.deepEqual(
			first.chain.map(({ commonName }) => commonName),
			['leaf', 'middle', 'root'],
		);
		assert.equal(first.certificate.keyId, leaf.keyId);
		assert.equal(first.atMs, nowMs);
		assert.equal(first.timestamped, false);
		assert.deepEqual(
			first.intermediates.map(({ commonName }) => commonName),
			['middle'],
		);
		assert.deepEqual(summary(check({ roots, intermediates: [read(middle)] }, certified(leaf))), [
			'0 certificate verified',
		]);
		const alone = check({ roots }, certified(leaf));
		assert.deepEqual(summary(alone), ['0 certificate no issuer of certificate "CN=leaf" is known or a root']);
		assert.ok(alone[0]?.kind === 'certificate' && alone[0].chain.length === 0);
	});

	test('an expired one, a timestamp on it or not; no roots; a signature over other bytes', async () => {
		const root = await makeAuthority({ name: 'CN=root' });
		const authority = await makeTimestampAuthority(root);
		const leaf = await issueLeaf(root, { name: 'CN=leaf', notAfter: new Date('2025-01-02T00:00:00Z') });
		const sig = signatureOf(leaf);
		const data = makeTimestamp(authority, sig, { at: new Date('2025-01-01T00:00:00Z') });
		const expired =
			'0 certificate certificate "CN=leaf" expired on 2025-01-02T00:00:00Z; judged at 2026-01-01T00:00:00Z';
		const roots = [read(root)];
		assert.deepEqual(summary(check({ roots }, certified(leaf))), [expired]);
		const stamped = certified(leaf, { sig, timestamps: [{ type: 'tsp', data }] });
		assert.deepEqual(summary(check({ roots }, stamped)), [expired]);
		const valid = await issueLeaf(root, { name: 'CN=leaf' });
		assert.match(summary(check({}, certified(valid))).join(), /no issuer/);
		const other = certified(valid, { sig: signatureOf(valid, Buffer.from('other')) });
		assert.match(summary(check({ roots }, other)).join(), /0 certificate the signature does not verify/);
	});

	test('the key of a certificate may be one of the keys too; an unreadable certificate lets no key speak', async () => {
		const root = await makeAuthority();
		const leaf = await issueLeaf(root);
		const keys = [{ key: leaf.key, keyId: leaf.keyId }];
		const roots = [read(root)];
		assert.deepEqual(summary(check({ keys, roots }, certified(leaf))), ['0 certificate verified', '0 key verified']);
		assert.deepEqual(summary(check({ keys }, certified(leaf, { certificate: Buffer.alloc(0) }))), ['0 key verified']);
		for (const certificate of [Buffer.from('x'), leaf.der]) {
			const unreadable = check({ keys, roots }, certified(leaf, { certificate }), certified(leaf));
			assert.deepEqual(summary(unreadable), [
				'0 unreadable-certificate certificate: expected a certificate in PEM',
				'1 certificate verified',
				'1 key verified',
			]);
		}
		const junk = certified(leaf, { intermediates: [Buffer.from('x')] });
		assert.deepEqual(summary(check({ roots }, junk)), ['0 certificate verified']);
	});
});

suite('certificates with timestamp authorities', () => {
	const at = new Date('2025-01-01T12:00:00Z');
	const late = new Date('2025-06-01T00:00:00Z');
	const stamp = (data: Buffer) => ({ type: 'tsp', data });

	async function setting() {
		const root = await makeAuthority({ name: 'CN=root' });
		const stampRoot = await makeAuthority({ name: 'CN=stamp root' });
		const authority = await makeTimestampAuthority(stampRoot);
		const notBefore = new Date('2025-01-01T00:00:00Z');
		const leaf = await issueLeaf(root, { name: 'CN=leaf', notBefore, notAfter: new Date('2025-01-02T00:00:00Z') });
		const sig = signatureOf(leaf);
		const request = { roots: [read(root)], timestampAuthorities: [read(stampRoot)] };
		return { root, authority, leaf, sig, request };
	}

	test('judged at the time of a timestamp, after the certificate expired', async () => {
		const { authority, leaf, sig, request } = await setting();
		const timestamps = [stamp(makeTimestamp(authority, sig, { at }))];
		const [result] = check(request, certified(leaf, { sig, timestamps }));
		assert.ok(result?.kind === 'certificate' && result.verified, JSON.stringify(summary([result as SignerCheck])));
		assert.equal(result.atMs, at.getTime());
		assert.equal(result.timestamped, true);
	});

	test('the last timestamp at which there is a chain counts, bad ones beside it change nothing', async () => {
		const { authority, leaf, sig, request } = await setting();
		const good = stamp(makeTimestamp(authority, sig, { at }));
		const later = stamp(makeTimestamp(authority, sig, { at: new Date(at.getTime() + 1000) }));
		const bad = [stamp(Buffer.from('x')), stamp(makeTimestamp(authority, sig, { at: late }))];
		for (const timestamps of [
			[good, ...bad],
			[...bad, good],
			[good, later, ...bad],
			[good, bad[0] as typeof good, later],
		]) {
			const [result] = check(request, certified(leaf, { sig, timestamps }));
			assert.ok(result?.kind === 'certificate' && result.verified);
			assert.equal(result.atMs, timestamps.includes(later) ? at.getTime() + 1000 : at.getTime());
		}
	});

	test('refused without a timestamp, even now; with one of another signature; outside the validity', async () => {
		const { root, authority, leaf, sig, request } = await setting();
		const refusal = (timestamps: ReturnType<typeof stamp>[], of = leaf) =>
			summary(check(request, certified(of, { sig, timestamps }))).join();
		assert.match(refusal([]), /0 certificate the signature has no timestamp, which the policy asks for/);
		const valid = await issueLeaf(root);
		assert.match(summary(check(request, certified(valid))).join(), /has no timestamp/);
		const other = makeTimestamp(authority, Buffer.from('other'), { at });
		assert.match(refusal([stamp(other)]), /no valid timestamp: timestamp: it stamps another signature/);
		assert.match(refusal([stamp(makeTimestamp(authority, sig, { at: late }))]), /"CN=leaf" expired on 2025-01-02/);
		const strange = await makeTimestampAuthority();
		assert.match(refusal([stamp(makeTimestamp(strange, sig, { at }))]), /no chain to a timestamp authority/);
		const [unstamped] = check(request, certified(leaf, { sig }));
		assert.ok(unstamped?.kind === 'certificate' && Number.isNaN(unstamped.atMs));
	});

	test('keys need no timestamp', async () => {
		const { leaf, request } = await setting();
		const keys = [{ key: leaf.key, keyId: leaf.keyId }];
		assert.deepEqual(summary(check({ ...request, keys }, { keyid: '', sig: signatureOf(leaf) })), ['0 key verified']);
	});
});

suite('the work is bounded', () => {
	test('hashing: many keys and signatures over a large payload', () => {
		const large: Envelope = { payloadType: 't', payload: Buffer.alloc(signedWorkBytesMax / 8), signatures: [] };
		const keys = Array.from({ length: 12 }, () => testKey('p256'));
		const right = keys.at(-1) as (typeof keys)[0];
		const sig = sign('sha256', pae('t', large.payload), right.privateKey);
		large.signatures.push({ keyid: '', sig });
		const reasons = checkSigners(large, { ...none, keys }).map((c) => c.reason);
		assert.equal(reasons.filter((reason) => /does not verify/.test(reason)).length, 7);
		assert.equal(reasons.filter((reason) => /too many signatures and keys/.test(reason)).length, 5);
		// The key that it names is tried first.
		large.signatures = [{ keyid: right.keyId, sig }];
		assert.ok(checkSigners(large, { ...none, keys }).at(-1)?.verified);
	});

	test('certificates: more bytes than can be read in a second or two', async () => {
		const root = await makeAuthority();
		const leaf = await issueLeaf(root);
		const keys = [{ key: leaf.key, keyId: leaf.keyId }];
		const intermediates = Array.from({ length: 16 }, () => Buffer.alloc(signerBytesMax / 16, 'x'));
		const checks = check({ keys, roots: [read(root)] }, certified(leaf, { intermediates }), certified(leaf));
		const reason = 'unreadable-certificate more than 131072 bytes of certificates';
		assert.deepEqual(summary(checks), [`0 ${reason}`, `1 ${reason}`]);
	});

	test('chains: one budget for all signatures', async () => {
		const kind = 'ed25519';
		const root = await makeAuthority({ name: 'CN=root', kind });
		const upper = await makeAuthority({ name: 'CN=upper', kind }, root);
		const lower = await makeAuthority({ name: 'CN=lower', kind }, upper);
		const leaf = await issueLeaf(lower, { kind });
		const request = { ...none, roots: [read(root)], intermediates: [read(upper), read(lower)] };
		// Three issuers each.
		const enough = Math.floor(envelopeCandidatesMax / 3);
		const signatures = Array.from({ length: enough + 1 }, () => certified(leaf));
		const checks = checkSigners(envelopeOf(...signatures), request);
		assert.equal(checks.filter(({ verified }) => verified).length, enough);
		assert.match(checks.at(-1)?.reason ?? '', /those left for the envelope/);
	});

	test('a set of envelopes: what one has used the next no longer has', async () => {
		const root = await makeAuthority({ kind: 'ed25519' });
		const leaf = await issueLeaf(root, { kind: 'ed25519' });
		const signature = certified(leaf);
		const first = { ...none, roots: [read(root)], keys: [{ key: leaf.key, keyId: leaf.keyId }] };
		const used = makeSignersAllowance();
		checkSigners(envelopeOf(signature), { ...first, allowance: used });
		const whole = makeSignersAllowance();
		const costs = {
			signedBytes: whole.signedBytes - used.signedBytes,
			signerBytes: whole.signerBytes - used.signerBytes,
			candidates: whole.candidates - used.candidates,
		};
		assert.ok(costs.signedBytes > 0);
		assert.equal(costs.signerBytes, leaf.pem.length);
		assert.equal(costs.candidates, 1);
		const twice = (allowance: SignersAllowance) =>
			[1, 2].map(() => checkSigners(envelopeOf(signature), { ...first, allowance }).map((c) => c.verified));
		assert.deepEqual(twice({ ...whole }).flat(), [true, true, true, true]);
		assert.deepEqual(twice({ ...whole, signedBytes: costs.signedBytes }), [
			[true, true],
			[false, false],
		]);
		assert.deepEqual(twice({ ...whole, signerBytes: costs.signerBytes }), [[true, true], [false]]);
		assert.deepEqual(twice({ ...whole, candidates: costs.candidates }), [
			[true, true],
			[false, true],
		]);
	});
});
