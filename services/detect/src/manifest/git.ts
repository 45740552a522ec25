// Runs git on behalf of the manifest resolver: one place that says what git may do.
import { spawn } from 'node:child_process';
import type { GitProtocol } from './location.ts';
import { withoutCredentials } from './location.ts';

export interface GitRun {
	/** Our own bare repository: the only one whose configuration git reads as its own. */
	gitDir: string;
	/** File that stands in for the user's configuration (names the configured folders as safe). */
	globalConfig: string;
	/** The one protocol that this run may use; null when it needs none. */
	protocol: GitProtocol | null;
	args: readonly string[];
	timeoutMs: number;
	/** What git reads on stdin. */
	input?: string | Uint8Array;
	/** Takes stdout as it comes; false stops git. Without it stdout is dropped. */
	onStdout?: (chunk: Buffer) => boolean;
	/** Asked every `watchMs` while git runs; false stops it (the disk bound of a fetch). */
	watch?: () => Promise<boolean>;
	/** More variables, from configuration only (SSH_AUTH_SOCK, https_proxy, ...). */
	environment: Readonly<Record<string, string>>;
	/** Variables such as GIT_INDEX_FILE that one call needs. */
	extra?: Readonly<Record<string, string>>;
}

export type GitOutcome =
	| { kind: 'done' }
	/** `stopped`: onStdout or watch said so. `detail` is for logs only: it may name this machine's paths. */
	| { kind: 'failed'; reason: 'exit' | 'timeout' | 'stopped' | 'no-git'; detail: string };

const stderrBytesMax = 4096;
const watchMs = 250;

/** No hooks, filters, helpers or background work; objects are checked as they come in. */
const settings = [
	'core.hooksPath=/dev/null',
	'core.fsmonitor=false',
	'core.attributesFile=/dev/null',
	'core.excludesFile=/dev/null',
	'core.askPass=',
	'core.alternateRefsCommand=',
	'credential.helper=',
	'protocol.ext.allow=never',
	'transfer.fsckObjects=true',
	'fetch.fsckObjects=true',
	'fetch.unpackLimit=1',
	'fetch.recurseSubmodules=false',
	'submodule.recurse=false',
	'transfer.bundleURI=false',
	'http.followRedirects=initial',
	'gc.auto=0',
	'maintenance.auto=false',
].flatMap((s) => ['-c', s]);

function environmentOf(run: GitRun): Record<string, string> {
	return {
		...run.environment,
		PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
		// No home: git and curl find no .netrc, no XDG configuration.
		HOME: '/nonexistent',
		LC_ALL: 'C',
		GIT_DIR: run.gitDir,
		GIT_CONFIG_NOSYSTEM: '1',
		GIT_CONFIG_GLOBAL: run.globalConfig,
		GIT_ATTR_NOSYSTEM: '1',
		GIT_TERMINAL_PROMPT: '0',
		GIT_ASKPASS: '',
		SSH_ASKPASS_REQUIRE: 'never',
		GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
		GIT_ALLOW_PROTOCOL: run.protocol ?? 'none',
		GIT_PROTOCOL_FROM_USER: '0',
		// A replacement ref would change what a commit id means.
		GIT_NO_REPLACE_OBJECTS: '1',
		GIT_NO_LAZY_FETCH: '1',
		GIT_OPTIONAL_LOCKS: '0',
		...run.extra,
	};
}

/** Runs git to its end, within the time limit; never throws. The whole process group is killed when it is stopped. */
export function runGit(run: GitRun): Promise<GitOutcome> {
	return new Promise((resolve) => {
		const child = spawn('git', [...settings, ...run.args], {
			env: environmentOf(run),
			cwd: run.gitDir,
			stdio: ['pipe', 'pipe', 'pipe'],
			// Its own process group, so that git's helpers (ssh, remote-https, index-pack) end with it.
			detached: true,
		});
		let stderr = '';
		let failure: 'timeout' | 'stopped' | null = null;
		const stop = (why: 'timeout' | 'stopped') => {
			failure ??= why;
			if (child.pid !== undefined) killGroup(child.pid);
		};
		const timer = setTimeout(stop, run.timeoutMs, 'timeout');
		let asking = false;
		const watcher =
			run.watch &&
			setInterval(() => {
				if (asking) return;
				asking = true;
				run.watch?.().then(
					(goOn) => {
						asking = false;
						if (!goOn) stop('stopped');
					},
					() => {
						asking = false;
					},
				);
			}, watchMs);
		const finish = (outcome: GitOutcome) => {
			clearTimeout(timer);
			clearInterval(watcher);
			resolve(outcome);
		};
		child.on('error', (cause) => finish({ kind: 'failed', reason: 'no-git', detail: cause.message }));
		child.stderr.on('data', (chunk: Buffer) => {
			if (stderr.length < stderrBytesMax) stderr += chunk.toString('latin1', 0, stderrBytesMax);
		});
		child.stdout.on('data', (chunk: Buffer) => {
			if (failure === null && run.onStdout && !run.onStdout(chunk)) stop('stopped');
		});
		// git may end before it has read everything; its exit code tells.
		child.stdin.on('error', () => {});
		child.stdin.end(run.input ?? '');
		child.on('close', (code) => {
			if (failure !== null) finish({ kind: 'failed', reason: failure, detail: withoutCredentials(stderr) });
			else if (code === 0) finish({ kind: 'done' });
			else finish({ kind: 'failed', reason: 'exit', detail: withoutCredentials(stderr) });
		});
	});
}

function killGroup(pid: number): void {
	try {
		process.kill(-pid, 'SIGKILL');
	} catch {
		// It ended by itself.
	}
}
