// The parsers of git's output, whatever way it is cut into chunks.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { sha256Hex } from '@affidavit/model/digests.ts';
import fc from 'fast-check';
import { createAttributeReader } from '../../src/manifest/attributes.ts';
import { createBatchReader } from '../../src/manifest/blobs.ts';
import { parseLocation, parseRepositoryOption, withoutCredentials } from '../../src/manifest/location.ts';
import { createTreeReader } from '../../src/manifest/tree.ts';

function* cut(bytes: Buffer, sizes: number[]): Generator<Buffer> {
	let at = 0;
	for (let i = 0; at < bytes.length; i++) {
		const end = at + Math.max(1, sizes[i % sizes.length] ?? 1);
		yield bytes.subarray(at, end);
		at = end;
	}
}
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
const limits = { filesMax: 100, pathBytesMax: 10_000 };

test('ls-tree: every cut gives the same entries', () => {
	const path = fc.string({ unit: 'grapheme', minLength: 1 }).filter((p) => !p.includes('\0'));
	fc.assert(
		fc.property(fc.array(path, { maxLength: 20 }), sizes, (paths, chunks) => {
			const reader = createTreeReader(limits);
			const bytes = Buffer.from(paths.map((p) => `100644 blob ${'a'.repeat(40)}       7\t${p}\0`).join(''));
			for (const chunk of cut(bytes, chunks)) assert.ok(reader.push(chunk));
			const result = reader.end();
			assert.equal(result.kind, 'entries');
			if (result.kind === 'entries')
				assert.deepEqual(
					result.entries.map((e) => [e.path, e.size, e.utf8]),
					paths.map((p) => [Buffer.from(p).toString(), 7, true]),
				);
		}),
	);
});

test('ls-tree and cat-file: arbitrary bytes never throw', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), sizes, (bytes, chunks) => {
			const tree = createTreeReader(limits);
			const batch = createBatchReader();
			const attributes = createAttributeReader();
			for (const chunk of cut(Buffer.from(bytes), chunks)) {
				tree.push(chunk);
				batch.push(chunk);
				attributes.push(chunk);
			}
			assert.ok(['entries', 'too-many', 'malformed'].includes(tree.end().kind));
			assert.ok(['digests', 'malformed'].includes(batch.end().kind));
		}),
	);
});

test('cat-file: contents with newlines and headers in them, in every cut', () => {
	const contents = [
		Buffer.alloc(0),
		Buffer.from('\n'),
		Buffer.from(`${'b'.repeat(40)} blob 3\nabc\n`),
		randomBytes(500),
	];
	const bytes = Buffer.concat(
		contents.flatMap((c, i) => [Buffer.from(`${String(i).repeat(40)} blob ${c.length}\n`), c, Buffer.from('\n')]),
	);
	fc.assert(
		fc.property(sizes, (chunks) => {
			const reader = createBatchReader();
			for (const chunk of cut(bytes, chunks)) assert.ok(reader.push(chunk));
			const result = reader.end();
			assert.equal(result.kind, 'digests');
			if (result.kind !== 'digests') return;
			for (const [i, content] of contents.entries())
				assert.deepEqual(result.digests.get(String(i).repeat(40)), {
					sha256: sha256Hex(content),
					size: content.length,
					lfs: false,
				});
		}),
	);
	const short = createBatchReader();
	short.push(bytes.subarray(0, bytes.length - 5));
	assert.equal(short.end().kind, 'malformed');
});

test('locations are read as git reads them, without what could run a command', () => {
	const kinds: [string, string][] = [
		['https://example.com/a.git', 'remote'],
		['ssh://git@example.com/a.git', 'remote'],
		['git@example.com:a/b.git', 'remote'],
		['example.com:a', 'remote'],
		['git://example.com/a', 'remote'],
		['/srv/a.git', 'local'],
		['./a', 'local'],
		['a.bundle', 'local'],
		['file:///srv/a%20b', 'local'],
		['http://example.com/a', 'refused'],
		['ext::sh -c x', 'refused'],
		['fd::7', 'refused'],
		['-oProxyCommand=x', 'refused'],
		['ftp://x/y', 'refused'],
		['file://host/x', 'refused'],
		['file:///a%00b', 'refused'],
		['/a\nb', 'refused'],
		['ssh://-oProxyCommand=x/y', 'refused'],
		['ssh://a@-oProxyCommand=x/y', 'refused'],
		['', 'refused'],
	];
	for (const [text, kind] of kinds) assert.equal(parseLocation(text).kind, kind, text);
	assert.deepEqual(parseLocation('file:///srv/a%20b'), { kind: 'local', path: '/srv/a b' });
	assert.equal(parseLocation('/srv/a', ['https']).kind, 'refused');
	assert.equal(parseLocation('git@h:x', ['https']).kind, 'refused');
	// "-" as a host would be an option of ssh.
	assert.notEqual(parseLocation('a@-oProxyCommand=x:y').kind, 'remote');
	assert.deepEqual(parseRepositoryOption('o/r=https://e.com/?a=b'), {
		kind: 'repository',
		name: 'o/r',
		location: 'https://e.com/?a=b',
	});
	for (const bad of ['', 'x', '=x', 'x=', 'x=ext::sh']) assert.equal(parseRepositoryOption(bad).kind, 'invalid', bad);
	assert.equal(withoutCredentials('at https://u:secret@h/x\u001b[31m'), 'at https://***@h/x [31m');
});
