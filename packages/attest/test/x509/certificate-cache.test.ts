import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheCharsMax, makeCertificateCache, readCached } from '../../src/x509/certificate-cache.ts';
import { parseCertificatePem } from '../../src/x509/parse.ts';
import { makeAuthority } from '../authority.ts';

test('the same text is read once, another is not taken for it', async () => {
	const cache = makeCertificateCache();
	const [one, two] = [Buffer.from((await makeAuthority()).pem), Buffer.from((await makeAuthority()).pem)];
	const first = readCached(cache, one, parseCertificatePem);
	assert.equal(first.kind, 'certificate');
	assert.equal(readCached(cache, Buffer.from(one), parseCertificatePem), first);
	assert.notEqual(readCached(cache, two, parseCertificatePem), first);
	assert.equal(readCached(cache, Buffer.from('x'), parseCertificatePem).kind, 'invalid');
});

test('it is bounded, and reads on when it is full', () => {
	const cache = makeCertificateCache();
	const invalid = { kind: 'invalid', reason: '' } as const;
	let reads = 0;
	const read = () => {
		reads++;
		return invalid;
	};
	const size = 64 * 1024;
	const texts = Array.from({ length: cacheCharsMax / size + 5 }, (_, i) => Buffer.alloc(size, i));
	for (const text of [...texts, ...texts]) assert.equal(readCached(cache, text, read), invalid);
	assert.equal(reads, texts.length + 5);
	assert.equal(cache.results.size, cacheCharsMax / size);
});
