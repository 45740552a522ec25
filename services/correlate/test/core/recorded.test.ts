// Every recorded stream gives its sessions, products and foreign facts (test/fixtures/traces, expect.json).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts } from '@affidavit/model/facts.ts';
import type { ProductFact } from '@affidavit/model/generated/session.ts';
import { relativeTo } from '@affidavit/model/paths.ts';
import { factsOf, recordsOf, run } from '../support/pipeline.ts';
import { decodeStream, expectationOf } from '../support/recorded.ts';

async function play(name: string): Promise<Facts[]> {
	const { host, decoded } = decodeStream(name);
	return [...factsOf(await run(recordsOf(host, decoded, 1000))).values()];
}

const binaryOf = (facts: Facts, execId: string): string =>
	facts.processes.find((p) => p.execId === execId)?.binary ?? '';

for (const name of [
	'01-go-clean',
	'01b-go-clean-warm',
	'02a-go-swap',
	'02b-go-ptrace',
	'03-go-trojan-compiler',
	'04-c-make',
	'05-npm',
	'06-two-builds',
	'07-net-foreign',
	'09-loss',
	'11-fixed-sensor',
])
	test(`${name}: sessions and products`, async () => {
		const sessions = await play(name);
		const expected = expectationOf(name).sessions;
		assert.deepEqual(sessions.map((s) => s.opened?.ciRunId).sort(), Object.keys(expected).sort());
		for (const facts of sessions) {
			const { opened, closed } = facts;
			assert.ok(opened && closed);
			assert.equal(opened.matcher, 'github-actions');
			assert.equal(closed.reason, 'end_of_input');
			assert.equal(closed.workspaceWatched, true);
			assert.equal(closed.orphanProcesses, 0);
			assert.deepEqual(facts.gaps, []);
			assert.deepEqual(facts.notes, []);
			assert.equal(facts.processes.filter((p) => p.root).length, 1);
			for (const product of expected[opened.ciRunId]?.products ?? []) {
				const found: ProductFact | undefined = facts.products.find(
					(p) => relativeTo(p.path, opened.workspace) === product.path,
				);
				assert.ok(found, product.path);
				assert.equal(found.digest.startsWith(product.sha256 ?? ''), true, `${product.path}: ${found.digest}`);
				assert.notEqual(found.digest, '');
			}
		}
	});

test('06-two-builds: nothing of one build is in the other', async () => {
	for (const facts of await play('06-two-builds')) {
		const workspace = facts.opened?.workspace ?? '';
		const other = workspace === '/work/src/goapp6' ? '/work/jobs/j2/capp' : '/work/src/goapp6';
		assert.deepEqual(
			facts.files.filter((f) => f.path.startsWith(`${other}/`)).map((f) => f.path),
			[],
		);
	}
});

test('02a-go-swap: the outside writer before and after, and what was read between', async () => {
	const [facts] = await play('02a-go-swap');
	assert.ok(facts);
	const path = '/work/src/goapp/main.go';
	const foreign = facts.files.filter((f) => f.foreign && f.path === path);
	assert.deepEqual(
		foreign.map((f) => `${f.op} ${f.version} ${f.digest.slice(0, 8)}`),
		['open_write 1 67dc2571', 'open_write 2 bcd6f27c', 'truncate 1 ', 'truncate 2 ', 'write 1 ', 'write 2 '],
	);
	for (const f of foreign) assert.equal(facts.processes.find((p) => p.execId === f.execId)?.pid, 1298);
	const tampered = facts.files.filter((f) => f.path === path && f.digest.startsWith('bcd6f27c') && f.op === 'read');
	assert.equal(tampered.length, 1);
	assert.equal(tampered[0]?.version, 1);
	assert.equal(tampered[0]?.writerForeign, true);
	assert.equal(tampered[0]?.assurance, 'kernel');
	assert.match(binaryOf(facts, tampered[0]?.execId ?? ''), /\/compile$/);
});

test('02b-go-ptrace: a stranger seizes a process of the session', async () => {
	const [facts] = await play('02b-go-ptrace');
	assert.ok(facts);
	assert.equal(facts.ptraces.length, 1);
	const [trace] = facts.ptraces;
	assert.equal(trace?.foreign, true);
	assert.equal(trace?.targetPid, 780);
	assert.equal(trace?.request, 16902);
	const target = facts.processes.find((p) => p.execId === trace?.targetExecId);
	assert.equal(target?.pid, 780);
	assert.equal(target?.foreign, false);
	assert.equal(facts.processes.find((p) => p.execId === trace?.execId)?.foreign, true);
});

test('03-go-trojan-compiler: the compiler was copied and renamed over before the build', async () => {
	const [facts] = await play('03-go-trojan-compiler');
	assert.ok(facts);
	const runs = facts.files.filter(
		(f) => f.op === 'execute' && f.path.endsWith('/compile') && f.digest.startsWith('6757f3e3'),
	);
	assert.ok(runs.length > 0);
	for (const f of runs) {
		assert.equal(f.writerForeign, true);
		assert.equal(binaryOf(facts, f.writer), '/usr/bin/mv');
		assert.match(binaryOf(facts, f.execId), /\/compile$/);
	}
	const compilers = facts.processes.filter((p) => p.binary.endsWith('/compile') && !p.foreign && p.executed);
	assert.ok(compilers.length > 0);
	for (const p of compilers) assert.match(p.digest, /^6757f3e3/);
	const past = facts.files.filter((f) => f.foreign && f.path.includes('/pkg/tool/'));
	const start = facts.opened?.timeUs ?? 0;
	assert.deepEqual(past.map((f) => `${f.op} ${f.firstUs < start ? 'before' : 'after'}`).sort(), [
		'open_write before',
		'rename after',
		'rename before',
		'write before',
	]);
});

test('07-net-foreign: the outside write, and the connections', async () => {
	const [facts] = await play('07-net-foreign');
	assert.ok(facts);
	const foreign = facts.files.filter((f) => f.foreign);
	assert.deepEqual(
		foreign.map((f) => `${f.op} ${f.path}`),
		['open_write /work/src/capp7/src/m9.c', 'write /work/src/capp7/src/m9.c'],
	);
	assert.equal(facts.processes.find((p) => p.execId === foreign[0]?.execId)?.pid, 1081);
	const read = facts.files.filter(
		(f) => f.op === 'read' && f.path.endsWith('/src/m9.c') && f.digest.startsWith('5e692763'),
	);
	assert.ok(read.length > 0);
	for (const f of read) assert.equal(f.writerForeign, true);
	const connects = facts.connections.map((c) => `${c.address}:${c.port}`);
	for (const one of ['127.0.0.1:8099', '127.0.0.1:9418', '10.255.255.53:53']) assert.ok(connects.includes(one), one);
});

test('05-npm: the postinstall, its shell, the file that it read and its connection', async () => {
	const [facts] = await play('05-npm');
	assert.ok(facts);
	const shell = facts.processes.find((p) => p.arguments.includes('.npmrc'));
	assert.ok(shell);
	const npmrc = facts.files.filter((f) => f.op === 'read' && f.path === '/root/.npmrc');
	assert.ok(npmrc.some((f) => binaryOf(facts, f.execId).endsWith('/head')));
	assert.ok(facts.connections.some((c) => c.port === 9901));
});

test('11-fixed-sensor: no digest is called another file’s', async () => {
	for (const facts of await play('11-fixed-sensor'))
		assert.deepEqual(
			facts.files.filter((f) => f.otherSize !== -1).map((f) => f.path),
			[],
		);
});

test('06-two-builds: executions shown with another file’s digest are known as such', async () => {
	const sessions = await play('06-two-builds');
	const cc1 = sessions
		.flatMap((s) => s.files)
		.filter((f) => f.path.endsWith('/cc1') && f.digest.startsWith('28bab01b'));
	assert.ok(cc1.length > 0);
	for (const f of cc1) assert.notEqual(f.otherSize, -1);
});

test('08*: container paths stay as they are, reader and outside writer meet by inode, unwatched writes are told', async () => {
	const sessions = await play('08b-container-swap');
	const inside = sessions.find((s) => s.opened?.workspace === '/src');
	assert.ok(inside?.closed);
	assert.equal(inside.closed.workspaceWatched, false);
	const foreign = inside.files.filter((f) => f.foreign && f.path === '/work/src/ct8002/capp/src/m9.c');
	const read = inside.files.find((f) => f.path === '/src/src/m9.c' && f.digest.startsWith('5e692763'));
	assert.ok(foreign.length > 0 && read);
	for (const f of foreign) assert.deepEqual([f.dev, f.ino], [read.dev, read.ino]);
	assert.equal(read.writerForeign, true);
	assert.equal(inside.products.find((p) => p.path === '/src/build/capp')?.digest.slice(0, 8), '35066c60');
	assert.deepEqual(
		inside.notes.map((n) => n.cause),
		['session-id-reused'],
	);
	for (const name of ['08-container-clean', '08c-docker-build', '08d-container-ns'])
		for (const facts of await play(name)) assert.ok(facts.closed);
	const [, clean] = await play('08-container-clean');
	assert.equal(clean?.closed?.workspaceWatched, false);
	for (const facts of await play('08d-container-ns')) assert.equal(facts.closed?.workspaceWatched, true);
});
