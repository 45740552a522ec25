// One small shell process that ends this process's servers and removes their folders when this process dies without doing so.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let guard: ChildProcess | undefined;

function tell(line: string): void {
	if (guard === undefined) {
		// A session of its own: Ctrl-C in a terminal must not end the guard before what it guards.
		guard = spawn('/bin/sh', [join(import.meta.dirname, 'guard.sh')], {
			detached: true,
			stdio: ['pipe', 'ignore', 'ignore'],
		});
		guard.unref();
		(guard.stdin as unknown as { unref(): void }).unref();
		guard.stdin?.on('error', () => {});
	}
	guard.stdin?.write(`${line}\n`);
}

/** Kills the child should this process die first. Call it right after `spawn`. */
export function guardProcess(child: ChildProcess): void {
	const { pid } = child;
	if (pid === undefined) return;
	tell(`process ${pid}`);
	child.once('exit', () => tell(`ended ${pid}`));
}

/** A folder under the system's temporary one, removed with `removeFolder`, or should this process die first. */
export function guardedFolder(name: string): string {
	const folder = mkdtempSync(join(tmpdir(), `affidavit-${name}-`));
	tell(`folder ${folder}`);
	return folder;
}

export function removeFolder(folder: string): void {
	rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
	tell(`removed ${folder}`);
}
