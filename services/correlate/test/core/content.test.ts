// Content versions, writers and foreign hands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts, FileFact } from '@affidavit/model/facts.ts';
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import { factsOf, recordsOf, run } from '../support/pipeline.ts';
import { digestOf, githubEnvironment, type Story, tell } from '../support/story.ts';

interface Scene {
	story: Story;
	init: ProcessInfo;
	shell: ProcessInfo;
	stranger: ProcessInfo;
}

/** A session (`shell`, workspace /ws) and a stranger, who may act before it starts. */
function scene(before: (story: Story, stranger: ProcessInfo) => void = () => {}): Scene {
	const story = tell();
	const init = story.old('/sbin/init', undefined, { pid: 1 });
	const stranger = story.exec(init, '/usr/bin/python3');
	before(story, stranger);
	const shell = story.exec(init, '/bin/bash', { environment: githubEnvironment('7') });
	return { story, init, shell, stranger };
}

async function factsFrom({ story }: Scene): Promise<Facts> {
	const [facts] = factsOf(await run(recordsOf('host', story.events, 5))).values();
	assert.ok(facts);
	return facts;
}

const brief = (f: FileFact): string => `${f.op} ${f.path} v${f.version}${f.foreign ? ' foreign' : ''}`;
const timely = (facts: Facts): string[] => [...facts.files].sort((a, b) => a.firstUs - b.firstUs).map(brief);

test('a version is one writing run: it ends with a read or another writer', async () => {
	const s = scene();
	const { story, shell } = s;
	const other = story.exec(shell, '/usr/bin/as');
	story.openWrite(shell, '/ws/out', '5', '');
	story.write(shell, '/ws/out', '5');
	story.write(shell, '/ws/out', '5');
	story.read(shell, '/ws/out', '5', 'one');
	story.write(shell, '/ws/out', '5');
	story.openWrite(other, '/ws/out', '5', 'two!');
	story.truncate(other, '/ws/out');
	story.read(shell, '/ws/out', '5', 'three');
	const facts = await factsFrom(s);
	assert.deepEqual(timely(facts), [
		'open_write /ws/out v1',
		'write /ws/out v1',
		'read /ws/out v1',
		'write /ws/out v2',
		'open_write /ws/out v3',
		'truncate /ws/out v3',
		'read /ws/out v3',
	]);
	const [product] = facts.products;
	assert.deepEqual(
		[product?.path, product?.version, product?.digest, product?.size, product?.writer],
		['/ws/out', 3, digestOf('three'), 5, other.execId],
	);
	const write = facts.files.find((f) => f.op === 'write' && f.version === 1);
	assert.deepEqual([write?.count, write?.dev, write?.ino], [2, 1, '5']);
});

test('files that are only read have no version and no writer', async () => {
	const s = scene();
	s.story.read(s.shell, '/ws/a', '9', 'a');
	const facts = await factsFrom(s);
	assert.deepEqual([facts.files[0]?.version, facts.files[0]?.writer, facts.products.length], [0, '', 0]);
});

test('a reused inode starts anew: nothing of the removed file sticks to it, and its versions go on counting', async () => {
	const s = scene();
	const { story, shell, stranger } = s;
	story.openWrite(stranger, '/ws/a', '5', '');
	story.write(stranger, '/ws/a', '5');
	story.unlink(stranger, '/ws/a', '5');
	story.openWrite(shell, '/ws/b', '5', '');
	story.read(shell, '/ws/b', '5', 'bb');
	const facts = await factsFrom(s);
	const read = facts.files.find((f) => f.op === 'read');
	assert.deepEqual([read?.version, read?.writer, read?.writerForeign, read?.heldBy], [2, shell.execId, false, '']);
	assert.deepEqual(
		facts.products.map((p) => [p.path, p.digest]),
		[['/ws/b', digestOf('bb')]],
	);
});

test('a writer through a second name is known after that name is removed', async () => {
	const s = scene();
	const { story, shell, stranger } = s;
	story.link(stranger, '/ws/a', '/tmp/a');
	story.openWrite(stranger, '/tmp/a', '5', 'good');
	story.write(stranger, '/tmp/a', '5');
	story.unlink(stranger, '/tmp/a', '5');
	story.read(shell, '/ws/a', '5', 'evil');
	const read = (await factsFrom(s)).files.find((f) => f.op === 'read');
	assert.equal(read?.writer, stranger.execId);
	assert.equal(read?.writerForeign, true);
});

test('what a stranger did before the start is evidence once the session uses the file', async () => {
	const s = scene((story, stranger) => {
		story.openWrite(stranger, '/opt/.t', '5', '');
		story.write(stranger, '/opt/.t', '5');
		story.rename(stranger, '/opt/.t', '/opt/tool', '5');
		story.openWrite(stranger, '/opt/unused', '6', '');
	});
	const { story, shell, stranger } = s;
	story.check(shell, '/opt/tool', '5', 'tool');
	const tool = story.replace(shell, '/opt/tool');
	story.rename(stranger, '/opt/good', '/opt/tool', '8');
	const facts = await factsFrom(s);
	assert.deepEqual(timely(facts), [
		'open_write /opt/.t v1 foreign',
		'write /opt/.t v1 foreign',
		'rename /opt/tool v1 foreign',
		'execute /opt/tool v1',
		'rename /opt/tool v1 foreign',
	]);
	const run = facts.files.find((f) => f.op === 'execute');
	assert.deepEqual([run?.execId, run?.writer, run?.writerForeign], [tool.execId, stranger.execId, true]);
	assert.equal(facts.processes.find((p) => p.execId === tool.execId)?.digest, digestOf('tool'));
	assert.deepEqual(
		facts.processes.filter((p) => p.foreign).map((p) => p.execId),
		[stranger.execId],
	);
});

test('history ends at the horizon', async () => {
	const s = scene((story, stranger) => {
		story.openWrite(stranger, '/opt/x', '5', '');
		story.wait(601_000_000);
	});
	s.story.read(s.shell, '/opt/x', '5', 'x');
	const facts = await factsFrom(s);
	assert.deepEqual(timely(facts), ['read /opt/x v1']);
	assert.deepEqual([facts.files[0]?.writer, facts.files[0]?.writerForeign], ['', false]);
});

test('foreign changes in the workspace are facts while the session is open, elsewhere only on files that it used', async () => {
	const s = scene();
	const { story, shell, stranger } = s;
	story.openWrite(stranger, '/ws/new', '20', '');
	story.openWrite(stranger, '/var/log/x', '21', '');
	story.unlink(stranger, '/ws/gone', '22');
	story.openWrite(shell, '/out/shared', '23', '');
	story.openWrite(stranger, '/other/name', '23', 'abc');
	story.rename(stranger, '/var/q', '/ws/q', '24');
	const facts = await factsFrom(s);
	assert.deepEqual(
		timely(facts).filter((line) => line.endsWith('foreign')),
		[
			'open_write /ws/new v1 foreign',
			'remove /ws/gone v0 foreign',
			'open_write /other/name v2 foreign',
			'rename /ws/q v1 foreign',
		],
	);
	assert.deepEqual(facts.products, []);
});

test('a stranger that holds a file open for writing is named until it exits', async () => {
	const s = scene();
	const { story, shell, stranger } = s;
	story.openWrite(stranger, '/ws/a', '5', 'abc', { flags: 32770 });
	story.read(shell, '/ws/a', '5', 'abc');
	story.exit(stranger);
	story.read(shell, '/ws/a', '5', 'abc');
	const reads = (await factsFrom(s)).files.filter((f) => f.op === 'read').sort((a, b) => a.firstUs - b.firstUs);
	assert.deepEqual(
		reads.map((f) => f.heldBy),
		[stranger.execId, ''],
	);
});

test('a write on a descriptor opened before the recording is known by its inode', async () => {
	const s = scene();
	const { story, shell, stranger } = s;
	story.write(stranger, '/ws/a', '5');
	story.truncate(stranger, '/ws/b');
	story.read(shell, '/ws/a', '5', 'abc');
	story.read(shell, '/ws/b', '6', 'abc');
	const facts = await factsFrom(s);
	for (const f of facts.files.filter((one) => one.op === 'read'))
		assert.deepEqual([f.version, f.writer, f.writerForeign], [1, stranger.execId, true], f.path);
});

test('an open for writing counts also where the policy tells no file type, no size and no inode', async () => {
	const s = scene();
	const { story, shell, stranger } = s;
	story.openWrite(stranger, '/ws/a', '', '', { dev: -1, size: -1, digest: '', fileType: '' });
	story.add(stranger, 'open', 'file_post_open', { path: '/ws/dir', fileType: 'd', flags: 0 });
	story.read(shell, '/ws/a', '5', 'abc');
	const facts = await factsFrom(s);
	assert.deepEqual(timely(facts), ['open_write /ws/a v1 foreign', 'read /ws/a v1']);
	assert.equal(facts.files.find((f) => f.op === 'read')?.writer, stranger.execId);
});

test('renamed folders keep what is known of their files', async () => {
	const s = scene();
	const { story, shell } = s;
	story.openWrite(shell, '/ws/tmp.d/sub/a', '5', '');
	story.rename(shell, '/ws/tmp.d', '/ws/out', '77');
	story.read(shell, '/ws/out/sub/a', '5', 'abc');
	assert.deepEqual(
		(await factsFrom(s)).products.map((p) => [p.path, p.digest]),
		[['/ws/out/sub/a', digestOf('abc')]],
	);
});

test('products exist at the close, are not git’s own, and have the digest that anybody saw last', async () => {
	const s = scene();
	const { story, init, shell } = s;
	story.openWrite(shell, '/ws/app.tmp', '5', '');
	story.write(shell, '/ws/app.tmp', '5');
	story.rename(shell, '/ws/app.tmp', '/ws/app', '5');
	story.openWrite(shell, '/ws/scratch', '6', '');
	story.unlink(shell, '/ws/scratch', '6');
	story.openWrite(shell, '/ws/.git/index', '7', '');
	story.openWrite(shell, '/tmp/elsewhere', '8', '');
	story.openWrite(shell, '/ws/unseen', '9', '');
	story.exit(shell);
	const sum = story.exec(init, '/usr/bin/sha256sum');
	story.read(sum, '/ws/app', '5', 'application');
	assert.deepEqual(
		(await factsFrom(s)).products.map((p) => [p.path, p.digest, p.size, p.assurance]),
		[
			['/ws/app', digestOf('application'), 11, 'kernel'],
			['/ws/unseen', '', -1, 'none'],
		],
	);
});

test('copies of one event are one', async () => {
	const s = scene();
	const { story, shell } = s;
	const first = story.read(shell, '/ws/a', '5', 'abc');
	for (const after of [40, 990, 1500]) {
		const copy = story.read(shell, '/ws/a', '5', 'abc');
		copy.timeUs = first.timeUs + after;
	}
	const facts = await factsFrom(s);
	assert.deepEqual(
		facts.files.map((f) => [f.count, f.copies]),
		[[2, 2]],
	);
	assert.equal(facts.closed?.copies, 2);
});

test('a digest whose other inodes have another size is another file’s', async () => {
	const s = scene();
	const { story, shell } = s;
	story.read(shell, '/usr/lib/a', '5', 'library');
	story.read(shell, '/usr/lib/b', '6', 'library');
	const odd = story.read(shell, '/ws/main.c', '7', 'short');
	odd.digest = digestOf('library');
	const facts = await factsFrom(s);
	assert.deepEqual(
		[...facts.files].sort((a, b) => a.firstUs - b.firstUs).map((f) => f.otherSize),
		[-1, -1, 7],
	);
});

test('hostile names stay what they are', async () => {
	const s = scene();
	const { story, shell } = s;
	const names = [
		'/ws/__proto__',
		'/ws/constructor',
		'/ws/new\nline',
		'/ws/\ud800',
		`/ws/${'x'.repeat(5000)}`,
		'/ws2/no',
	];
	for (const [i, name] of names.entries()) {
		story.openWrite(shell, name, `__proto__${i}`, '');
		story.truncate(shell, name);
	}
	const facts = await factsFrom(s);
	assert.equal(facts.products.length, 5);
	assert.ok(facts.products.some((p) => p.path === '/ws/__proto__' && p.ino === '__proto__0'));
});
