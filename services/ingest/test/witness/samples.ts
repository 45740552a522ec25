// Witness collections of one small C build, in the shape that each tracer of go-witness gives them (read off its sources:
// which fields, which are stale, what is null). The build: make → sh → gcc → cc1, ld; cc1 reads src/a.c and src/a.h.
import { sha256Hex } from '@affidavit/model/digests.ts';

export type Json = Record<string, unknown>;

export const digestOfText = (text: string): string => sha256Hex(text);
export const set = (text: string): Json => ({ sha256: sha256Hex(text) });

export const workspace = '/home/u/app';
export const sources: Readonly<Record<string, string>> = {
	Makefile: 'app: src/a.c\n',
	'src/a.c': 'int main(void) { return 0; }\n',
	'src/a.h': '/* a */\n',
};
export const tampered = 'int main(void) { return 666; }\n';

const startTime = '2026-03-01T10:00:00.123456789Z';
const endTime = '2026-03-01T10:00:07.5Z';
export const startUs: number = Date.parse('2026-03-01T10:00:00.123Z') * 1000 + 456;
export const endUs: number = Date.parse('2026-03-01T10:00:07.5Z') * 1000;

const type = (name: string): string => `https://witness.dev/attestations/${name}`;
export const collectionType = 'https://witness.testifysec.com/attestation-collection/v0.1';

export interface SampleOptions {
	/** What cc1 read of src/a.c. */
	read?: string;
	variables?: Record<string, string>;
	times?: boolean;
	material?: boolean;
}

/** predicate of a collection around one command-run. */
export function collection(version: 'v0.1' | 'v0.2', commandRun: Json, options: SampleOptions = {}): Json {
	const times = options.times === false ? {} : { starttime: startTime, endtime: endTime };
	const attestor = (name: string, attestation: Json): Json => ({ type: type(name), attestation, ...times });
	const material = Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, set(text)]));
	return {
		name: 'build',
		attestations: [
			attestor('environment/v0.1', {
				os: 'linux',
				hostname: 'runner-1',
				username: 'u',
				variables: { PWD: workspace, GITHUB_TOKEN: 'ghp_0123456789abcdefghijklmnopqrstuvwxyz', ...options.variables },
			}),
			attestor('git/v0.1', {
				commithash: 'c0ffee'.repeat(6).concat('c0ff'),
				remotes: ['https://u:p@git.example.org/app.git'],
			}),
			...(options.material === false ? [] : [attestor('material/v0.1', material)]),
			attestor(`command-run/${version}`, commandRun),
			attestor('product/v0.1', { app: { mime_type: 'application/octet-stream', digest: set('ELF app') } }),
		],
	};
}

const cc1 = '/usr/libexec/gcc/x86_64-linux-gnu/14/cc1';
const ld = '/usr/bin/ld';

/**
 * The ptrace tracer: the root has neither digest nor parent; comm, cmdline, environ and exedigest are those of the image
 * before the exec; relative paths stay as they were given; a thread is a record without a program.
 */
export const ptraceRun = ({ read = sources['src/a.c'] as string }: SampleOptions = {}): Json => ({
	cmd: ['/usr/bin/make', 'app', 'X=a b'],
	exitcode: 0,
	processes: [
		{
			program: ld,
			processid: 105,
			parentpid: 102,
			programdigest: set('ld'),
			comm: 'gcc',
			cmdline: 'gcc -o app src/a.c',
			exedigest: set('gcc'),
			openedfiles: { '/usr/lib/crt1.o': set('crt1'), app: set('ELF app') },
		},
		{
			program: '/usr/bin/make',
			processid: 100,
			parentpid: 0,
			openedfiles: { Makefile: set(sources['Makefile'] as string) },
		},
		{
			program: '/bin/sh',
			processid: 101,
			parentpid: 100,
			programdigest: set('sh'),
			comm: 'make',
			cmdline: 'make app',
			exedigest: set('make'),
			environ: `PWD=${workspace} CI=true`,
			openedfiles: {},
		},
		{
			program: '/usr/bin/gcc',
			processid: 102,
			parentpid: 101,
			programdigest: set('gcc'),
			comm: 'sh',
			cmdline: 'sh -c gcc',
			exedigest: set('sh'),
		},
		{
			program: cc1,
			processid: 103,
			parentpid: 102,
			programdigest: set('cc1'),
			comm: 'gcc',
			cmdline: 'gcc -o app src/a.c',
			exedigest: set('gcc'),
			openedfiles: {
				'src/a.c': set(read),
				[`${workspace}/src/a.h`]: set(sources['src/a.h'] as string),
				'/usr/include/stdio.h': set('stdio'),
			},
		},
		{ processid: 104, parentpid: 0, openedfiles: { '/usr/share/locale/locale.alias': set('alias') } },
	],
});

/**
 * The eBPF tracer: no programdigest and no environ; exedigest, cmdline and comm of the new image; paths made absolute; what
 * it could not hash (directories, what was gone) is null; threads are records without a program and parent.
 */
export const ebpfRun = ({ read = sources['src/a.c'] as string }: SampleOptions = {}): Json => ({
	cmd: ['make', 'app'],
	exitcode: 0,
	processes: [
		{
			program: cc1,
			processid: 203,
			parentpid: 202,
			comm: 'cc1',
			cmdline: `${cc1} -quiet src/a.c -o /tmp/a.s`,
			exedigest: set('cc1'),
			openedfiles: { [`${workspace}/src/a.c`]: set(read), '/tmp/a.s': null },
		},
		{
			program: '/usr/bin/gcc',
			processid: 202,
			parentpid: 200,
			comm: 'gcc',
			cmdline: 'gcc -o app src/a.c',
			exedigest: set('gcc'),
		},
		{
			program: '/usr/bin/make',
			processid: 200,
			parentpid: 190,
			comm: 'make',
			cmdline: 'make app',
			exedigest: set('make'),
			openedfiles: { [`${workspace}/Makefile`]: set(sources['Makefile'] as string) },
		},
		// Gone before /proc was read: neither parent nor digest.
		{ program: ld, processid: 205, parentpid: 0, comm: 'ld', openedfiles: { app: set('ELF app') } },
		{ processid: 204, parentpid: 0, openedfiles: { [`${workspace}/src/a.h`]: set(sources['src/a.h'] as string) } },
	],
});

const at = (ms: number): string => new Date(Date.parse('2026-03-01T10:00:00.000Z') + ms).toISOString();
const goZero = '0001-01-01T00:00:00Z';

/** The demo's v0.2: times of opens and of hashes; pid 303 opened a file and has no record. */
export const demoRun = ({ read = sources['src/a.c'] as string }: SampleOptions = {}): Json => {
	const process = (pid: number, parent: number, program: string, args: string, from: number, to: number): Json => ({
		program,
		args,
		processid: pid,
		parentpid: parent,
		programdigest: set(program),
		starttime: at(from),
		stoptime: at(to),
		uid: 1000,
		flags: 'execve clone',
	});
	const access = (pid: number, ms: number, lateMs: number, text: string | null): Json => ({
		pid,
		time: at(ms),
		hashtime: text === null ? goZero : at(ms + lateMs),
		type: 'open',
		digest: text === null ? {} : set(text),
	});
	return {
		cmd: ['make', 'app'],
		exitcode: 0,
		witnesspid: 290,
		processes: [
			process(302, 301, cc1, 'src/a.c', 200, 900),
			process(300, 290, '/usr/bin/make', 'app', 0, 2000),
			process(301, 300, '/usr/bin/gcc', '-o app src/a.c', 100, 1500),
		],
		files: {
			[`${workspace}/Makefile`]: { access: [access(300, 10, 5, sources['Makefile'] as string)] },
			[`${workspace}/src/a.c`]: { access: [access(302, 250, 100, read), access(302, 250, 100, read)] },
			'/dev/null': { access: [access(300, 20, 0, null)] },
			'/usr/lib/x': { access: [access(303, 300, 10, 'x')] },
		},
	};
};
