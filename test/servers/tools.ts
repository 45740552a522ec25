import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a test needs of the machine and could not have; `what` names it and says how to get it. */
export class MissingTool extends Error {
	constructor(what: string, cause?: unknown) {
		super(what, cause === undefined ? undefined : { cause });
		this.name = 'MissingTool';
	}
}

/** Path of a program on the PATH; null when there is none. */
export function findTool(name: string): string | null {
	for (const folder of (process.env.PATH ?? '').split(delimiter)) {
		const file = join(folder, name);
		try {
			accessSync(file, constants.X_OK);
			return file;
		} catch {}
	}
	return null;
}

/** Runs a program to its end and resolves to what it printed. Rejects with its last words. */
export function runTool(file: string, args: readonly string[], timeoutMs: number): Promise<string> {
	return new Promise((resolve, reject) => {
		execFile(file, [...args], { timeout: timeoutMs, maxBuffer: 16 * 1024 ** 2 }, (error, stdout, stderr) => {
			if (error) reject(new Error(`${file} ${args[0] ?? ''}: ${`${stdout}${stderr}`.slice(-2_000)}`, { cause: error }));
			else resolve(stdout);
		});
	});
}
