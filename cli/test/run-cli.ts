// Runs the launcher as a user does, and collects what it said.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repoRoot: string = fileURLToPath(new URL('../..', import.meta.url));
export const launcher: string = join(repoRoot, 'cli/bin/affidavit.js');

export interface CliRun {
	code: number | null;
	stdout: string;
	stderr: string;
}

export interface RunOptions {
	env?: Record<string, string>;
	cwd?: string;
}

/** A clean environment: no AFFIDAVIT_* of the machine, and a home that is not the user's. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<CliRun> {
	const child = spawn(process.execPath, [launcher, ...args], {
		cwd: options.cwd ?? tmpdir(),
		env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ...options.env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		stdout += text;
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		stderr += text;
	});
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code) => resolve({ code, stdout, stderr }));
	});
}

/** A folder that goes away with the test. */
export function temporaryFolder(context: { after: (hook: () => void) => void }): string {
	const dir = mkdtempSync(join(tmpdir(), 'affidavit-cli-'));
	context.after(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
}
