// Repositories that an attacker made: each either resolves safely or says why not.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { folderBytes } from '../../src/manifest/cache-folder.ts';
import { planTree } from '../../src/manifest/git-manifest.ts';
import { defaultManifestLimits, type ManifestLimits } from '../../src/manifest/limits.ts';
import { createManifestResolver } from '../../src/manifest/resolver.ts';
import type { TreeEntry } from '../../src/manifest/tree.ts';
import { commitTree, git, makeRepository, tempDir, treeEntry } from './git-fixture.ts';

async function answer(base: string, location: string, commit: string, limits: Partial<ManifestLimits> = {}) {
	const { emit, events } = collectingEmit();
	const resolve = createManifestResolver({
		repositories: { r: location },
		cacheDir: join(base, 'cache'),
		limits,
		emit,
	});
	const { manifest, note } = await resolve({ repository: 'r', commit, workspace: '' });
	return { manifest, reason: note.split(':')[0], events };
}

test('paths with newlines, quotes, tabs and __proto__ keep their names', async () => {
	using dir = tempDir();
	const names = ['a\nb', 'tab\there', '"quoted"', '__proto__', 'constructor', ' lead', 'ünï', 'back\\slash', '-rf'];
	const commit = makeRepository(join(dir.path, 'r'), Object.fromEntries(names.map((n) => [`d/${n}`, n])));
	const { manifest, reason } = await answer(dir.path, join(dir.path, 'r'), commit);
	assert.equal(reason, '');
	assert.deepEqual(Object.keys(manifest?.files ?? {}).sort(), names.map((n) => `d/${n}`).sort());
	const direct = makeRepository(join(dir.path, 's'), { '.keep': '' });
	const blob = git(join(dir.path, 's'), ['rev-parse', `${direct}:.keep`]);
	const proto = commitTree(join(dir.path, 's'), treeEntry('100644', '__proto__', blob));
	const own = await answer(dir.path, join(dir.path, 's'), proto);
	assert.deepEqual(Object.keys(own.manifest?.files ?? {}), ['__proto__']);
});

test('a path that is no UTF-8 is unresolved', async () => {
	using dir = tempDir();
	const path = join(dir.path, 'r');
	const first = makeRepository(path, { a: 'x' });
	const blob = git(path, ['rev-parse', `${first}:a`]);
	const commit = commitTree(path, treeEntry('100644', Buffer.from([0x62, 0xff, 0xfe]), blob));
	const { manifest } = await answer(dir.path, path, commit);
	assert.deepEqual(Object.values(manifest?.unresolved ?? {}), ['path-encoding']);
	assert.deepEqual(Object.keys(manifest?.files ?? {}), []);
});

for (const name of ['..', '.', '.git', '.GIT', 'x/../../y', '/abs'])
	test(`a tree that names ${JSON.stringify(name)} gives no such path`, async () => {
		using dir = tempDir();
		const path = join(dir.path, 'r');
		const first = makeRepository(path, { a: 'x' });
		const blob = git(path, ['rev-parse', `${first}:a`]);
		const commit = commitTree(path, treeEntry('100644', name, blob));
		const { manifest, reason } = await answer(dir.path, path, commit);
		assert.equal(manifest, null);
		assert.equal(reason, 'unreachable');
	});

test('more files than the bound, and a tree that multiplies itself, stop at the bound', async () => {
	using dir = tempDir();
	const path = join(dir.path, 'r');
	const first = makeRepository(path, { a: 'x' });
	let id = git(path, ['rev-parse', `${first}:a`]);
	let mode = '100644';
	// 10^9 files in nine trees of ten entries each.
	for (let level = 0; level < 9; level++) {
		const tree = Buffer.concat(Array.from({ length: 10 }, (_, i) => treeEntry(mode, `f${i}`, id)));
		id = git(path, ['hash-object', '-t', 'tree', '-w', '--stdin'], tree);
		mode = '40000';
	}
	const commit = git(path, ['commit-tree', '-m', 'bomb', id]);
	git(path, ['update-ref', 'refs/heads/main', commit]);
	const started = Date.now();
	const { manifest, reason } = await answer(dir.path, path, commit, { filesMax: 5000 });
	assert.equal(manifest, null);
	assert.equal(reason, 'too-many-files');
	assert.ok(Date.now() - started < 20_000);
});

test('contents over the bounds are unresolved, the same ones every time', async () => {
	using dir = tempDir();
	const commit = makeRepository(join(dir.path, 'r'), {
		a: 'x'.repeat(100),
		b: 'y'.repeat(100),
		'b-same': 'y'.repeat(100),
		big: 'z'.repeat(500),
		c: 'w'.repeat(100),
	});
	const { manifest } = await answer(dir.path, join(dir.path, 'r'), commit, { fileBytesMax: 400, blobBytesMax: 250 });
	assert.deepEqual(Object.keys(manifest?.files ?? {}), ['a', 'b', 'b-same']);
	assert.deepEqual({ ...manifest?.unresolved }, { big: 'too-large', c: 'too-large' });
});

test("the repository's own configuration, hooks and attributes run nothing", async () => {
	using dir = tempDir();
	const path = join(dir.path, 'r');
	const marker = join(dir.path, 'pwned');
	const script = join(dir.path, 'evil.sh');
	writeFileSync(script, `#!/bin/sh\ntouch ${marker}\ncat\n`);
	chmodSync(script, 0o755);
	const commit = makeRepository(path, { '.gitattributes': '*.c filter=evil diff=evil\n', 'a.c': 'x' });
	for (const [key, value] of Object.entries({
		'core.fsmonitor': script,
		'core.hooksPath': join(dir.path, 'hooks'),
		'core.sshCommand': script,
		'core.alternateRefsCommand': script,
		'core.gitProxy': script,
		'core.pager': script,
		'core.editor': script,
		'core.askPass': script,
		'credential.helper': `!${script}`,
		'filter.evil.smudge': script,
		'filter.evil.clean': script,
		'filter.evil.process': script,
		'diff.evil.textconv': script,
		'uploadpack.packObjectsHook': script,
		'gpg.program': script,
		'protocol.ext.allow': 'always',
		'remote.origin.url': `ext::${script}`,
		'remote.origin.promisor': 'true',
		'remote.origin.partialCloneFilter': 'blob:none',
		'extensions.partialClone': 'origin',
		'alias.upload-pack': `!${script}`,
	}))
		git(path, ['config', key, value]);
	mkdirSync(join(dir.path, 'hooks'));
	for (const folder of [join(dir.path, 'hooks'), join(path, '.git/hooks')])
		for (const hook of [
			'post-checkout',
			'reference-transaction',
			'pre-auto-gc',
			'post-index-change',
			'fsmonitor-watchman',
		]) {
			mkdirSync(folder, { recursive: true });
			writeFileSync(join(folder, hook), `#!/bin/sh\ntouch ${marker}\n`);
			chmodSync(join(folder, hook), 0o755);
		}
	const { manifest, reason } = await answer(dir.path, path, commit);
	assert.equal(reason, '');
	assert.deepEqual({ ...manifest?.unresolved }, { 'a.c': 'filter' });
	assert.ok(!existsSync(marker));
	// A missing object must not make git ask the promisor either.
	const fake = await answer(dir.path, path, '0123456789abcdef0123456789abcdef01234567');
	assert.equal(fake.manifest, null);
	assert.ok(!existsSync(marker));
});

test('a replacement object changes nothing', async () => {
	using dir = tempDir();
	const path = join(dir.path, 'r');
	const good = makeRepository(path, { a: 'good' });
	const before = await answer(dir.path, path, good);
	writeFileSync(join(path, 'a'), 'evil');
	git(path, ['commit', '-qam', 'evil']);
	git(path, ['replace', good, 'HEAD']);
	const after = await answer(join(dir.path, 'other'), path, good);
	assert.deepEqual(after.manifest, before.manifest);
	assert.equal(after.manifest?.files['a']?.size, 4);
});

test('a .git that is a symbolic link is refused', async () => {
	using dir = tempDir();
	const path = join(dir.path, 'r');
	const commit = makeRepository(path, { a: 'x' });
	renameSync(join(path, '.git'), join(dir.path, 'elsewhere'));
	symlinkSync(join(dir.path, 'elsewhere'), join(path, '.git'));
	assert.equal((await answer(dir.path, path, commit)).reason, 'location-refused');
});

test('a server that never answers ends at the time limit', async () => {
	using dir = tempDir();
	const sockets = new Set<import('node:net').Socket>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on('error', () => {});
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	try {
		const { port } = server.address() as import('node:net').AddressInfo;
		const { reason } = await answer(dir.path, `git://127.0.0.1:${port}/x`, 'e'.repeat(40), { fetchMsMax: 500 });
		assert.equal(reason, 'timeout');
	} finally {
		for (const socket of sockets) socket.destroy();
		server.close();
	}
});

test('a repository larger than the disk bound is not kept', async () => {
	using dir = tempDir();
	const path = join(dir.path, 'r');
	const commit = makeRepository(path, { big: randomBytes(3_000_000) });
	const { manifest, reason } = await answer(dir.path, path, commit, { cacheBytesMax: 1_000_000 });
	assert.equal(manifest, null);
	assert.equal(reason, 'too-large');
	assert.ok((await folderBytes(join(dir.path, 'cache'), 1e9)) < 1_000_000);
	assert.equal((await answer(dir.path, path, commit)).reason, '');
});

test('paths that no work tree can hold are refused even where git lets them through', () => {
	const entry = (path: string): TreeEntry => ({ type: 'blob', id: 'a'.repeat(40), size: 1, path, utf8: true });
	const paths = ['../a', 'a/../b', '/a', 'a//b', 'a/.git/config', './a', ''];
	const { contents, unresolved } = planTree([...paths, 'ok/.gitignore'].map(entry), defaultManifestLimits);
	assert.deepEqual(
		contents.map((e) => e.path),
		['ok/.gitignore'],
	);
	assert.deepEqual([...unresolved.keys()], paths);
});
