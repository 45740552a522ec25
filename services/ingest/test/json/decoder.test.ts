import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessInfo, TraceEvent } from '@affidavit/model/trace-event.ts';
import { createJsonDecoder } from '../../src/json/decoder.ts';
import { createPair } from './pair.ts';
import { streamLines, streamNames } from './streams.ts';

for (const name of streamNames()) {
	test(`${name}: the fast path says what JSON.parse says, and takes nearly all lines`, () => {
		const pair = createPair();
		const lines = streamLines(name);
		let slow = 0;
		for (const line of lines) {
			const { result, fast } = pair.decode(line);
			if (!fast) slow++;
			const expected = pair.general(line);
			assert.equal(result.kind, 'event', JSON.stringify(result));
			assert.deepStrictEqual(result, expected);
		}
		assert.ok(slow <= 30, `${slow} of ${lines.length} lines were decoded the general way`);
	});
}

/** A line as protojson writes it, twice: the second time by the fast path. */
function decodeTwice(value: unknown): { event: TraceEvent; process: ProcessInfo; parent: ProcessInfo | null } {
	const decoder = createJsonDecoder();
	const line = Buffer.from(JSON.stringify(value));
	const first = decoder.decode(line);
	const second = decoder.decode(line);
	assert.deepStrictEqual(second, first);
	if (first.kind === 'error') throw new Error(first.message);
	return first;
}

function failureOf(value: unknown): { code: string; message: string } {
	const result = createJsonDecoder().decode(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
	if (result.kind === 'event') throw new Error(`expected an error, found ${JSON.stringify(result)}`);
	return { code: result.code, message: result.message };
}

const process = {
	exec_id: 'aG9zdDoxOjI=',
	pid: 2,
	uid: 0,
	cwd: '/w',
	binary: '/usr/bin/cc',
	arguments: 'a.c',
	flags: 'execve clone',
	start_time: '2026-11-23T04:10:53.103921569Z',
	parent_exec_id: 'aG9zdDoxOjE=',
	refcnt: 1,
	tid: 2,
	in_init_tree: false,
};
const parent = { exec_id: 'aG9zdDoxOjE=', pid: 1, binary: '/sbin/init', tid: 1 };
const envelope = { node_name: 'host', time: '2026-11-23T04:10:53.324969801Z' };
const kprobe = (function_name: string, args: unknown[]): unknown => ({
	process_kprobe: { process, parent, function_name, args, policy_name: 'p' },
	...envelope,
});
const lsm = (function_name: string, args: unknown[], ima_hash?: string): unknown => ({
	process_lsm: { process, parent, function_name, args, ...(ima_hash === undefined ? {} : { ima_hash }) },
	...envelope,
});
const path = (text: string, label?: string): unknown => ({
	path_arg: { path: text, permission: '-rw-r--r--' },
	...(label === undefined ? {} : { label }),
});
const digest = 'ab'.repeat(32);

test('an open carries file, inode, device, size, flags and the digest', () => {
	const { event, process: info } = decodeTwice(
		lsm(
			'file_post_open',
			[
				{ file_arg: { path: '/w/a.c', permission: '-rw-r--r--' } },
				{ uint_arg: 32768, label: 'f_flags' },
				{ size_arg: '18446744073709551615', label: 'ino' },
				{ uint_arg: 266338304, label: 'dev' },
				{ long_arg: '9223372036854775807', label: 'size' },
			],
			`sha256:${digest}`,
		),
	);
	assert.equal(event.kind, 'open');
	assert.equal(event.timeUs, Date.UTC(2026, 10, 23, 4, 10, 53) * 1000 + 324969);
	assert.equal(event.path, '/w/a.c');
	assert.equal(event.fileType, '-');
	assert.equal(event.ino, '18446744073709551615');
	assert.equal(event.dev, 266338304);
	assert.equal(event.size, Number.MAX_SAFE_INTEGER, 'held within the safe integers');
	assert.equal(event.flags, 32768);
	assert.equal(event.digest, digest);
	assert.equal(info.startUs, Date.UTC(2026, 10, 23, 4, 10, 53) * 1000 + 103921);
});

test('a digest of file_open, or of another algorithm, is no kernel digest', () => {
	const args = [{ file_arg: { path: '/w/a.c', permission: '-rw-r--r--' } }];
	assert.equal(decodeTwice(lsm('file_open', args, `sha256:${digest}`)).event.digest, '');
	assert.equal(decodeTwice(lsm('file_open', args, `sha256:${digest}`)).event.kind, 'open');
	assert.equal(decodeTwice(lsm('file_post_open', args, `sha1:${digest}`)).event.digest, '');
	assert.equal(decodeTwice(lsm('file_post_open', args, `sha256:${digest.toUpperCase()}`)).event.digest, '');
	assert.equal(decodeTwice(lsm('bprm_check_security', args, `sha256:${digest}`)).event.kind, 'check');
});

test('a permission check is a write only with MAY_WRITE', () => {
	const file = { file_arg: { path: '/w/a.c', permission: '-rw-r--r--' } };
	const masked = (mask: number): TraceEvent =>
		decodeTwice(kprobe('security_file_permission', [file, { int_arg: mask, label: 'mask' }])).event;
	assert.equal(masked(2).kind, 'write');
	assert.equal(masked(6).kind, 'write');
	assert.equal(masked(4).kind, 'other');
	assert.equal(decodeTwice(kprobe('security_file_permission', [file])).event.kind, 'other');
	assert.equal(decodeTwice(kprobe('security_file_permission', [file, { int_arg: 2 }])).event.kind, 'write');
});

test('names are put together from directory and dentry; the dentry is kept where it differs', () => {
	const labelled = decodeTwice(
		kprobe('security_path_rename', [
			path('/host/cmd', 'old_dir'),
			path('/cmd/a', 'old'),
			path('/host/cmd', 'new_dir'),
			path('/cmd/b', 'new'),
			{ size_arg: '7', label: 'ino' },
		]),
	).event;
	assert.deepEqual(
		[labelled.kind, labelled.path, labelled.path2, labelled.fsPath, labelled.ino],
		['rename', '/host/cmd/b', '/host/cmd/a', '/cmd/b', '7'],
	);
	const unlabelled = decodeTwice(
		kprobe('security_path_rename', [path('/w'), path('/w/a'), path('/'), path('/b')]),
	).event;
	assert.deepEqual([unlabelled.path, unlabelled.path2, unlabelled.fsPath], ['/b', '/w/a', '']);
	const unlink = decodeTwice(kprobe('security_path_unlink', [path('/w', 'dir'), path('/x/a\n"b', 'dentry')])).event;
	assert.deepEqual([unlink.kind, unlink.path, unlink.fsPath], ['unlink', '/w/a\n"b', '/x/a\n"b']);
	const link = decodeTwice(
		kprobe('security_path_link', [path('/w/a', 'old'), path('/w', 'new_dir'), path('/w/b', 'new')]),
	).event;
	assert.deepEqual([link.kind, link.path, link.path2], ['link', '/w/b', '/w/a']);
	const symlink = decodeTwice(
		kprobe('security_path_symlink', [
			path('/w', 'dir'),
			path('/w/l', 'dentry'),
			{ string_arg: '../a', label: 'target' },
		]),
	).event;
	assert.deepEqual([symlink.kind, symlink.path, symlink.path2], ['symlink', '/w/l', '../a']);
});

test('system calls are known without their architecture', () => {
	for (const prefix of ['', '__x64_', '__arm64_']) {
		const attach = decodeTwice(
			kprobe(`${prefix}sys_ptrace`, [
				{ int_arg: 16902, label: 'request' },
				{ int_arg: 780, label: 'pid' },
			]),
		).event;
		assert.deepEqual([attach.kind, attach.request, attach.pid], ['ptrace', 16902, 780]);
		const mount = decodeTwice(
			kprobe(`${prefix}sys_mount`, [{ string_arg: 'overlay' }, { string_arg: '/m' }, { size_arg: '0' }]),
		).event;
		assert.deepEqual([mount.kind, mount.path, mount.path2], ['mount', '/m', 'overlay']);
	}
	const failed = decodeTwice(
		kprobe('__x64_sys_mount', [{ string_arg: '' }, { error_arg: { Message: 'Bad address' } }]),
	).event;
	assert.deepEqual([failed.kind, failed.path], ['mount', '']);
});

test('connections carry family, address and port; an address that is none is empty', () => {
	const tcp = decodeTwice(
		kprobe('tcp_connect', [
			{ sock_arg: { family: 'AF_INET', saddr: '10.0.0.1', daddr: '10.0.0.2', sport: 4, dport: 443, cookie: '1' } },
		]),
	).event;
	assert.deepEqual([tcp.kind, tcp.family, tcp.address, tcp.port], ['connect', 'AF_INET', '10.0.0.2', 443]);
	const unix = decodeTwice(
		kprobe('security_socket_connect', [{ sockaddr_arg: { family: 'AF_UNIX', addr: 'invalid IP' } }]),
	).event;
	assert.deepEqual([unix.kind, unix.family, unix.address, unix.port], ['connect', 'AF_UNIX', '', -1]);
});

test('exec, exit, loader, throttle and rate limit', () => {
	assert.equal(decodeTwice({ process_exec: { process, parent, ancestors: [parent] }, ...envelope }).event.kind, 'exec');
	const exit = decodeTwice({ process_exit: { process, parent, status: 2, signal: 'SIGKILL' }, ...envelope }).event;
	assert.deepEqual([exit.kind, exit.status, exit.signal], ['exit', 2, 'SIGKILL']);
	assert.equal(decodeTwice({ process_exit: { process, parent }, ...envelope }).event.status, 0);
	assert.equal(decodeTwice({ process_loader: { process, path: '/l.so' }, ...envelope }).event.path, '/l.so');
	const throttle = decodeTwice({ process_throttle: { type: 'THROTTLE_START', cgroup: '/c' }, ...envelope }).event;
	assert.deepEqual([throttle.kind, throttle.signal, throttle.execId], ['throttle', 'THROTTLE_START', '']);
	const limit = decodeTwice({ rate_limit_info: { number_of_dropped_process_events: '12' }, ...envelope }).event;
	assert.deepEqual([limit.kind, limit.count], ['rate_limit', 12]);
	const point = decodeTwice({ process_tracepoint: { process, subsys: 's', event: 'e', args: [] }, ...envelope }).event;
	assert.deepEqual([point.kind, point.hook], ['other', 'tracepoint:s/e']);
	const probe = decodeTwice({ process_uprobe: { process, path: '/l', symbol: 'f' }, ...envelope }).event;
	assert.deepEqual([probe.kind, probe.hook], ['other', 'uprobe:/l:f']);
});

test('camelCase names are read as well', () => {
	const result = decodeTwice({
		processExec: { process: { execId: 'e', parentExecId: 'p', inInitTree: true, startTime: envelope.time } },
		nodeName: 'host',
		time: envelope.time,
	});
	assert.equal(result.process.parentExecId, 'p');
	assert.equal(result.process.inInitTree, true);
});

test('only allow-listed variables leave, redacted; __proto__ is a name like others', () => {
	const environment_variables = [
		{ Key: 'GITHUB_RUN_ID', Value: '7' },
		{ Key: 'GITHUB_TOKEN', Value: 'x' },
		{ Key: 'GOFLAGS' },
		{ Key: '__proto__', Value: 'x' },
		{ Key: 'GOPROXY', Value: 'https://bob:hunter2@proxy' },
	];
	const { process: info } = decodeTwice({
		process_exec: { process: { ...process, environment_variables } },
		...envelope,
	});
	assert.deepEqual(
		{ ...info.environment },
		{ GITHUB_RUN_ID: '7', GOFLAGS: '', GOPROXY: 'https://[redacted:url-credentials]@proxy' },
	);
	const decoder = createJsonDecoder({ environmentAllow: ['__proto__'] });
	const result = decoder.decode(
		Buffer.from(JSON.stringify({ process_exec: { process: { ...process, environment_variables } }, ...envelope })),
	);
	assert.equal(result.kind, 'event');
	if (result.kind === 'event') assert.deepEqual(Object.keys(result.process.environment), ['__proto__']);
});

test('one process is one object, whatever its reference count', () => {
	const decoder = createJsonDecoder();
	const infos = [1, 2, 30, 4_000_000_000].map((refcnt) => {
		const result = decoder.decode(
			Buffer.from(
				JSON.stringify({ process_exec: { process: { ...process, refcnt, tid: refcnt }, parent }, ...envelope }),
			),
		);
		if (result.kind === 'error') throw new Error(result.message);
		return result.process;
	});
	for (const info of infos) assert.equal(info, infos[0]);
});

test('every error names the field and what was expected', () => {
	assert.match(failureOf('{"a":').message, /line: expected one JSON object/);
	assert.equal(failureOf('[]').code, 'not-json');
	assert.deepEqual(failureOf({ process_dance: {}, ...envelope }).code, 'unknown-event');
	assert.match(failureOf({ process_dance: {}, ...envelope }).message, /found "process_dance"/);
	assert.deepEqual(failureOf({ process_exec: { process }, time: envelope.time }), {
		code: 'missing-field',
		message: 'node_name: expected a string, found nothing',
	});
	assert.deepEqual(failureOf({ process_exec: { process }, node_name: 'h' }).code, 'missing-field');
	assert.deepEqual(failureOf({ process_exec: {}, ...envelope }), {
		code: 'missing-field',
		message: 'process_exec.process: expected an object, found nothing',
	});
	assert.deepEqual(failureOf({ process_exec: { process: { ...process, pid: '2' } }, ...envelope }), {
		code: 'wrong-type',
		message: 'process_exec.process.pid: expected an integer, found a string of 1 characters',
	});
	assert.deepEqual(failureOf(lsm('file_post_open', [{ uint_arg: 1 }, {}, { size_arg: 5.5 }])), {
		code: 'wrong-type',
		message: 'process_lsm.args[2].size_arg: expected a decimal string, found number 5.5',
	});
	assert.deepEqual(failureOf(lsm('file_post_open', [{ uint_arg: 4294967296 }])), {
		code: 'out-of-range',
		message: 'process_lsm.args[0].uint_arg: expected an integer from 0 to 4294967295, found 4294967296',
	});
	for (const time of ['1969-12-31T23:59:59Z', '2200-01-01T00:00:00Z'])
		assert.equal(failureOf({ process_exec: { process }, node_name: 'h', time }).code, 'out-of-range');
	for (const time of ['2026-02-30T00:00:00Z', '2026-11-23 04:10:53Z', '2026-11-23T04:10:53', '2026-11-23T24:00:00Z'])
		assert.equal(failureOf({ process_exec: { process }, node_name: 'h', time }).code, 'wrong-type');
});

test('a line over the limit is refused before it is read', () => {
	const decoder = createJsonDecoder({ lineBytesMax: 10 });
	const result = decoder.decode(Buffer.alloc(11));
	assert.deepEqual(result, { kind: 'error', code: 'too-long', message: 'line: expected at most 10 bytes, found 11' });
});

test('deep nesting, repeated keys and 10 MB of brackets are decided, not crashed on', () => {
	const deep = `{"process_exec":{"process":${'['.repeat(500_000)}`;
	assert.equal(failureOf(deep).code, 'not-json');
	const decoder = createJsonDecoder({ lineBytesMax: 20 << 20 });
	assert.equal(decoder.decode(Buffer.from('['.repeat(10 << 20))).kind, 'error');
	const twice = JSON.stringify({ process_exec: { process, parent }, ...envelope }).replace(
		'"pid":2',
		'"pid":9,"pid":2',
	);
	const pair = createPair();
	for (let n = 0; n < 2; n++)
		assert.deepStrictEqual(pair.decode(Buffer.from(twice)).result, pair.general(Buffer.from(twice)));
});
