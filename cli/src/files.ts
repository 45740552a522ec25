// What can go wrong with a file or folder that the user named, in words; and folders that are made for the user.
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CliError } from './errors.ts';

const words = new Map([
	['ENOENT', 'no such file or folder'],
	['ENOTDIR', 'a part of the path is no folder'],
	['EISDIR', 'a folder, expected a file'],
	['EACCES', 'permission denied'],
	['EPERM', 'permission denied'],
	['EROFS', 'the file system is read-only'],
	['ENOSPC', 'no space left'],
	['ELOOP', 'a circle of symbolic links'],
	['ENAMETOOLONG', 'the name is too long'],
]);

/** In words where they are known; else the system's code. */
export function fileTrouble(cause: unknown): string {
	const code = (cause as NodeJS.ErrnoException).code;
	return words.get(code ?? '') ?? code ?? String(cause);
}

/**
 * Makes the folder and those above it that are missing. Not `mkdir` with `recursive`, which goes round for ever below a folder
 * that answers ENOENT, as /proc does. Throws CliError('file-unwritable').
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
	const missing: string[] = [];
	for (let at = resolve(path); !(await isFolder(at, path)); at = dirname(at)) missing.push(at);
	for (const at of missing.reverse()) {
		try {
			await mkdir(at, { mode });
		} catch (cause) {
			// Another process made it meanwhile.
			if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unmakeable(path, fileTrouble(cause), cause);
		}
	}
}

/** False when there is nothing; the root is always there. */
async function isFolder(at: string, wanted: string): Promise<boolean> {
	try {
		if ((await stat(at)).isDirectory()) return true;
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
		throw unmakeable(wanted, fileTrouble(cause), cause);
	}
	throw unmakeable(wanted, `${at} is no folder`);
}

const unmakeable = (path: string, why: string, cause?: unknown): CliError =>
	new CliError('file-unwritable', `cannot make the folder ${path}: ${why}`, cause);
