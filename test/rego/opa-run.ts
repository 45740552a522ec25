// An `opa` binary on a folder of its own, as the tests ask it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const timeoutMs = 60_000;

export interface OpaRun {
	status: number | null;
	stdout: string;
	stderr: string;
}

/** Writes the files (name to text) to a folder, runs opa there and removes it. */
export function runOpa(binaryFolder: string, files: Record<string, string>, args: readonly string[]): OpaRun {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-opa-'));
	try {
		for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
		const { status, stdout, stderr } = spawnSync(join(binaryFolder, 'opa'), args, {
			cwd: folder,
			encoding: 'utf8',
			timeout: timeoutMs,
			maxBuffer: 256 * 1024 * 1024,
		});
		return { status, stdout, stderr };
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
