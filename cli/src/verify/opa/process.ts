// Runs the `opa` binary once: bounded in time and output, with nothing of the environment but the PATH.
import { spawn } from 'node:child_process';

export interface OpaRun {
	/** Folder that the command runs in; file arguments count from it. */
	cwd: string;
	args: readonly string[];
	/** What it reads on stdin; empty for nothing. */
	stdin: string;
}

export type OpaOutcome =
	| { kind: 'exited'; code: number; stdout: string; stderr: string }
	/** No `opa` on the PATH, or it cannot be run. */
	| { kind: 'absent'; reason: string }
	| { kind: 'stopped'; reason: string };

export interface OpaLimits {
	/** Wall time of one run. */
	timeMsMax: number;
	/** stdout and stderr together. */
	outputBytesMax: number;
}

export const opaLimits: OpaLimits = { timeMsMax: 10_000, outputBytesMax: 16 * 1024 * 1024 };

export function runOpa({ cwd, args, stdin }: OpaRun, path: string, limits: OpaLimits = opaLimits): Promise<OpaOutcome> {
	return new Promise((resolve) => {
		// Nothing else of the environment: opa reads options from OPA_* variables, proxies from HTTP_PROXY.
		const child = spawn('opa', args, { cwd, env: { PATH: path }, stdio: ['pipe', 'pipe', 'pipe'] });
		const out: Buffer[] = [];
		const err: Buffer[] = [];
		let bytes = 0;
		let stopped = '';
		const stop = (reason: string): void => {
			stopped ||= reason;
			child.kill('SIGKILL');
		};
		const timer = setTimeout(() => stop(`opa: stopped after ${limits.timeMsMax} ms`), limits.timeMsMax);
		const collect =
			(into: Buffer[]) =>
			(chunk: Buffer): void => {
				bytes += chunk.length;
				if (bytes > limits.outputBytesMax) stop(`opa: wrote over ${limits.outputBytesMax} bytes`);
				else into.push(chunk);
			};
		child.stdout.on('data', collect(out));
		child.stderr.on('data', collect(err));
		// It may end before it has read its input; its exit code says the rest.
		child.stdin.on('error', () => {});
		child.stdin.end(stdin);
		child.on('error', (cause: NodeJS.ErrnoException) => {
			clearTimeout(timer);
			resolve({ kind: 'absent', reason: cause.code === 'ENOENT' ? 'no `opa` on the PATH' : `opa: ${cause.message}` });
		});
		child.on('close', (code, signal) => {
			clearTimeout(timer);
			if (stopped !== '') resolve({ kind: 'stopped', reason: stopped });
			else if (code === null) resolve({ kind: 'stopped', reason: `opa: ended by ${signal}` });
			else resolve({ kind: 'exited', code, stdout: text(out), stderr: text(err) });
		});
	});
}

const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');
