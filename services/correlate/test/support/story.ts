// Tiny hand-made streams: a story of processes and files as events, in time steps of 10 ms.
import { emptyEvent, type ProcessInfo, type TraceEvent, unknownProcess } from '@affidavit/model/trace-event.ts';
import type { Decoded } from './pipeline.ts';

export const startUs = 1_800_000_000_000_000;
export const digestOf = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);
export const githubEnvironment = (runId: string): Record<string, string> => ({
	CI: 'true',
	GITHUB_RUN_ID: runId,
	GITHUB_RUN_ATTEMPT: '1',
	GITHUB_REPOSITORY: 'example/app',
	GITHUB_SHA: 'a'.repeat(40),
	GITHUB_WORKSPACE: '/ws',
});

export interface Story {
	events: Decoded[];
	/** Microseconds of the newest event. */
	nowUs(): number;
	wait(us: number): void;
	/** A process older than the recording: no event of its own. */
	old(binary: string, parent?: ProcessInfo, more?: Partial<ProcessInfo>): ProcessInfo;
	/** fork and exec; the fork's own id has no event. */
	exec(parent: ProcessInfo, binary: string, more?: Partial<ProcessInfo>): ProcessInfo;
	/** exec in the same pid. */
	replace(process: ProcessInfo, binary: string, more?: Partial<ProcessInfo>): ProcessInfo;
	/** fork without exec. */
	fork(parent: ProcessInfo): ProcessInfo;
	add(process: ProcessInfo, kind: TraceEvent['kind'], hook: string, more: Partial<TraceEvent>): TraceEvent;
	read(process: ProcessInfo, path: string, ino: string, content: string, more?: Partial<TraceEvent>): TraceEvent;
	openWrite(process: ProcessInfo, path: string, ino: string, content: string, more?: Partial<TraceEvent>): TraceEvent;
	write(process: ProcessInfo, path: string, ino: string): TraceEvent;
	truncate(process: ProcessInfo, path: string): TraceEvent;
	rename(process: ProcessInfo, from: string, to: string, ino: string): TraceEvent;
	unlink(process: ProcessInfo, path: string, ino: string): TraceEvent;
	link(process: ProcessInfo, from: string, to: string): TraceEvent;
	check(process: ProcessInfo, path: string, ino: string, content: string): TraceEvent;
	exit(process: ProcessInfo): TraceEvent;
}

export function tell(): Story {
	let timeUs = startUs;
	let pid = 100;
	const known = new Map<string, ProcessInfo>();
	const events: Decoded[] = [];
	const describe = (more: Partial<ProcessInfo>): ProcessInfo => {
		const p = more.pid ?? pid++;
		const execId = Buffer.from(`host:${timeUs + events.length}:${p}`).toString('base64');
		const info = { ...unknownProcess(execId), uid: 0, cwd: '/', startUs: timeUs, ...more, pid: p, execId };
		known.set(execId, info);
		return info;
	};
	const story: Story = {
		events,
		nowUs: () => timeUs,
		wait(us) {
			timeUs += us;
		},
		old: (binary, parent, more = {}) =>
			describe({ binary, flags: 'procFS', startUs: startUs - 60_000_000, parentExecId: parent?.execId ?? '', ...more }),
		exec(parent, binary, more = {}) {
			const process = describe({
				environment: parent.environment,
				cwd: parent.cwd,
				container: parent.container,
				...more,
				binary,
				flags: 'execve clone',
				parentExecId: parent.execId,
				startUs: timeUs + 10_000,
			});
			story.add(process, 'exec', '', {});
			return process;
		},
		replace(process, binary, more = {}) {
			const image = describe({
				environment: process.environment,
				cwd: process.cwd,
				...more,
				pid: process.pid,
				binary,
				flags: 'execve',
				parentExecId: process.execId,
				startUs: timeUs + 10_000,
			});
			story.add(image, 'exec', '', {});
			return image;
		},
		fork: (parent) => describe({ ...parent, pid: pid++, parentExecId: parent.execId, startUs: timeUs + 1 }),
		add(process, kind, hook, more) {
			timeUs += 10_000;
			const event = Object.assign(emptyEvent(kind, timeUs, process.execId, hook), more);
			events.push({ event, process, parent: known.get(process.parentExecId) ?? null });
			return event;
		},
		read: (process, path, ino, content, more = {}) =>
			story.add(process, 'open', 'file_post_open', {
				path,
				ino,
				dev: 1,
				fileType: '-',
				size: content.length,
				flags: 32768,
				digest: content === '' ? emptyDigest : digestOf(content),
				...more,
			}),
		openWrite: (process, path, ino, content, more = {}) =>
			story.read(process, path, ino, content, { flags: 32769, ...more }),
		write: (process, path, ino) =>
			story.add(process, 'write', 'security_file_permission', { path, ino, flags: 2, pos: 0, fileType: '-' }),
		truncate: (process, path) => story.add(process, 'truncate', 'security_file_truncate', { path, fileType: '-' }),
		rename: (process, from, to, ino) =>
			story.add(process, 'rename', 'security_path_rename', { path: to, path2: from, ino }),
		unlink: (process, path, ino) => story.add(process, 'unlink', 'security_path_unlink', { path, ino }),
		link: (process, from, to) => story.add(process, 'link', 'security_path_link', { path: to, path2: from }),
		check: (process, path, ino, content) =>
			story.add(process, 'check', 'bprm_check_security', {
				path,
				ino,
				dev: 1,
				fileType: '-',
				size: content.length,
				digest: digestOf(content),
			}),
		exit: (process) => story.add(process, 'exit', '', { status: 0 }),
	};
	return story;
}

const emptyDigest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
