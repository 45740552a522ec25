// Runs the real command in a child process and reads what it prints, as a script of a user would.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export const repoRoot = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');
export const fixtures = join(repoRoot, 'test/fixtures/traces');

export interface SessionObject {
	session: string;
	host: string;
	ciRunId: string | null;
	root: { execId: string; pid: number; binary: string; arguments: string };
	startedAt: string;
	endedAt: string;
	verdict: 'passed' | 'failed' | 'incomplete';
	findings: {
		rule: string;
		severity: 'info' | 'low' | 'medium' | 'high' | 'critical';
		path: string | null;
		digest: string | null;
		expectedDigest: string | null;
		process: { execId: string; binary: string } | null;
		writer: { execId: string; binary: string } | null;
	}[];
	products: { path: string; sha256: string | null }[];
	completeness: {
		lostEvents: number;
		lossCounters: 'known' | 'unknown';
		sensorMixUps: number;
		unverified: number;
		orphanProcesses: number;
		filesWithoutDigest: number;
		gaps: { cause: string; detail: string }[];
		reasons: string[];
	};
	counts: { events: number; processes: number; files: number; connections: number };
	statements: { predicateType: string; envelope: string; payloadSha256: string }[];
}

export interface Run {
	code: number | null;
	signal: NodeJS.Signals | null;
	stdout: string;
	stderr: string;
}

/** Starts `affidavit ARGS`; kills it with SIGKILL after `killAfterMs` when given. */
export function affidavit(
	args: readonly string[],
	options: {
		cwd?: string;
		killAfterMs?: number;
		env?: Record<string, string>;
		/** Gets the running child, to send it signals. */
		started?: (child: ChildProcess) => void;
	} = {},
): Promise<Run> {
	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, [join(repoRoot, 'cli/bin/affidavit.js'), ...args], {
			cwd: options.cwd ?? repoRoot,
			env: { ...process.env, ...options.env },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		options.started?.(child);
		let stdout = '';
		let stderr = '';
		child.stdout.setEncoding('utf8').on('data', (text: string) => {
			stdout += text;
		});
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			stderr += text;
		});
		const timer =
			options.killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), options.killAfterMs);
		child.on('error', reject);
		child.on('close', (code, signal) => {
			clearTimeout(timer);
			resolve({ code, signal, stdout, stderr });
		});
	});
}

export const sessionsOf = (run: Run): SessionObject[] =>
	run.stdout
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line) as SessionObject);

/** `affidavit process` with its own data and output folder, removed when the test ends. */
export async function processFiles(
	t: TestContext,
	files: readonly string[],
	options: {
		repos?: Record<string, string>;
		indicators?: string;
		metrics?: string[];
		data?: string;
		extra?: string[];
		started?: (child: ChildProcess) => void;
	} = {},
): Promise<{ run: Run; sessions: SessionObject[]; data: string; out: string }> {
	const data = options.data ?? temporaryFolder(t);
	const out = join(data, 'out');
	const args = ['process', ...files, '--data', data, '--out', out, '--json'];
	for (const [name, location] of Object.entries(options.repos ?? {})) args.push('--repo', `${name}=${location}`);
	if (options.indicators) args.push('--indicators', options.indicators);
	for (const file of options.metrics ?? []) args.push('--metrics', file);
	const run = await affidavit([...args, ...(options.extra ?? [])], options.started ? { started: options.started } : {});
	return { run, sessions: sessionsOf(run), data, out };
}

export function temporaryFolder(t: { after: (fn: () => void) => void }): string {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-test-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}
