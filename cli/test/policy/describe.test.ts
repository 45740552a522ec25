import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority } from '../../../packages/attest/test/authority.ts';
import { type Described, describePolicy } from '../../src/policy/describe.ts';
import { readDocument } from '../../src/policy/document.ts';
import { base64, samplePolicy } from './sample.ts';

const described = (policy: unknown, of: Partial<Described> = {}): string =>
	describePolicy({
		form: 'signed',
		sha256: 'ab'.repeat(32),
		signedBy: ['k'],
		signatureHolds: true,
		document: readDocument(policy).document,
		...of,
	});

test('keys, authorities, steps and whom each takes, in words', async () => {
	const root = await makeAuthority({ name: 'CN=Root,O=Org', notAfter: new Date('2033-03-03T00:00:00Z') });
	const policy = samplePolicy();
	policy.roots = { ca: { certificate: base64(root.pem), intermediates: [base64(root.pem)] } };
	policy.timestampauthorities = { tsa: { certificate: base64('nothing') } };
	const build = policy.steps['build'];
	assert.ok(build);
	build.functionaries = [
		{
			type: 'root',
			certConstraint: {
				commonname: '*',
				emails: ['a@b', 'c@d'],
				dnsnames: ['*'],
				roots: ['ca'],
				extensions: { issuer: 'https://*' },
			},
		},
	];
	const text = described(policy);
	assert.match(text, /^expires +2027-11-23T00:00:00Z\nsignature +by k; it holds\n/);
	assert.match(text, /\nkeys\n {2}[0-9a-f]{64} {2}ed25519\n/);
	assert.match(text, /\nroots\n {2}ca +.*CN=Root.*, until 2033-03-03 +1 intermediates\n/);
	assert.match(text, /timestamp authorities\n {2}tsa +\S/);
	assert.match(
		text,
		/signed by +a certificate below ca: emails a@b, c@d; organizations none; URIs none; issuer https:\/\/\*\n/,
	);
	assert.match(text, /requires +material\/v0\.1\n +command-run\/v0\.1, unless denied by exit\n/);
	assert.match(text, /materials from +fetch\n/);
});

test('what a policy says cannot move the cursor', () => {
	const policy = samplePolicy();
	policy.expires = '\u001b[2J';
	const build = policy.steps['build'];
	assert.ok(build);
	build.name = 'a\nb\u202e';
	const text = described(policy, { form: 'json' });
	assert.ok(!text.includes('\u001b') && !text.includes('\u202e'));
	assert.match(text, /step a\\x0ab\\u202e\n/);
});

test('a signature that was not checked, and one that does not hold, are called so', () => {
	assert.match(described(samplePolicy(), { signatureHolds: null }), /by k; not checked/);
	assert.match(described(samplePolicy(), { signatureHolds: false }), /DOES NOT HOLD/);
	assert.match(described(samplePolicy(), { form: 'source' }), /signature +none \(a source, unsigned\)/);
});
