// SYNTHETIC scenarios for what no recording holds (each says what it stands for). Built with stream-builder.ts.
import { StreamBuilder, type VirtualProcess } from './stream-builder.ts';

const START_MS = Date.UTC(2026, 10, 23, 9, 0, 0);
export const WORKSPACE = '/srv/ci/app';
/** What the synthetic repository holds; tests commit exactly these files. */
export const sources: Readonly<Record<string, string>> = {
	'main.c': '#include "lib.h"\nint main(void) { return lib(); }\n',
	'lib.h': 'int lib(void);\n',
	'lib.c': '#include "lib.h"\nint lib(void) { return 0; }\n',
};
/** Same length as the committed lib.c, other content. */
export const sameSizeTamperedLib = '#include "lib.h"\nint lib(void) { return 7; }\n';

const CC1 = '/usr/libexec/gcc/x86_64-linux-gnu/14/cc1';

export interface Job {
	stream: StreamBuilder;
	runner: VirtualProcess;
	environment: Record<string, string>;
}

function job(node: string, runId: string, commit: string): Job {
	const stream = new StreamBuilder(node, START_MS);
	for (const [path, content] of Object.entries(sources)) stream.place(`${WORKSPACE}/${path}`, content);
	const runner = stream.spawn(stream.init, '/opt/runner/bin/Runner.Worker', 'spawnclient 110 113', {
		cwd: '/opt/runner',
	});
	const environment = {
		CI: 'true',
		GITHUB_ACTIONS: 'true',
		GITHUB_RUN_ID: runId,
		GITHUB_RUN_ATTEMPT: '1',
		GITHUB_SHA: commit,
		GITHUB_REPOSITORY: 'example/synthetic',
		GITHUB_WORKSPACE: WORKSPACE,
	};
	return { stream, runner, environment };
}

const step = (j: Job, script: string): VirtualProcess =>
	j.stream.spawn(j.runner, '/usr/bin/bash', `-e ${script}`, { cwd: WORKSPACE, environment: j.environment });

function compile(j: Job, shell: VirtualProcess, unit: string, before?: () => void): VirtualProcess {
	const gcc = j.stream.spawn(shell, '/usr/bin/gcc', `-c -o ${unit}.o ${unit}.c`);
	const cc1 = j.stream.spawn(gcc, CC1, `${unit}.c -o /tmp/${unit}.s`);
	before?.();
	j.stream.read(cc1, `${WORKSPACE}/${unit}.c`);
	j.stream.read(cc1, `${WORKSPACE}/lib.h`);
	j.stream.write(cc1, `/tmp/${unit}.s`, `assembly of ${unit}`);
	j.stream.exit(cc1);
	const as = j.stream.spawn(gcc, '/usr/bin/as', `-o ${unit}.o /tmp/${unit}.s`);
	j.stream.read(as, `/tmp/${unit}.s`);
	j.stream.write(as, `${WORKSPACE}/${unit}.o`, `object of ${unit}`);
	j.stream.exit(as);
	j.stream.exit(gcc);
	return cc1;
}

function link(j: Job, shell: VirtualProcess): void {
	const ld = j.stream.spawn(shell, '/usr/bin/ld', '-o app main.o lib.o');
	j.stream.read(ld, `${WORKSPACE}/main.o`);
	j.stream.read(ld, `${WORKSPACE}/lib.o`);
	j.stream.write(ld, `${WORKSPACE}/app`, 'linked program');
	j.stream.exit(ld);
	const app = j.stream.spawn(shell, `${WORKSPACE}/app`, '');
	j.stream.exit(app);
}

/** Reads as git status does, so that the committed digests are seen by an independent process. */
function gitStatus(j: Job, shell: VirtualProcess): void {
	const git = j.stream.spawn(shell, '/usr/bin/git', 'status --short');
	for (const path of Object.keys(sources)) j.stream.read(git, `${WORKSPACE}/${path}`);
	j.stream.exit(git);
}

function build(
	j: Job,
	hooks: { beforeLib?: () => void; afterLib?: () => void; withoutGitStatus?: boolean } = {},
): VirtualProcess {
	const shell = step(j, 'build.sh');
	if (!hooks.withoutGitStatus) gitStatus(j, shell);
	compile(j, shell, 'main');
	compile(j, shell, 'lib', hooks.beforeLib);
	hooks.afterLib?.();
	link(j, shell);
	j.stream.exit(shell);
	return shell;
}

/** A job of six steps: six sibling shells with one job key; checkout by the first, build by the third. */
export function sixSteps(commit: string): StreamBuilder {
	const j = job('synth-six', '91001', commit);
	for (const path of Object.keys(sources)) j.stream.files.delete(`${WORKSPACE}/${path}`);
	const checkout = step(j, 'checkout.sh');
	const git = j.stream.spawn(checkout, '/usr/bin/git', 'checkout --force');
	for (const [path, content] of Object.entries(sources)) j.stream.write(git, `${WORKSPACE}/${path}`, content);
	j.stream.exit(git);
	j.stream.exit(checkout);
	j.stream.wait(3_000);
	j.stream.exit(step(j, 'setup.sh'));
	build(j);
	for (const script of ['test.sh', 'package.sh', 'cleanup.sh']) {
		j.stream.wait(2_000);
		j.stream.exit(step(j, script));
	}
	return j.stream;
}

/** A stranger elsewhere in the process tree sets the job's GITHUB_RUN_ID: it must not join. */
export function stranger(commit: string): StreamBuilder {
	const j = job('synth-stranger', '91002', commit);
	build(j, {
		beforeLib: () => {
			const cron = j.stream.spawn(j.stream.init, '/usr/sbin/cron', '-f', { cwd: '/' });
			const intruder = j.stream.spawn(cron, '/usr/bin/python3', 'intruder.py', {
				cwd: '/tmp',
				environment: j.environment,
			});
			j.stream.read(intruder, `${WORKSPACE}/lib.c`);
			j.stream.exit(intruder);
		},
	});
	return j.stream;
}

const attacker = (j: Job): VirtualProcess =>
	j.stream.spawn(j.stream.init, '/usr/bin/python3', 'swap.py', { cwd: '/tmp' });

/** Same-size tampering by an outside writer, seen as a write event, and put back. */
export function sameSizeWithWrite(commit: string): StreamBuilder {
	const j = job('synth-samesize', '91003', commit);
	const python = attacker(j);
	build(j, {
		beforeLib: () => j.stream.write(python, `${WORKSPACE}/lib.c`, sameSizeTamperedLib),
		afterLib: () => {
			j.stream.write(python, `${WORKSPACE}/lib.c`, sources['lib.c'] as string);
			j.stream.exit(python);
			gitStatus(j, step(j, 'status.sh'));
		},
	});
	return j.stream;
}

/** Same-size tampering through a shared mapping: the O_RDWR open is seen, the write is not. */
export function sameSizeByMapping(commit: string): StreamBuilder {
	const j = job('synth-mapping', '91004', commit);
	const python = attacker(j);
	build(j, { beforeLib: () => j.stream.mapWrite(python, `${WORKSPACE}/lib.c`, sameSizeTamperedLib) });
	return j.stream;
}

/** Same-size tampering with no event of a write, read once by the compiler and by nobody else: not provable, so never passed. */
export function sameSizeSilent(commit: string): StreamBuilder {
	const j = job('synth-silent', '91005', commit);
	build(j, {
		withoutGitStatus: true,
		beforeLib: () => j.stream.changeSilently(`${WORKSPACE}/lib.c`, sameSizeTamperedLib),
	});
	return j.stream;
}

/** The same, on a header that two compilations read: two independent opens agree on the wrong digest. */
export function sameSizeSilentTwice(commit: string): StreamBuilder {
	const j = job('synth-silent-twice', '91011', commit);
	j.stream.changeSilently(`${WORKSPACE}/lib.h`, 'int liB(void);\n');
	build(j, { withoutGitStatus: true });
	return j.stream;
}

/**
 * An attacker floods opens of the tampered file's own content elsewhere, at another size's majority, and of the victim,
 * so that a judge which counts opens would call the tampered read a mix-up.
 */
export function openFlood(commit: string): StreamBuilder {
	const j = job('synth-flood', '91006', commit);
	const python = attacker(j);
	j.stream.place('/tmp/decoy', `${sameSizeTamperedLib}padding`);
	j.stream.place('/tmp/same', sameSizeTamperedLib);
	build(j, {
		beforeLib: () => {
			for (let i = 0; i < 200; i++) j.stream.read(python, `${WORKSPACE}/lib.c`);
			j.stream.write(python, `${WORKSPACE}/lib.c`, sameSizeTamperedLib);
			for (let i = 0; i < 200; i++) j.stream.readWithDigestOf(python, '/tmp/decoy', '/tmp/same');
		},
		afterLib: () => {
			j.stream.write(python, `${WORKSPACE}/lib.c`, sources['lib.c'] as string);
			for (let i = 0; i < 200; i++) j.stream.read(python, `${WORKSPACE}/lib.c`);
		},
	});
	return j.stream;
}

/** The root shell execs its last command and so never exits as itself; the session must still close with that image's exit. */
export function rootExecsLast(commit: string): StreamBuilder {
	const j = job('synth-exec-last', '91007', commit);
	const shell = step(j, 'build.sh');
	gitStatus(j, shell);
	compile(j, shell, 'main');
	compile(j, shell, 'lib');
	link(j, shell);
	const last = j.stream.execInPlace(shell, '/usr/bin/tar', 'cf out.tar app');
	j.stream.read(last, `${WORKSPACE}/app`);
	j.stream.write(last, `${WORKSPACE}/out.tar`, 'archive');
	j.stream.exit(last);
	return j.stream;
}

/** The sensor says that it dropped events inside the session. */
export function lossInside(commit: string): StreamBuilder {
	const j = job('synth-loss', '91008', commit);
	build(j, { beforeLib: () => j.stream.rateLimit(42) });
	return j.stream;
}

/** The host falls silent in the middle of the build: no exit of the root ever comes. */
export function fallsSilent(commit: string): StreamBuilder {
	const j = job('synth-silent-host', '91009', commit);
	const shell = step(j, 'build.sh');
	gitStatus(j, shell);
	compile(j, shell, 'main');
	return j.stream;
}

/** A clean build, the yardstick for the others. */
export function clean(commit: string): StreamBuilder {
	const j = job('synth-clean', '91010', commit);
	build(j);
	return j.stream;
}
