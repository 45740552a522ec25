// Chains from a certificate functionary to a root of the policy: who may issue, until when, for what.
import 'reflect-metadata';
import { KeyUsageFlags } from '@peculiar/x509';
import { makeAuthority, timeStampingUsage } from '../../../../packages/attest/test/authority.ts';
import type { MatrixCase } from '../case.ts';
import type { NamedSubtrees } from '../certificate-extensions.ts';
import { nameConstraints, rawExtension } from '../certificate-extensions.ts';
import { anything, base64Pem, certified, hourMs, rootOf, strangeRoot, withKey } from '../certified.ts';
import { policyKeyOf } from '../maker.ts';

const serverUsage = '1.3.6.1.5.5.7.3.1';
const unknownExtension = (critical: boolean) => rawExtension('1.2.3.4.5', critical, Buffer.from([5, 0]));
const permits = (names: NamedSubtrees) => ({ extensions: [nameConstraints(names)] });
const other = { roots: ['other'] };

export const chainCases: readonly MatrixCase[] = [
	certified('a leaf under an intermediate in the signature', 'accept', { intermediates: [{}] }),
	certified('a leaf under an intermediate in the policy', 'accept', { intermediates: [{}], intermediatesIn: 'policy' }),
	certified('a leaf under an intermediate that is missing', 'reject', {
		intermediates: [{}],
		intermediatesIn: 'nowhere',
	}),
	certified('a leaf under three intermediates', 'accept', { intermediates: [{}, {}, {}] }),
	certified('a leaf under three intermediates, in reverse order', 'accept', {
		intermediates: [{}, {}, {}],
		signer: (s) => ({ ...s, intermediates: [...(s.intermediates ?? [])].reverse() }),
	}),
	certified('an intermediate that cannot be read beside the right one', 'accept', {
		intermediates: [{}],
		signer: (s) => ({ ...s, intermediates: ['x', ...(s.intermediates ?? [])] }),
	}),
	certified('an intermediate as the root of the policy', 'accept', {
		intermediates: [{}],
		roots: (c) => ({ root: rootOf(c.intermediates[0] as typeof c.root) }),
	}),
	certified('the leaf itself as the root of the policy', 'accept', { roots: (c) => ({ root: rootOf(c.leaf) }) }),
	certified('a self-signed leaf that is no root of the policy', 'reject', (m) => ({
		root: withKey(m.key('p256', 'self')),
		signer: (s, c) => ({ ...s, certificate: c.root.pem, key: m.key('p256', 'self') }),
		roots: async () => ({ root: rootOf(await strangeRoot()) }),
	})),
	certified('another root of the same name', 'reject', {
		roots: async () => ({ root: rootOf(await makeAuthority({ name: 'CN=root' })) }),
	}),
	certified('a root above the issuer, the issuer in the signature', 'accept', async () => {
		const above = await strangeRoot();
		return {
			above,
			roots: () => ({ root: rootOf(above) }),
			signer: (s, c) => ({ ...s, intermediates: [c.root.pem] }),
		};
	}),
	certified('a loop of two authorities that sign each other', 'reject', async (m) => {
		const [one, two] = [m.key('p256', 'one'), m.key('p256', 'two')].map(withKey);
		const first = await makeAuthority({ name: 'CN=one', ...one });
		const second = await makeAuthority({ name: 'CN=two', ...two }, first);
		const back = await makeAuthority({ name: 'CN=one', ...one }, second);
		return {
			above: second,
			roots: async () => ({ root: rootOf(await strangeRoot()) }),
			signer: (s, c) => ({ ...s, intermediates: [c.root.pem, second.pem, back.pem] }),
		};
	}),
	certified("any root by '*'", 'accept', { constraint: { roots: ['*'] } }),
	certified("'*' beside another name of a root", 'reject', { constraint: { roots: ['*', 'other'] } }),
	certified('no roots in the constraint', 'reject', { constraint: { roots: [] } }),
	certified('a root that the policy does not have', 'reject', { constraint: other }),
	certified('two names of roots, the second right', 'accept', { constraint: { roots: ['other', 'root'] } }),
	certified('a root of the policy that the constraint does not name', 'reject', {
		roots: async (c) => ({ root: rootOf(c.root), other: rootOf(await strangeRoot()) }),
		constraint: other,
	}),
	certified("an intermediate that stands under another root's name in the policy", 'accept', {
		intermediates: [{}],
		intermediatesIn: 'nowhere',
		roots: async (c) => ({ root: rootOf(c.root), other: rootOf(await strangeRoot(), c.intermediates) }),
	}),
	certified('a leaf that has expired', 'reject', (m) => ({ leaf: { notAfter: new Date(m.nowMs - 60_000) } })),
	certified('a leaf that is not yet valid', 'reject', (m) => ({ leaf: { notBefore: new Date(m.nowMs + 60_000) } })),
	certified('an intermediate that has expired', 'reject', (m) => ({
		intermediates: [{ notAfter: new Date(m.nowMs - 60_000) }],
	})),
	certified('a root that has expired', 'reject', (m) => ({ root: { notAfter: new Date(m.nowMs - 60_000) } })),
	certified('a root that is not yet valid', 'reject', (m) => ({ root: { notBefore: new Date(m.nowMs + 60_000) } })),
	certified('a leaf that outlives its root', 'accept', (m) => ({
		leaf: { notAfter: new Date(m.nowMs + 1000 * hourMs) },
	})),
	certified('an intermediate that is no CA', 'reject', { intermediates: [{ isCa: false }] }),
	certified('an intermediate without basic constraints', 'reject', { intermediates: [{ isCa: null }] }),
	certified('a root that is no CA', 'reject', { root: { isCa: false } }),
	certified('a root without basic constraints', 'reject', { root: { isCa: null } }),
	certified('a leaf that is a CA', 'accept', { leaf: { isCa: true } }),
	certified('a root of path length 0 above a leaf', 'accept', { root: { pathLength: 0 } }),
	certified('a root of path length 0 above an intermediate', 'reject', {
		root: { pathLength: 0 },
		intermediates: [{}],
	}),
	certified('a root of path length 1 above an intermediate', 'accept', {
		root: { pathLength: 1 },
		intermediates: [{}],
	}),
	certified('an intermediate of path length 0 above another', 'reject', { intermediates: [{ pathLength: 0 }, {}] }),
	certified('a CA that may not sign certificates', 'reject', { root: { keyUsage: KeyUsageFlags.cRLSign } }),
	certified('a CA that may sign certificates', 'accept', { root: { keyUsage: KeyUsageFlags.keyCertSign } }),
	certified('a leaf that may not sign', 'accept', { leaf: { keyUsage: KeyUsageFlags.keyEncipherment } }),
	certified('a leaf for servers', 'accept', { leaf: { extendedKeyUsages: [serverUsage] } }),
	certified('a leaf for an unknown purpose, critical', 'accept', {
		leaf: { extendedKeyUsages: ['1.2.3.4'], extendedKeyUsageCritical: true },
	}),
	certified('an intermediate for timestamps only', 'accept', {
		intermediates: [{ extendedKeyUsages: [timeStampingUsage] }],
	}),
	certified('an unknown critical extension in the leaf', 'reject', { leaf: { extensions: [unknownExtension(true)] } }),
	certified('an unknown extension in the leaf', 'accept', { leaf: { extensions: [unknownExtension(false)] } }),
	certified('an unknown critical extension in an intermediate', 'reject', {
		intermediates: [{ extensions: [unknownExtension(true)] }],
	}),
	certified('an unknown critical extension in the root', 'reject', { root: { extensions: [unknownExtension(true)] } }),
	certified('a name within what the CA may name', 'accept', {
		root: { ...permits({ dns: ['example.dev'] }) },
		leaf: { dnsNames: ['a.example.dev'] },
	}),
	certified('a name outside of what the CA may name', 'reject', {
		root: { ...permits({ dns: ['example.dev'] }) },
		leaf: { dnsNames: ['a.example.org'] },
	}),
	certified('a name that the CA may not name', 'reject', {
		root: { extensions: [nameConstraints({}, { dns: ['example.dev'] })] },
		leaf: { dnsNames: ['a.example.dev'] },
	}),
	certified('a name that ends as the permitted one, but is another domain', 'reject', {
		root: { ...permits({ dns: ['example.dev'] }) },
		leaf: { dnsNames: ['notexample.dev'] },
	}),
	certified('no name under a name constraint', 'accept', { root: { ...permits({ dns: ['example.dev'] }) } }),
	certified('a name constraint of the intermediate', 'reject', {
		intermediates: [{ ...permits({ dns: ['example.dev'] }) }],
		leaf: { dnsNames: ['a.example.org'] },
	}),
	certified('an email outside of what the CA may name', 'reject', {
		root: { ...permits({ email: ['example.dev'] }) },
		leaf: { emails: ['a@example.org'] },
	}),
	certified('an email within what the CA may name', 'accept', {
		root: { ...permits({ email: ['example.dev'] }) },
		leaf: { emails: ['a@example.dev'] },
	}),
	certified('a URI outside of what the CA may name', 'reject', {
		root: { ...permits({ uri: ['.example.dev'] }) },
		leaf: { uris: ['spiffe://other.dev/x'] },
	}),
	certified('a URI within what the CA may name', 'accept', {
		root: { ...permits({ uri: ['.example.dev'] }) },
		leaf: { uris: ['spiffe://ci.example.dev/x'] },
	}),
	certified('a CA with P-384 and SHA-384', 'accept', (m) => ({
		root: withKey(m.key('p384', 'ca')),
		leaf: { hash: 'SHA-384' },
	})),
	certified('a CA with P-384 and SHA-256', 'accept', (m) => ({ root: withKey(m.key('p384', 'ca')) })),
	certified('a CA with P-521 and SHA-512', 'accept', (m) => ({
		root: withKey(m.key('p521', 'ca')),
		leaf: { hash: 'SHA-512' },
	})),
	certified('a CA with ed25519', 'accept', (m) => ({ root: withKey(m.key('ed25519', 'ca')) })),
	certified('a CA with RSA', 'accept', (m) => ({ root: withKey(m.key('rsa2048', 'ca')) })),
	certified('a CA with RSA and SHA-512', 'accept', (m) => ({
		root: withKey(m.key('rsa2048', 'ca')),
		leaf: { hash: 'SHA-512' },
	})),
	certified('a CA with RSA-PSS', 'accept', (m) => ({
		root: withKey(m.key('rsa2048', 'ca')),
		leaf: { pss: true },
	})),
	certified('a CA with RSA and SHA-1', 'reject', (m) => ({
		root: withKey(m.key('rsa2048', 'ca')),
		leaf: { hash: 'SHA-1' },
	})),
	certified('a root whose own signature is RSA and SHA-1', 'accept', (m) => ({
		root: { ...withKey(m.key('rsa2048', 'ca')), hash: 'SHA-1' },
	})),
	certified('an intermediate signed with SHA-1', 'reject', (m) => ({
		root: withKey(m.key('rsa2048', 'ca')),
		intermediates: [{ hash: 'SHA-1' }],
	})),
	certified('a leaf with ed25519', 'accept', (m) => ({ leafKey: m.key('ed25519', 'leaf') })),
	certified('a leaf with P-384', 'accept', (m) => ({ leafKey: m.key('p384', 'leaf') })),
	certified('a leaf with RSA-PSS signatures', 'accept', (m) => ({ leafKey: m.key('rsa2048', 'leaf') })),
	certified(
		'a leaf with RSA and PKCS #1 v1.5 padding',
		'accept',
		(m) => ({ leafKey: m.key('rsa2048', 'leaf'), scheme: { padding: 'pkcs1' } }),
		{
			traps: ['rsa-pkcs1'],
		},
	),
	certified('a certificate of another key than the signature', 'reject', (m) => ({
		signer: (s) => ({ ...s, key: m.builder }),
	})),
	certified('a leaf with one bit changed', 'reject', {
		signer: (s, c) => {
			const der = Buffer.from(c.leaf.der);
			der[der.length - 5] = (der[der.length - 5] ?? 0) ^ 1;
			return {
				...s,
				certificate: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`,
			};
		},
	}),
	certified('a certificate as DER', 'reject', {
		signer: (s, c) => ({ ...s, certificate: Buffer.from(c.leaf.der).toString('latin1') }),
	}),
	certified('a certificate with another one after it', 'accept', {
		signer: (s, c) => ({ ...s, certificate: c.leaf.pem + c.root.pem }),
	}),
	certified('a certificate after its root', 'reject', {
		signer: (s, c) => ({ ...s, certificate: c.root.pem + c.leaf.pem }),
	}),
	certified('a certificate under another PEM label', 'accept', {
		signer: (s, c) => ({ ...s, certificate: c.leaf.pem.replaceAll('CERTIFICATE', 'THING') }),
	}),
	certified('a public key in place of the certificate', 'reject', {
		signer: (s, c) => ({ ...s, certificate: c.leafKey.pem }),
	}),
	certified("a certificate whose key is listed as a functionary's key", 'accept', (m) => ({
		leafKey: m.builder,
		scenario: () => ({ keys: [m.builder], steps: [{}] }),
	})),
	certified("an untrusted certificate whose key is listed as a functionary's key", 'accept', (m) => ({
		leafKey: m.builder,
		scenario: () => ({ keys: [m.builder], roots: {}, steps: [{}] }),
	})),
	certified("a certificate whose key id is a functionary's, the key not listed", 'accept', (m) => ({
		leafKey: m.builder,
		scenario: () => ({ steps: [{ functionaries: [{ type: 'publickey', publickeyid: m.builder.keyId }] }] }),
	})),
	certified("an untrusted certificate whose key id is a functionary's, the key not listed", 'reject', (m) => ({
		leafKey: m.builder,
		scenario: () => ({ roots: {}, steps: [{ functionaries: [{ type: 'publickey', publickeyid: m.builder.keyId }] }] }),
	})),
	certified('a certificate given as a public key of the policy', 'reject', {
		scenario: (c) => ({
			policy: (p) => ({
				...p,
				publickeys: { [c.leafKey.keyId]: { ...policyKeyOf(c.leafKey), key: base64Pem(c.leaf) } },
			}),
			steps: [{ functionaries: [{ type: 'publickey', publickeyid: c.leafKey.keyId }] }],
			collections: [{ signers: [{ key: c.leafKey }] }],
		}),
	}),
	certified('a certificate of a root that the constraint names, and a bad one beside it', 'accept', {
		scenario: (c) => ({
			collections: [
				{
					signers: [
						{ key: c.leafKey, certificate: 'x' },
						{ key: c.leafKey, certificate: c.leaf.pem },
					],
				},
			],
			steps: [{ functionaries: [{ type: 'root', certConstraint: anything }] }],
		}),
	}),
];
