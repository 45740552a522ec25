import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { suite, test } from 'node:test';
import * as asn1js from 'asn1js';
import type { Certificate } from '../../src/x509/certificate.ts';
import { candidatesMax, verifyChain } from '../../src/x509/chain.ts';
import type { CertificateFields, Issued } from '../authority.ts';
import { Extension, issue, issueLeaf, KeyUsageFlags, makeAuthority, makeKeys } from '../authority.ts';
import { ms, read, reasonOf } from './read.ts';

const now = ms('2026-01-01T00:00:00Z');

const chainOf = (leaf: Issued, intermediates: Issued[], roots: Issued[], atMs = now) =>
	verifyChain({ leaf: read(leaf), intermediates: intermediates.map(read), roots: roots.map(read), atMs });

const subjects = (chain: readonly Certificate[]): string[] => chain.map(({ subject }) => subject);

/** The same certificate without version and extensions, signed by its issuer again. */
function asVersion1(issued: Issued, issuer: Issued): Issued {
	const [tbs, algorithm] = (asn1js.fromBER(issued.der).result as asn1js.Sequence).valueBlock.value;
	const inner = (tbs as asn1js.Sequence).valueBlock.value.filter(({ idBlock }) => idBlock.tagClass !== 3);
	const bytes = new asn1js.Sequence({ value: inner }).toBER();
	const valueHex = new Uint8Array(sign('sha256', new Uint8Array(bytes), issuer.privateKey)).buffer;
	const value = [asn1js.fromBER(bytes).result, algorithm as asn1js.Sequence, new asn1js.BitString({ valueHex })];
	return { ...issued, der: Buffer.from(new asn1js.Sequence({ value }).toBER()) };
}

suite('accepted', () => {
	test('leaf, intermediates in any order, root; keys of every kind', async () => {
		for (const kind of ['ed25519', 'p256', 'p384', 'p521', 'rsa'] as const) {
			const root = await makeAuthority({ name: 'CN=root', kind });
			const upper = await makeAuthority({ name: 'CN=upper', kind, pss: true }, root);
			const lower = await makeAuthority({ name: 'CN=lower', kind }, upper);
			const leaf = await issueLeaf(lower, { name: 'CN=leaf', kind });
			const result = chainOf(leaf, [lower, upper, root], [root]);
			assert.ok(result.kind === 'chain', reasonOf(result));
			assert.deepEqual(subjects(result.chain), ['CN=leaf', 'CN=lower', 'CN=upper', 'CN=root']);
		}
	});

	test('a leaf that is a root itself, an authority or not', async () => {
		const leaf = await issue({ name: 'CN=leaf' });
		assert.deepEqual(chainOf(leaf, [], [leaf]).kind, 'chain');
	});

	test('an intermediate that is a root: nothing above it is asked', async () => {
		const root = await makeAuthority({ notAfter: new Date('2025-01-01') });
		const middle = await makeAuthority({ name: 'CN=middle' }, root);
		const leaf = await issueLeaf(middle);
		assert.equal(chainOf(leaf, [], [middle]).kind, 'chain');
	});

	test('the right one of several authorities with one name, with and without key identifiers', async () => {
		for (const withoutKeyIds of [false, true]) {
			const root = await makeAuthority({ name: 'CN=root', withoutKeyIds });
			const same = [];
			for (let i = 0; i < 5; i++) same.push(await makeAuthority({ name: 'CN=middle', withoutKeyIds }, root));
			const right = await makeAuthority({ name: 'CN=middle', withoutKeyIds }, root);
			const leaf = await issueLeaf(right, { withoutKeyIds });
			const result = chainOf(leaf, [...same, right], [root]);
			assert.ok(result.kind === 'chain');
			assert.deepEqual(Buffer.from(result.chain[1]?.der ?? []), right.der);
		}
	});

	test('past an expired and a cross-signed certificate of the same authority', async () => {
		const [oldRoot, root] = [await makeAuthority({ name: 'CN=old' }), await makeAuthority({ name: 'CN=root' })];
		const keys = makeKeys();
		const expired = await makeAuthority({ name: 'CN=middle', keys, notAfter: new Date('2025-01-01') }, root);
		const crossed = await makeAuthority({ name: 'CN=middle', keys }, oldRoot);
		const right = await makeAuthority({ name: 'CN=middle', keys }, root);
		const leaf = await issueLeaf(right);
		assert.equal(chainOf(leaf, [expired, crossed, right], [root]).kind, 'chain');
		assert.equal(chainOf(leaf, [expired, crossed], [root]).kind, 'refused');
	});

	test('a path length that is just enough', async () => {
		const root = await makeAuthority({ name: 'CN=root', pathLength: 1 });
		const middle = await makeAuthority({ name: 'CN=middle', pathLength: 0 }, root);
		assert.equal(chainOf(await issueLeaf(middle), [middle], [root]).kind, 'chain');
	});

	test('every certificate to the millisecond of its validity', async () => {
		const root = await makeAuthority();
		const leaf = await issueLeaf(root, {
			notBefore: new Date('2025-01-01T00:00:00Z'),
			notAfter: new Date('2025-01-01T00:10:00Z'),
		});
		const at = (time: string) => chainOf(leaf, [], [root], ms(time)).kind;
		assert.equal(at('2025-01-01T00:00:00Z'), 'chain');
		assert.equal(at('2025-01-01T00:10:00Z'), 'chain');
		assert.equal(at('2024-12-31T23:59:59.999Z'), 'refused');
		assert.equal(at('2025-01-01T00:10:00.001Z'), 'refused');
	});
});

suite('refused', () => {
	test('without roots, with others, and without the intermediate', async () => {
		const root = await makeAuthority({ name: 'CN=root' });
		const middle = await makeAuthority({ name: 'CN=middle' }, root);
		const leaf = await issueLeaf(middle, { name: 'CN=leaf' });
		assert.match(reasonOf(chainOf(leaf, [middle], [])), /no issuer of certificate "CN=leaf"/);
		const impostor = await makeAuthority({ name: 'CN=root' });
		assert.match(reasonOf(chainOf(leaf, [middle], [impostor])), /"CN=middle" is not signed by the key of "CN=root"/);
		assert.match(reasonOf(chainOf(leaf, [], [root])), /no issuer of certificate "CN=leaf"/);
	});

	const bad: [string, CertificateFields, RegExp][] = [
		['no authority', { isCa: false }, /"CN=middle" is no certificate authority/],
		['without basic constraints', { isCa: null }, /"CN=middle" is no certificate authority/],
		[
			'without leave to sign certificates',
			{ keyUsage: KeyUsageFlags.digitalSignature },
			/its key usage does not allow/,
		],
		['expired', { notAfter: new Date('2025-12-31T00:00:00Z') }, /"CN=middle" expired on 2025-12-31T00:00:00Z/],
		['not yet valid', { notBefore: new Date('2026-02-01T00:00:00Z') }, /"CN=middle" is not valid before 2026-02-01/],
		[
			'with a critical extension that nobody knows',
			{ extensions: [new Extension('1.2.3.4', true, new Uint8Array([5, 0]).buffer)] },
			/critical extension 1\.2\.3\.4/,
		],
		[
			'that wants a certificate policy',
			{ extensions: [new Extension('2.5.29.36', true, new Uint8Array([0x30, 3, 0x80, 1, 0]).buffer)] },
			/requires a certificate policy/,
		],
		['signed with SHA-1', { hash: 'SHA-1' }, /"CN=middle": its signature algorithm is unknown or broken/],
	];
	for (const [name, fields, reason] of bad)
		test(`an intermediate ${name}`, async () => {
			const root = await makeAuthority({ name: 'CN=root' });
			const middle = await makeAuthority({ name: 'CN=middle', ...fields }, root);
			const leaf = await issueLeaf(middle, { name: 'CN=leaf' });
			assert.match(reasonOf(chainOf(leaf, [middle], [root])), reason);
		});

	test('an intermediate of version 1, which cannot say that it is an authority; a root may be one', async () => {
		const root = await makeAuthority({ name: 'CN=root' });
		const middle = asVersion1(await makeAuthority({ name: 'CN=middle', withoutKeyIds: true }, root), root);
		const leaf = await issueLeaf(middle);
		assert.equal(read(middle).path.version, 1);
		assert.match(reasonOf(chainOf(leaf, [middle], [root])), /issuer "CN=middle" is no certificate authority/);
		assert.equal(chainOf(leaf, [], [middle]).kind, 'chain');
	});

	test('more authorities than a path length allows', async () => {
		const root = await makeAuthority({ name: 'CN=root', pathLength: 0 });
		const middle = await makeAuthority({ name: 'CN=middle' }, root);
		const reason = reasonOf(chainOf(await issueLeaf(middle), [middle], [root]));
		assert.match(reason, /"CN=root" allows 0 authorities below it, found 1/);
	});

	test('a signature that was altered, and a certificate that was', async () => {
		const root = await makeAuthority();
		const leaf = await issueLeaf(root, { dnsNames: ['good.example.com'] });
		const altered = Buffer.from(leaf.der);
		altered.write('evil', altered.indexOf('good'));
		assert.match(reasonOf(chainOf({ ...leaf, der: altered }, [], [root])), /is not signed by the key/);
	});

	test('authorities that sign each other and lead nowhere', async () => {
		const root = await makeAuthority({ name: 'CN=root' });
		const [a, b] = [makeKeys(), makeKeys()];
		const selfA = await makeAuthority({ name: 'CN=a', keys: a });
		const selfB = await makeAuthority({ name: 'CN=b', keys: b });
		const aByB = await makeAuthority({ name: 'CN=a', keys: a }, selfB);
		const bByA = await makeAuthority({ name: 'CN=b', keys: b }, selfA);
		const leaf = await issueLeaf(selfA, { name: 'CN=leaf' });
		const nowhere = reasonOf(chainOf(leaf, [selfA, selfB, aByB, bByA], [root]));
		assert.match(nowhere, /go round in a circle/);
		assert.equal(chainOf(leaf, [selfA, selfB, aByB, bByA], [selfB]).kind, 'chain');
	});

	test('a maze of authorities: the work ends', async () => {
		const root = await makeAuthority({ name: 'CN=root', kind: 'ed25519' });
		const layers: Issued[][] = [];
		let above: Issued[] = [await makeAuthority({ name: 'CN=top', kind: 'ed25519' })];
		for (let layer = 0; layer < 6; layer++) {
			const keys = makeKeys('ed25519');
			const next: Issued[] = [];
			for (const issuer of above)
				for (let i = 0; i < (layer < 3 ? 3 : 1); i++)
					next.push(
						await makeAuthority({ name: `CN=layer ${layer}`, kind: 'ed25519', keys, dnsNames: [`${i}.x`] }, issuer),
					);
			layers.push(next);
			above = next.slice(0, 9);
		}
		const leaf = await issueLeaf(above[0] as Issued, { kind: 'ed25519' });
		const start = process.hrtime.bigint();
		const result = chainOf(leaf, layers.flat(), [root]);
		assert.match(reasonOf(result), new RegExp(`no chain to a root within ${candidatesMax} candidates`));
		assert.ok(process.hrtime.bigint() - start < 2_000_000_000n);
	});

	test('when the work of the envelope is used up', async () => {
		const root = await makeAuthority();
		const about = { leaf: read(await issueLeaf(root)), intermediates: [], roots: [read(root)], atMs: now };
		const budget = { candidatesLeft: 1 };
		assert.equal(verifyChain({ ...about, budget }).kind, 'chain');
		assert.equal(verifyChain({ ...about, budget }).kind, 'refused');
	});

	test('at a time that is none', async () => {
		const root = await makeAuthority();
		for (const atMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
			assert.equal(chainOf(await issueLeaf(root), [], [root], atMs).kind, 'refused');
	});
});

test('an extended key usage must be allowed all the way up', async () => {
	const usage = '1.3.6.1.5.5.7.3.8';
	const kindOf = async (middleUsages: string[], leafUsages: string[]): Promise<string> => {
		const root = await makeAuthority({ name: 'CN=root' });
		const middle = await makeAuthority({ name: 'CN=middle', extendedKeyUsages: middleUsages }, root);
		const leaf = await issueLeaf(middle, { extendedKeyUsages: leafUsages });
		const about = { leaf: read(leaf), intermediates: [read(middle)], roots: [read(root)], atMs: now };
		return verifyChain({ ...about, extendedKeyUsage: usage }).kind;
	};
	assert.equal(await kindOf([], [usage]), 'chain');
	assert.equal(await kindOf(['1.3.6.1.5.5.7.3.1', usage], [usage]), 'chain');
	assert.equal(await kindOf(['2.5.29.37.0'], [usage]), 'chain');
	assert.equal(await kindOf(['1.3.6.1.5.5.7.3.1'], [usage]), 'refused');
	assert.equal(await kindOf([], ['1.3.6.1.5.5.7.3.3']), 'refused');
});
