import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { ManifestLimits } from '../../src/manifest/limits.ts';
import { createManifestResolver, type ResolveManifest } from '../../src/manifest/resolver.ts';
import { commitFiles, git, makeRepository, tempDir } from './git-fixture.ts';

const traces = join(import.meta.dirname, '../../../../test/fixtures/traces');

function resolver(cacheDir: string, repositories: Record<string, string>, limits: Partial<ManifestLimits> = {}) {
	const collected = collectingEmit();
	const resolve = createManifestResolver({ repositories, cacheDir, limits, emit: collected.emit });
	return { resolve, events: collected.events };
}

const ask = (resolve: ResolveManifest, repository: string, commit: string, workspace = '') =>
	resolve({ repository, commit, workspace });

test('the bundles of the recordings give what their commits hold', async () => {
	using dir = tempDir();
	const commits: Record<string, string> = {
		'02a-go-swap/repo.bundle': 'e8e0f8e3176fcd46210b8478c25962ae872936e3',
		'07-net-foreign/repo.bundle': 'ab81a0e2569f9325c6205f4cbf2e66712e6dbf5b',
		'06-two-builds/repo-capp.bundle': 'ab81a0e2569f9325c6205f4cbf2e66712e6dbf5b',
	};
	const { resolve, events } = resolver(
		join(dir.path, 'cache'),
		Object.fromEntries(Object.keys(commits).map((b) => [b, join(traces, b)])),
	);
	for (const [bundle, commit] of Object.entries(commits)) {
		const { manifest, note } = await ask(resolve, bundle, commit);
		assert.equal(note, '');
		assert.equal(manifest?.commit, commit);
		const clone = join(dir.path, `clone-${bundle.replaceAll('/', '-')}`);
		git(dir.path, ['clone', '-q', join(traces, bundle), clone]);
		const paths = git(clone, ['ls-files', '-z']).split('\0').filter(Boolean);
		assert.deepEqual(Object.keys(manifest?.files ?? {}).sort(), paths.sort());
		for (const path of paths) {
			const bytes = git(clone, ['cat-file', 'blob', `${commit}:${path}`]);
			assert.ok(bytes.length <= (manifest?.files[path]?.size ?? 0));
		}
	}
	const swapped = await ask(resolve, '02a-go-swap/repo.bundle', commits['02a-go-swap/repo.bundle'] as string);
	assert.match(swapped.manifest?.files['main.go']?.sha256 ?? '', /^67dc2571/);
	const c = await ask(resolve, '07-net-foreign/repo.bundle', commits['07-net-foreign/repo.bundle'] as string);
	assert.match(c.manifest?.files['src/m9.c']?.sha256 ?? '', /^9cfff394/);
	assert.deepEqual(events, []);
});

test('a folder, a bare repository, a file URL and a SHA-256 repository', async () => {
	using dir = tempDir();
	const work = join(dir.path, 'with space and %41');
	const commit = makeRepository(work, { 'a.txt': 'one\n', 'sub/b.txt': 'two' });
	const bare = join(dir.path, 'bare.git');
	git(dir.path, ['clone', '-q', '--bare', work, bare]);
	const long = join(dir.path, 'long');
	const longCommit = makeRepository(long, { 'a.txt': 'one\n' }, 'sha256');
	// What lies uncommitted in the work tree is not the commit's.
	writeFileSync(join(work, 'a.txt'), 'edited');
	const { resolve } = resolver(join(dir.path, 'cache'), {
		work,
		bare,
		url: `file://${encodeURI(bare)}`,
		long,
		'/ws': work,
	});
	for (const name of ['work', 'bare', 'url']) {
		const { manifest, note } = await ask(resolve, name, commit);
		assert.equal(note, '', name);
		assert.deepEqual(
			{ ...manifest?.files },
			{
				'a.txt': { sha256: sha256Hex('one\n'), size: 4 },
				'sub/b.txt': { sha256: sha256Hex('two'), size: 3 },
			},
		);
	}
	assert.equal((await ask(resolve, 'long', longCommit)).note, '');
	const byWorkspace = await ask(resolve, 'claimed/other', commit, '/ws');
	assert.equal(byWorkspace.manifest?.repository, '/ws');
});

test('a work tree of another repository, and a folder that belongs to another user', async () => {
	using dir = tempDir();
	const work = join(dir.path, 'work');
	const commit = makeRepository(work, { 'a.txt': 'one\n' });
	const linked = join(dir.path, 'linked');
	git(work, ['worktree', 'add', '-q', '--detach', linked]);
	const { resolve } = resolver(join(dir.path, 'cache'), { work, linked });
	assert.equal((await ask(resolve, 'linked', commit)).note, '');
	// The configuration names the folder, so its owner does not matter; only root can make one of another's.
	if (process.getuid?.() === 0) execFileSync('chown', ['-R', '65534:65534', work]);
	assert.equal((await ask(resolve, 'work', commit)).note, '');
});

test('a later commit is fetched into the same cache, and only its new contents are hashed', async () => {
	using dir = tempDir();
	const work = join(dir.path, 'work');
	const first = makeRepository(work, { 'a.txt': 'one', 'b.txt': 'same' });
	const cacheDir = join(dir.path, 'cache');
	const { resolve } = resolver(cacheDir, { work });
	assert.equal((await ask(resolve, 'work', first)).note, '');
	const second = commitFiles(work, { 'a.txt': 'two' });
	const { manifest } = await ask(resolve, 'work', second);
	assert.equal(manifest?.files['a.txt']?.sha256, sha256Hex('two'));
	assert.equal(manifest?.files['b.txt']?.sha256, sha256Hex('same'));
	assert.equal(readdirSync(cacheDir).length, 1);
	// The location may be gone: what the cache holds is enough.
	renameSync(work, `${work}-gone`);
	const again = resolver(cacheDir, { work });
	assert.match((await ask(again.resolve, 'work', second)).note, /^unreachable: /);
	renameSync(`${work}-gone`, work);
	assert.equal((await ask(resolver(cacheDir, { work }).resolve, 'work', first)).note, '');
});

test('what a work tree holds otherwise is unresolved, with the reason', async () => {
	using dir = tempDir();
	const work = join(dir.path, 'work');
	const lfs = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
	makeRepository(work, {
		'.gitattributes': [
			'* text=auto',
			'*.bin filter=lfs diff=lfs merge=lfs -text',
			'*.bat eol=crlf',
			'*.sh eol=lf',
			'*.c ident',
			'*.txt16 working-tree-encoding=UTF-16',
			'*.u8 working-tree-encoding=UTF-8',
			'*.gen filter=generate',
			'!negated',
		].join('\n'),
		'big.bin': lfs,
		'pointer.dat': lfs,
		'x.bat': 'echo\n',
		'x.sh': 'echo\n',
		'x.c': '$Id$\n',
		'x.txt16': Buffer.from('\ufefftext\n', 'utf16le'),
		'x.u8': 'text\n',
		'x.gen': 'text\n',
		'plain.go': 'package main\n',
		'deep/.gitattributes': 'own.go -text eol=crlf\n',
		'deep/own.go': 'package deep\n',
	});
	symlinkSync('/etc/passwd', join(work, 'link'));
	git(work, ['update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},vendor/sub`]);
	git(work, ['add', 'link']);
	git(work, ['commit', '-q', '-m', 'more']);
	const commit = git(work, ['rev-parse', 'HEAD']);
	const { resolve } = resolver(join(dir.path, 'cache'), { work });
	const { manifest, note } = await ask(resolve, 'work', commit);
	assert.equal(note, '');
	assert.deepEqual(
		{ ...manifest?.unresolved },
		{
			'big.bin': 'lfs',
			'pointer.dat': 'lfs',
			'x.bat': 'eol-filter',
			'deep/own.go': 'eol-filter',
			'x.c': 'ident',
			'x.txt16': 'encoding',
			'x.gen': 'filter',
			link: 'symlink',
			'vendor/sub': 'submodule',
		},
	);
	assert.deepEqual(
		Object.keys(manifest?.files ?? {}).sort(),
		['.gitattributes', 'deep/.gitattributes', 'plain.go', 'x.sh', 'x.u8'].sort(),
	);
});

test('a folder without git is a plain tree, and the note says that no commit was checked', async () => {
	using dir = tempDir();
	const folder = join(dir.path, 'tree');
	mkdirSync(join(folder, 'sub'), { recursive: true });
	writeFileSync(join(folder, 'sub/a\nb'), 'x');
	writeFileSync(join(folder, '__proto__'), 'y');
	symlinkSync('/etc', join(folder, 'etc'));
	const { resolve } = resolver(join(dir.path, 'cache'), { tree: folder });
	const { manifest, note } = await ask(resolve, 'tree', 'not a commit');
	assert.match(note, /^plain-folder: .*the commit is not checked/);
	assert.deepEqual(Object.entries(manifest?.files ?? {}), [
		['__proto__', { sha256: sha256Hex('y'), size: 1 }],
		['sub/a\nb', { sha256: sha256Hex('x'), size: 1 }],
	]);
	assert.equal(manifest?.unresolved['etc'], 'symlink');
});

test('what cannot be resolved is said, counted, and never thrown', async () => {
	using dir = tempDir();
	const work = join(dir.path, 'work');
	const commit = makeRepository(work, { 'a.txt': 'one' });
	const blob = git(work, ['rev-parse', 'HEAD:a.txt']);
	const tree = git(work, ['rev-parse', 'HEAD^{tree}']);
	git(work, ['tag', '-a', '-m', 't', 'v1']);
	const tag = git(work, ['rev-parse', 'v1']);
	writeFileSync(join(dir.path, 'no.bundle'), 'this is no bundle');
	const { resolve, events } = resolver(join(dir.path, 'cache'), {
		work,
		gone: join(dir.path, 'gone'),
		broken: join(dir.path, 'no.bundle'),
		helper: 'ext::sh -c touch% /tmp/affidavit-pwned',
		option: '--upload-pack=touch /tmp/affidavit-pwned',
		http: 'http://127.0.0.1:1/x.git',
		refusing: 'git://127.0.0.1:1/x.git',
	});
	const expected: [string, string, string][] = [
		['nobody', commit, 'not-configured'],
		['__proto__', commit, 'not-configured'],
		['work', 'main', 'not-a-commit-id'],
		['work', commit.toUpperCase(), 'not-a-commit-id'],
		['work', `${commit}\n`, 'not-a-commit-id'],
		['work', '--output=/tmp/affidavit-pwned', 'not-a-commit-id'],
		['work', commit.slice(0, 12), 'not-a-commit-id'],
		['work', '0123456789abcdef0123456789abcdef01234567', 'commit-not-found'],
		['work', 'a'.repeat(64), 'unreachable'],
		['work', blob, 'not-a-commit'],
		['work', tree, 'not-a-commit'],
		['work', tag, 'not-a-commit'],
		['gone', commit, 'unreachable'],
		['broken', commit, 'unreachable'],
		['helper', commit, 'location-refused'],
		['option', commit, 'location-refused'],
		['http', commit, 'location-refused'],
		['refusing', commit, 'unreachable'],
	];
	for (const [name, id, reason] of expected) {
		const { manifest, note } = await ask(resolve, name, id);
		assert.equal(manifest, null);
		assert.equal(note.split(':')[0], reason, `${name} ${id}: ${note}`);
		assert.equal(events.at(-1)?.reason, reason);
		assert.ok(!note.includes(dir.path), 'a note names no path of this machine');
	}
	assert.equal(events.length, expected.length);
	assert.ok(!existsSync('/tmp/affidavit-pwned'));
	assert.equal((await ask(resolve, 'work', commit)).note, '');
});

test('a failure is remembered for a while, then asked again', async () => {
	using dir = tempDir();
	const work = join(dir.path, 'work');
	let nowMs = 0;
	const resolve = createManifestResolver({
		repositories: { work },
		cacheDir: join(dir.path, 'cache'),
		limits: { retryAfterMs: 1000 },
		emit: () => {},
		now: () => nowMs,
	});
	const commit = 'e8e0f8e3176fcd46210b8478c25962ae872936e3';
	assert.match((await ask(resolve, 'work', commit)).note, /^unreachable/);
	makeRepository(work, { a: '1' });
	assert.match((await ask(resolve, 'work', commit)).note, /^unreachable/);
	nowMs = 1001;
	assert.match((await ask(resolve, 'work', commit)).note, /^commit-not-found/);
});

test('caches are bounded, and the folder of the cache holds nothing else', async () => {
	using dir = tempDir();
	const repositories: Record<string, string> = {};
	const commits: Record<string, string> = {};
	for (const name of ['a', 'b', 'c']) {
		repositories[name] = join(dir.path, name);
		commits[name] = makeRepository(join(dir.path, name), { f: name });
	}
	const cacheDir = join(dir.path, 'cache');
	const { resolve, events } = resolver(cacheDir, repositories, { cachesMax: 2 });
	for (const name of ['a', 'b', 'c']) assert.equal((await ask(resolve, name, commits[name] as string)).note, '');
	assert.equal(readdirSync(cacheDir).length, 2);
	assert.equal(events.filter((e) => e.name === 'manifest_cache_evicted').length, 1);
});

test('a lock whose process is dead is taken over; a live one is waited for', async () => {
	using dir = tempDir();
	const work = join(dir.path, 'work');
	const commit = makeRepository(work, { a: '1' });
	const cacheDir = join(dir.path, 'cache');
	assert.equal((await ask(resolver(cacheDir, { work }).resolve, 'work', commit)).note, '');
	const [key] = readdirSync(cacheDir);
	const lock = join(cacheDir, `${key}.lock`);
	// Above the largest pid that Linux gives out.
	writeFileSync(lock, '4194305 dead');
	assert.equal((await ask(resolver(cacheDir, { work }).resolve, 'work', commit)).note, '');
	assert.ok(!existsSync(lock));
	// Left by a process that was killed before it wrote its name, and by one whose number another process has now.
	for (const left of ['', `${process.pid} 1 reused`]) {
		writeFileSync(lock, left);
		const again = resolver(cacheDir, { work }, { lockMsMax: 100 });
		assert.ok((await ask(again.resolve, 'work', commit)).manifest);
		assert.ok(!existsSync(lock));
	}
	const start = readFileSync('/proc/self/stat', 'utf8')
		.replace(/^.*\) /s, '')
		.split(' ')[19];
	writeFileSync(lock, `${process.pid} ${start} alive`);
	const held = resolver(cacheDir, { work }, { lockMsMax: 100 });
	assert.match((await ask(held.resolve, 'work', commit)).note, /^locked: /);
	assert.ok(existsSync(dirname(lock)));
});
