import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { verifyChain } from '../../src/x509/chain.ts';
import type { CertificateFields } from '../authority.ts';
import { Extension, issueLeaf, makeAuthority } from '../authority.ts';
import { ms, read } from './read.ts';

type Subtree = { dns?: string; email?: string; uri?: string; ip?: number[] };

function subtree({ dns, email, uri, ip }: Subtree): pkijs.GeneralSubtree {
	const base = new pkijs.GeneralName();
	base.type = dns !== undefined ? 2 : email !== undefined ? 1 : uri !== undefined ? 6 : 7;
	base.value = dns ?? email ?? uri ?? new asn1js.OctetString({ valueHex: new Uint8Array(ip ?? []).buffer });
	return new pkijs.GeneralSubtree({ base });
}

function nameConstraints(permitted: Subtree[], excluded: Subtree[]): Extension {
	const constraints = new pkijs.NameConstraints({
		...(permitted.length > 0 && { permittedSubtrees: permitted.map(subtree) }),
		...(excluded.length > 0 && { excludedSubtrees: excluded.map(subtree) }),
	});
	return new Extension('2.5.29.30', true, constraints.toSchema().toBER());
}

interface Case {
	permitted?: Subtree[];
	excluded?: Subtree[];
	fields: CertificateFields;
	allowed: boolean;
}

/** Each with the verdict of Go 1.26 (crypto/x509). */
const cases: Record<string, Case> = {
	'a name below': { permitted: [{ dns: 'example.com' }], fields: { dnsNames: ['a.example.com'] }, allowed: true },
	'the name itself': { permitted: [{ dns: 'example.com' }], fields: { dnsNames: ['EXAMPLE.com'] }, allowed: true },
	'a name that ends alike': {
		permitted: [{ dns: 'example.com' }],
		fields: { dnsNames: ['badexample.com'] },
		allowed: false,
	},
	'a leading dot means below': {
		permitted: [{ dns: '.example.com' }],
		fields: { dnsNames: ['example.com'] },
		allowed: false,
	},
	'one of two names': {
		permitted: [{ dns: 'example.com' }],
		fields: { dnsNames: ['a.example.com', 'b.org'] },
		allowed: false,
	},
	'no names at all': { permitted: [{ dns: 'example.com' }], fields: { emails: [] }, allowed: true },
	'names of another kind': { permitted: [{ dns: 'example.com' }], fields: { emails: ['a@b.org'] }, allowed: true },
	'the empty constraint permits all': { permitted: [{ dns: '' }], fields: { dnsNames: ['b.org'] }, allowed: true },
	'excluded below permitted': {
		permitted: [{ dns: 'example.com' }],
		excluded: [{ dns: 'b.example.com' }],
		fields: { dnsNames: ['a.b.example.com'] },
		allowed: false,
	},
	'a wildcard over what is excluded': {
		excluded: [{ dns: 'b.example.com' }],
		fields: { dnsNames: ['*.example.com'] },
		allowed: false,
	},
	'a mailbox': { permitted: [{ email: 'a@example.com' }], fields: { emails: ['a@EXAMPLE.com'] }, allowed: true },
	'another mailbox': { permitted: [{ email: 'a@example.com' }], fields: { emails: ['A@example.com'] }, allowed: false },
	'mailboxes of a host': {
		permitted: [{ email: 'example.com' }],
		fields: { emails: ['"x y"@example.com'] },
		allowed: true,
	},
	'no mailbox': { permitted: [{ email: 'example.com' }], fields: { emails: ['example.com'] }, allowed: false },
	'a URI of a domain': { permitted: [{ uri: 'td' }], fields: { uris: ['spiffe://td/build'] }, allowed: true },
	'a URI with a port': {
		permitted: [{ uri: 'example.com' }],
		fields: { uris: ['https://example.com:8443/'] },
		allowed: true,
	},
	'a URI of another domain': { permitted: [{ uri: 'td' }], fields: { uris: ['spiffe://other/build'] }, allowed: false },
	'a URI without a domain': { excluded: [{ uri: 'example.com' }], fields: { uris: ['urn:a:b'] }, allowed: false },
	'a URI of an address': {
		excluded: [{ uri: 'example.com' }],
		fields: { uris: ['https://10.0.0.1/'] },
		allowed: false,
	},
	'an address': {
		permitted: [{ ip: [10, 0, 0, 0, 255, 0, 0, 0] }],
		fields: { ipAddresses: ['10.9.8.7'] },
		allowed: true,
	},
	'an address outside': {
		permitted: [{ ip: [10, 0, 0, 0, 255, 0, 0, 0] }],
		fields: { ipAddresses: ['11.0.0.1'] },
		allowed: false,
	},
	'an address of the other family': {
		permitted: [{ ip: [10, 0, 0, 0, 255, 0, 0, 0] }],
		fields: { ipAddresses: ['2001:db8::1'] },
		allowed: false,
	},
};

test('names are held to the constraints of every authority above them', async () => {
	for (const [name, { permitted = [], excluded = [], fields, allowed }] of Object.entries(cases)) {
		const root = await makeAuthority({ name: 'CN=root', kind: 'ed25519' });
		const extensions = [nameConstraints(permitted, excluded)];
		const upper = await makeAuthority({ name: 'CN=upper', kind: 'ed25519', extensions }, root);
		const lower = await makeAuthority({ name: 'CN=lower', kind: 'ed25519' }, upper);
		const leaf = await issueLeaf(lower, { kind: 'ed25519', ...fields });
		const intermediates = [read(upper), read(lower)];
		const about = { leaf: read(leaf), intermediates, roots: [read(root)], atMs: ms('2026-01-01T00:00:00Z') };
		const result = verifyChain(about);
		assert.equal(result.kind === 'chain', allowed, `${name}: ${result.kind === 'refused' ? result.reason : ''}`);
		if (result.kind === 'refused') assert.match(result.reason, /^name constraints: /, name);
	}
});

test('constraints do not bind the certificate that states them', async () => {
	const extensions = [nameConstraints([{ dns: 'example.com' }], [])];
	const root = await makeAuthority({ name: 'CN=root', dnsNames: ['b.org'], extensions });
	const about = { intermediates: [], roots: [read(root)], atMs: ms('2026-01-01T00:00:00Z') };
	const good = read(await issueLeaf(root, { dnsNames: ['a.example.com'] }));
	assert.equal(verifyChain({ ...about, leaf: good }).kind, 'chain');
	const bad = read(await issueLeaf(root, { dnsNames: ['a.b.org'] }));
	assert.equal(verifyChain({ ...about, leaf: bad }).kind, 'refused');
});

test('constraints on names that we do not compare make the authority unusable', async () => {
	const directory = new pkijs.GeneralSubtree({
		base: new pkijs.GeneralName({ type: 4, value: new pkijs.RelativeDistinguishedNames() }),
	});
	const value = new pkijs.NameConstraints({ permittedSubtrees: [directory] }).toSchema().toBER();
	const root = await makeAuthority({ name: 'CN=root' });
	const middle = await makeAuthority(
		{ name: 'CN=middle', extensions: [new Extension('2.5.29.30', true, value)] },
		root,
	);
	const about = { intermediates: [read(middle)], roots: [read(root)], atMs: ms('2026-01-01T00:00:00Z') };
	const result = verifyChain({ ...about, leaf: read(await issueLeaf(middle)) });
	assert.match(result.kind === 'refused' ? result.reason : '', /critical extension 2\.5\.29\.30/);
});
