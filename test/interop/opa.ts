// The `opa` binary as a peer: the one on the PATH, else installed once by the Go client into the user's cache folder.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The version that docs/rego.md counts its cases with. */
export const opaVersion = 'v1.22.2';
const installTimeoutMs = 20 * 60 * 1000;

export type OpaPeer =
	| {
			kind: 'opa';
			/** Folder that holds the binary. */
			folder: string;
			/** A PATH that finds it first. */
			path: string;
	  }
	| { kind: 'absent'; reason: string };

/** AFFIDAVIT_OPA names a folder that holds the binary; absent without it, without `go`, and where it cannot be installed. */
export function openOpa(): OpaPeer {
	const path = process.env['PATH'] ?? '';
	const places = [process.env['AFFIDAVIT_OPA'] ?? '', cacheFolder(), ...path.split(delimiter)];
	const found = places.find((folder) => folder !== '' && existsSync(join(folder, 'opa')));
	if (found !== undefined) return peer(found, path);
	if (spawnSync('go', ['version']).status !== 0)
		return { kind: 'absent', reason: 'no `opa` on the PATH, and no `go` to install it with' };
	const folder = cacheFolder();
	// Test files run beside each other: none may find a binary that another is still writing.
	const installing = `${folder}.${process.pid}`;
	mkdirSync(installing, { recursive: true });
	const { status, stderr } = spawnSync('go', ['install', `github.com/open-policy-agent/opa@${opaVersion}`], {
		env: { ...process.env, GOBIN: installing },
		encoding: 'utf8',
		timeout: installTimeoutMs,
	});
	if (status === 0 && existsSync(join(installing, 'opa'))) {
		mkdirSync(folder, { recursive: true });
		renameSync(join(installing, 'opa'), join(folder, 'opa'));
		rmSync(installing, { recursive: true, force: true });
		return peer(folder, path);
	}
	rmSync(installing, { recursive: true, force: true });
	return {
		kind: 'absent',
		reason: `the Go client could not install opa ${opaVersion}: ${stderr.trim().split('\n').at(-1)}`,
	};
}

const cacheFolder = (): string =>
	join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'affidavit-peers', `opa-${opaVersion}`);

const peer = (folder: string, path: string): OpaPeer => ({ kind: 'opa', folder, path: `${folder}${delimiter}${path}` });
