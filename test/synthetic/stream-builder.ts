// Makes SYNTHETIC Tetragon export lines for what no recording holds. The shapes (fields, order, spacing, 64-bit numbers as
// strings, fork ids, exec-open before bprm_check_security before process_exec) follow the recorded streams in test/fixtures/traces.
import { createHash } from 'node:crypto';

export interface VirtualFile {
	path: string;
	ino: number;
	content: string;
}

export interface VirtualProcess {
	execId: string;
	parentExecId: string;
	pid: number;
	binary: string;
	arguments: string;
	cwd: string;
	flags: string;
	environment: Record<string, string>;
	startMs: number;
}

const O_WRONLY = 1;
const O_RDWR = 2;
const O_LARGEFILE = 32768;
const FMODE_EXEC = 32;
const DEVICE = 266338304;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export class StreamBuilder {
	readonly node: string;
	readonly files = new Map<string, VirtualFile>();
	readonly init: VirtualProcess;
	readonly #bootMs: number;
	#nowMs: number;
	#nextPid = 1000;
	#nextIno = 500_000;
	#lines: string[] = [];

	/** `startMs`: wall clock of the first event, milliseconds since 1970. */
	constructor(node: string, startMs: number) {
		this.node = node;
		this.#bootMs = startMs - 600_000;
		this.#nowMs = startMs;
		this.init = {
			execId: this.#execId(1, this.#bootMs),
			parentExecId: '',
			pid: 1,
			binary: '/usr/lib/systemd/systemd',
			arguments: '',
			cwd: '/',
			flags: 'procFS rootcwd',
			environment: {},
			startMs: this.#bootMs,
		};
	}

	get nowMs(): number {
		return this.#nowMs;
	}

	/** Export lines so far, in order of emission. */
	lines(): string[] {
		return [...this.#lines];
	}

	text(): string {
		return `${this.#lines.join('\n')}\n`;
	}

	wait(ms: number): this {
		this.#nowMs += ms;
		return this;
	}

	/** A file that exists before the stream starts: no event. */
	place(path: string, content: string): VirtualFile {
		const file = { path, ino: this.#nextIno++, content };
		this.files.set(path, file);
		return file;
	}

	/** fork + exec: exec-open, bprm_check_security by the fork's id, then process_exec under a new id. */
	spawn(
		parent: VirtualProcess,
		binary: string,
		args: string,
		options: { cwd?: string; environment?: Record<string, string> } = {},
	): VirtualProcess {
		const fork = this.#process(
			parent,
			this.#nextPid++,
			parent.binary,
			parent.arguments,
			'clone',
			parent.cwd,
			parent.environment,
		);
		return this.#execImage(fork, parent, binary, args, 'execve clone', options);
	}

	/** exec in the same pid: the new image's parent is the previous image. */
	execInPlace(
		process: VirtualProcess,
		binary: string,
		args: string,
		options: { cwd?: string; environment?: Record<string, string> } = {},
	): VirtualProcess {
		return this.#execImage(process, process, binary, args, 'execve', options);
	}

	exit(process: VirtualProcess, status = 0): void {
		const body: Record<string, unknown> = {
			process: this.#describe(process),
			parent: { exec_id: process.parentExecId },
		};
		if (status !== 0) body['status'] = status;
		body['time'] = this.#tick();
		this.#emit({ process_exit: body }, body['time'] as string);
	}

	read(process: VirtualProcess, path: string): void {
		this.#open(process, this.#file(path), O_LARGEFILE);
	}

	/** Opens for writing and writes: file_post_open (content before), security_file_permission. `truncate` as O_TRUNC does. */
	write(process: VirtualProcess, path: string, content: string): VirtualFile {
		const known = this.files.get(path);
		const file = known ?? this.place(path, '');
		this.#open(process, file, O_LARGEFILE | O_WRONLY);
		if (known) this.#kprobe(process, 'security_file_truncate', [{ file_arg: { path, permission: '-rw-r--r--' } }]);
		file.content = content;
		this.#kprobe(process, 'security_file_permission', [
			{ file_arg: { path, permission: '-rw-r--r--' } },
			{ int_arg: 2, label: 'mask' },
			{ size_arg: String(file.ino), label: 'ino' },
			{ long_arg: '0', label: 'pos' },
		]);
		return file;
	}

	/** Changes content as a shared mapping would: the O_RDWR open is seen, the write is not. */
	mapWrite(process: VirtualProcess, path: string, content: string): void {
		const file = this.#file(path);
		this.#open(process, file, O_LARGEFILE | O_RDWR);
		file.content = content;
	}

	/** Changes content with no event at all (a writer below the file system, a hook that missed). */
	changeSilently(path: string, content: string): void {
		this.#file(path).content = content;
	}

	/** One open that carries another file's digest, as the sensor's race makes it (test/fixtures/traces/README). */
	readWithDigestOf(process: VirtualProcess, path: string, other: string): void {
		this.#open(process, this.#file(path), O_LARGEFILE, sha256(this.#file(other).content));
	}

	rename(process: VirtualProcess, from: string, to: string): void {
		const file = this.#file(from);
		const dir = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
		this.#kprobe(process, 'security_path_rename', [
			{ path_arg: { path: dir(from), permission: 'drwxr-xr-x' }, label: 'old_dir' },
			{ path_arg: { path: from, permission: '-rw-r--r--' }, label: 'old' },
			{ path_arg: { path: dir(to), permission: 'drwxr-xr-x' }, label: 'new_dir' },
			{ path_arg: { path: to, permission: '---------' }, label: 'new' },
			{ size_arg: String(file.ino), label: 'ino' },
		]);
		this.files.delete(from);
		file.path = to;
		this.files.set(to, file);
	}

	connect(process: VirtualProcess, address: string, port: number): void {
		this.#kprobe(process, 'security_socket_connect', [{ sockaddr_arg: { family: 'AF_INET', addr: address, port } }]);
	}

	ptraceSeize(process: VirtualProcess, target: VirtualProcess): void {
		this.#kprobe(process, '__x64_sys_ptrace', [
			{ int_arg: 16902, label: 'request' },
			{ int_arg: target.pid, label: 'pid' },
		]);
	}

	rateLimit(dropped: number): void {
		this.#emit({ rate_limit_info: { number_of_dropped_process_events: String(dropped) } }, this.#tick());
	}

	/** A line as it is, for malformed input. */
	raw(line: string): void {
		this.#lines.push(line);
	}

	#file(path: string): VirtualFile {
		const file = this.files.get(path);
		if (!file) throw new Error(`synthetic stream: ${path} does not exist`);
		return file;
	}

	#execImage(
		before: VirtualProcess,
		parent: VirtualProcess,
		binary: string,
		args: string,
		flags: string,
		options: { cwd?: string; environment?: Record<string, string> },
	): VirtualProcess {
		const file = this.files.get(binary) ?? this.place(binary, `synthetic program ${binary}`);
		this.#open(before, file, O_LARGEFILE | FMODE_EXEC);
		this.#lsm(
			before,
			'bprm_check_security',
			'exec-hash',
			[{ linux_binprm_arg: { path: binary, permission: '-rwxr-xr-x' } }, ...this.#identity(file)],
			sha256(file.content),
		);
		const image = this.#process(
			parent,
			before.pid,
			binary,
			args,
			flags,
			options.cwd ?? parent.cwd,
			options.environment ?? parent.environment,
		);
		this.#emit({ process_exec: { process: this.#describe(image), parent: this.#describe(parent) } }, this.#tick());
		return image;
	}

	#process(
		parent: VirtualProcess,
		pid: number,
		binary: string,
		args: string,
		flags: string,
		cwd: string,
		environment: Record<string, string>,
	): VirtualProcess {
		const startMs = this.#nowMs;
		const execId = this.#execId(pid, startMs, this.#lines.length);
		return { execId, parentExecId: parent.execId, pid, binary, arguments: args, cwd, flags, environment, startMs };
	}

	#execId(pid: number, atMs: number, salt = 0): string {
		const ktime = BigInt(Math.round(atMs - this.#bootMs)) * 1_000_000n + BigInt(salt) + 1n;
		return Buffer.from(`${this.node}:${ktime}:${pid}`).toString('base64');
	}

	#describe(p: VirtualProcess): Record<string, unknown> {
		const environment = Object.entries(p.environment).map(([Key, Value]) => (Value === '' ? { Key } : { Key, Value }));
		return {
			exec_id: p.execId,
			pid: p.pid,
			uid: 0,
			cwd: p.cwd,
			binary: p.binary,
			...(p.arguments === '' ? {} : { arguments: p.arguments }),
			flags: p.flags,
			start_time: rfc3339(p.startMs),
			auid: 4294967295,
			parent_exec_id: p.parentExecId,
			tid: p.pid,
			in_init_tree: false,
			...(environment.length > 0 ? { environment_variables: environment } : {}),
		};
	}

	#identity(file: VirtualFile): Record<string, unknown>[] {
		return [
			{ size_arg: String(file.ino), label: 'ino' },
			{ uint_arg: DEVICE, label: 'dev' },
			{ long_arg: String(Buffer.byteLength(file.content)), label: 'size' },
		];
	}

	#open(process: VirtualProcess, file: VirtualFile, flags: number, digest = sha256(file.content)): void {
		this.#lsm(
			process,
			'file_post_open',
			'file-open',
			[
				{ file_arg: { path: file.path, permission: '-rw-r--r--' } },
				{ uint_arg: flags, label: 'f_flags' },
				...this.#identity(file),
			],
			digest,
		);
	}

	#lsm(process: VirtualProcess, hook: string, policy: string, args: unknown[], digest: string): void {
		this.#emit(
			{
				process_lsm: {
					process: this.#describe(process),
					parent: { exec_id: process.parentExecId },
					function_name: hook,
					policy_name: policy,
					args,
					action: 'KPROBE_ACTION_POST',
					ima_hash: `sha256:${digest}`,
				},
			},
			this.#tick(),
		);
	}

	#kprobe(process: VirtualProcess, hook: string, args: unknown[]): void {
		this.#emit(
			{
				process_kprobe: {
					process: this.#describe(process),
					parent: { exec_id: process.parentExecId },
					function_name: hook,
					args,
					action: 'KPROBE_ACTION_POST',
					policy_name: 'build-kprobes',
					return_action: 'KPROBE_ACTION_POST',
				},
			},
			this.#tick(),
		);
	}

	/** Two milliseconds pass between events, so that nothing looks like a sensor's copy (under 1 ms). */
	#tick(): string {
		this.#nowMs += 2;
		return rfc3339(this.#nowMs);
	}

	#emit(body: Record<string, unknown>, time: string): void {
		this.#lines.push(JSON.stringify({ ...body, node_name: this.node, time }));
	}
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace('Z', '000000Z');
