import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { certificateBytesMax } from '../../src/x509/certificate.ts';
import { readDer } from '../../src/x509/der.ts';
import { fulcioNames } from '../../src/x509/fulcio.ts';
import { parseCertificate, parseCertificatePem } from '../../src/x509/parse.ts';
import type { CertificateFields } from '../authority.ts';
import {
	Extension,
	fulcioExtension,
	issue,
	issueLeaf,
	makeAuthority,
	notAfterDefault,
	notBeforeDefault,
} from '../authority.ts';
import { read, reasonOf } from './read.ts';

test('reads what policies constrain', async () => {
	const leaf = await issueLeaf(await makeAuthority(), {
		name: 'CN=build,O=One,O=Two\\, Three,OU=x',
		dnsNames: ['build.example.com'],
		emails: ['build@example.com'],
		uris: ['HTTPS://github.com/o/r/.github/workflows/b.yml@refs/heads/main', 'spiffe://td/build'],
		ipAddresses: ['10.0.0.1', '2001:db8::1'],
	});
	const certificate = read(leaf);
	assert.equal(certificate.commonName, 'build');
	assert.deepEqual(certificate.organizations, ['One', 'Two, Three']);
	assert.equal(certificate.subject, 'OU=x,O=Two\\, Three,O=One,CN=build');
	assert.deepEqual(certificate.dnsNames, ['build.example.com']);
	assert.deepEqual(certificate.emails, ['build@example.com']);
	const uris = ['https://github.com/o/r/.github/workflows/b.yml@refs/heads/main', 'spiffe://td/build'];
	assert.deepEqual(certificate.uris, uris);
	assert.deepEqual(
		certificate.path.ipAddresses.map((ip) => ip.length),
		[4, 16],
	);
	assert.equal(certificate.keyId, leaf.keyId);
	assert.ok(certificate.key.equals(leaf.key));
	assert.equal(certificate.notBeforeMs, notBeforeDefault.getTime());
	assert.equal(certificate.notAfterMs, notAfterDefault.getTime());
	assert.equal(certificate.fulcio.size, 0);
});

test('reads PEM as go-witness does: the first block whatever its label, and no DER', async () => {
	const { pem, der } = await makeAuthority();
	const pemOf = (text: string) => parseCertificatePem(Buffer.from(text)).kind;
	assert.equal(pemOf(pem), 'certificate');
	assert.equal(pemOf(`of the build host\n${pem}${pem}`), 'certificate');
	assert.equal(pemOf(pem.replaceAll('CERTIFICATE', 'ANYTHING')), 'certificate');
	assert.equal(pemOf(pem.replaceAll('\n', '\r\n')), 'certificate');
	assert.equal(pemOf(pem.replace('-----\n', '-----\nProc-Type: x\n\n')), 'certificate');
	assert.equal(pemOf(`x${pem}`), 'invalid');
	assert.equal(pemOf(pem.replace('END CERTIFICATE', 'END OTHER')), 'invalid');
	assert.equal(pemOf(pem.replace('M', '*')), 'invalid');
	assert.equal(parseCertificatePem(der).kind, 'invalid');
	assert.equal(parseCertificate(der).kind, 'certificate');
	assert.equal(parseCertificate(Buffer.from(pem)).kind, 'certificate');
});

test('reads keys and signatures of every kind; MD5 and SHA-1 are none', async () => {
	for (const kind of ['ed25519', 'p256', 'p384', 'p521', 'rsa'] as const) {
		const certificate = read(await makeAuthority({ kind, hash: 'SHA-384' }));
		const expected = kind === 'ed25519' ? undefined : 'sha384';
		const { signatureScheme } = certificate.path;
		assert.equal(signatureScheme && 'hash' in signatureScheme ? signatureScheme.hash : undefined, expected);
	}
	const pss = read(await makeAuthority({ kind: 'rsa', pss: true, hash: 'SHA-512' }));
	assert.deepEqual(pss.path.signatureScheme, { kind: 'pss', hash: 'sha512' });
	assert.equal(read(await makeAuthority({ kind: 'rsa', hash: 'SHA-1' })).path.signatureScheme, null);
	assert.equal(read(await makeAuthority({ kind: 'rsa', hash: 'SHA-1', pss: true })).path.signatureScheme, null);
	assert.equal(read(await makeAuthority({ hash: 'SHA-1' })).path.signatureScheme, null);
});

suite('Fulcio', () => {
	test('extensions by the names of Witness', async () => {
		const fulcio: Record<number, string> = {};
		for (let arc = 1; arc <= 24; arc++) if (arc !== 7) fulcio[arc] = `value ${arc} ü`;
		const certificate = read(await issueLeaf(await makeAuthority(), { fulcio }));
		assert.deepEqual([...certificate.fulcio.keys()].sort(), [...fulcioNames].sort());
		assert.equal(fulcioNames.length, 22);
		// The later one wins, as in Fulcio.
		assert.equal(certificate.fulcio.get('Issuer'), 'value 8 ü');
		assert.equal(certificate.fulcio.get('GithubWorkflowRef'), 'value 6 ü');
		assert.equal(certificate.fulcio.get('Subject'), 'value 24 ü');
		assert.equal(certificate.fulcioReason, '');
	});

	test('an unreadable extension makes all of them unreadable', async () => {
		const raw = (bytes: number[]) => new Extension('1.3.6.1.4.1.57264.1.9', false, new Uint8Array(bytes).buffer);
		for (const bytes of [[], [0x41], [0x0c, 0x01], [0x0c, 0x01, 0xff], [0x02, 0x01, 0x01], [0x0c, 0x01, 0x41, 0x41]]) {
			const extensions = [fulcioExtension(8, 'issuer'), raw(bytes)];
			const certificate = read(await issueLeaf(await makeAuthority(), { extensions }));
			assert.equal(certificate.fulcio.size, 0);
			assert.match(certificate.fulcioReason, /57264\.1\.9 \(BuildSignerURI\): expected a DER string/);
		}
	});

	test('text that is no UTF-8 equals no text of a policy that a decoder would put in its place', async () => {
		const bytes = new Uint8Array([0x61, 0xff]).buffer;
		const extensions = [new Extension('1.3.6.1.4.1.57264.1.1', false, bytes)];
		assert.equal(read(await issueLeaf(await makeAuthority(), { extensions })).fulcio.get('Issuer'), 'a\u00ff');
	});
});

const extension = (id: string, critical: boolean, ...bytes: number[]) =>
	new Extension(id, critical, new Uint8Array(bytes).buffer);

suite('refused', () => {
	const cases: [string, CertificateFields, RegExp][] = [
		['an extension twice', { extensions: [fulcioExtension(8, 'a'), fulcioExtension(8, 'b')] }, /appears twice/],
		[
			'a critical key identifier',
			{ withoutKeyIds: true, extensions: [extension('2.5.29.14', true, 4, 1, 1)] },
			/2\.5\.29\.14: must not be critical/,
		],
		[
			'basic constraints that are none',
			{ isCa: null, extensions: [extension('2.5.29.19', true, 5, 0)] },
			/2\.5\.29\.19/,
		],
		[
			'a negative path length',
			{ isCa: null, extensions: [extension('2.5.29.19', true, 0x30, 6, 1, 1, 0xff, 2, 1, 0xff)] },
			/2\.5\.29\.19/,
		],
		[
			'an IP address of three bytes',
			{ extensions: [extension('2.5.29.17', false, 0x30, 5, 0x87, 3, 1, 2, 3)] },
			/IP address of 3/,
		],
		[
			'a DNS name that is not ASCII',
			{ extensions: [extension('2.5.29.17', false, 0x30, 3, 0x82, 1, 0xff)] },
			/not ASCII/,
		],
		['a URI with a blank', { extensions: [extension('2.5.29.17', false, 0x30, 5, 0x86, 3, 0x61, 0x3a, 0x20)] }, /URI/],
		['name constraints without any', { extensions: [extension('2.5.29.30', true, 0x30, 0)] }, /expected subtrees/],
		[
			'name constraints with a mask of holes',
			{ extensions: [extension('2.5.29.30', true, 0x30, 14, 0xa0, 12, 0x30, 10, 0x87, 8, 1, 2, 3, 4, 255, 0, 255, 0)] },
			/subtree that cannot be read/,
		],
		[
			'extended key usages that are none',
			{ extensions: [extension('2.5.29.37', false, 0x30, 3, 2, 1, 1)] },
			/2\.5\.29\.37/,
		],
	];
	for (const [name, fields, reason] of cases)
		test(name, async () => {
			const { der } = await issue(fields);
			const result = parseCertificate(der);
			assert.match(reasonOf(result), reason, result.kind);
		});

	test('a serial number below zero', async () => {
		const { der } = await issue({ serialNumber: '7f' });
		const at = der.indexOf(Buffer.from([0x02, 0x01, 0x7f]));
		der[at + 2] = 0xff;
		assert.match(reasonOf(parseCertificate(der)), /serial number: expected a positive/);
	});

	test('what is no certificate', async () => {
		const { der } = await makeAuthority();
		for (const bytes of ['', 'x', '0', der.subarray(0, -1), Buffer.concat([der, Buffer.from([0])])])
			assert.equal(parseCertificate(Buffer.from(bytes)).kind, 'invalid');
		const large = Buffer.concat([der, Buffer.alloc(certificateBytesMax)]);
		assert.match(reasonOf(parseCertificate(large)), /at most 65536 bytes/);
		assert.match(reasonOf(parseCertificatePem(large)), /at most 65536 bytes/);
	});

	test('two signature algorithms that do not agree', async () => {
		const { der } = await makeAuthority({ kind: 'p256' });
		// ecdsa-with-SHA256 outside, where nothing signs it, becomes ecdsa-with-SHA384.
		const algorithm = Buffer.from('06082a8648ce3d040302', 'hex');
		der[der.lastIndexOf(algorithm) + algorithm.length - 1] = 3;
		assert.match(reasonOf(parseCertificate(der)), /signature algorithm: the two do not agree/);
	});

	test('an element that runs over the end of what holds it, and lengths in a longer form than needed', async () => {
		const { der } = await makeAuthority({ name: 'CN=abc' });
		// The set around the common name says one byte less than it holds.
		const shorter = Buffer.from(der);
		const set = shorter.indexOf(Buffer.from([0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03]));
		assert.ok(set > 0);
		shorter[set + 1] = 0x0b;
		assert.match(reasonOf(parseCertificate(shorter)), /expected one DER structure/);
		assert.ok(readDer(Buffer.from('3009a007300582036100ff', 'hex')));
		assert.equal(readDer(Buffer.from('3009a006300582036100ff', 'hex')), null);
		const length = der.readUInt16BE(2);
		const longer = Buffer.concat([Buffer.from([0x30, 0x83, 0, length >> 8, length & 0xff]), der.subarray(4)]);
		assert.match(reasonOf(parseCertificate(longer)), /expected one DER structure/);
	});
});

test('a name cannot paint over a terminal', async () => {
	const certificate = read(await issue({ name: [{ CN: ['a\u001b[2J\nb'] }] as unknown as string }));
	assert.equal(certificate.subject, 'CN=a\\1b[2J\\0ab');
	assert.equal(certificate.commonName, 'a\u001b[2J\nb');
});
