// The export folder as the tail sees it: listing, opening by identity, heads.
import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileEntry, inOrder, isRotated } from './rotation.ts';

/** Files of a folder that are looked at, at most; the newest. */
const entriesMax = 1000;
/** So much of a file's start tells it from another one: several lines, with their times. */
export const headBytesMax = 16 * 1024;

export const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';

/** Listings that have to agree, tried so often. */
const listingsMax = 6;

/**
 * Rotated files and the live one. Names move while a folder is read: a listing counts only when the next one is the same.
 * Null when the folder does not come to rest.
 */
export async function listExport(folder: string, liveName: string): Promise<FileEntry[] | null> {
	let before = '';
	for (let attempt = 0; attempt < listingsMax; attempt++) {
		const entries = await listOnce(folder, liveName);
		const identity = entries.map((entry) => `${entry.name}/${entry.id}`).join('/');
		if (attempt > 0 && identity === before) return entries;
		before = identity;
	}
	return null;
}

/** How many rotated files were compressed after `sinceNs`: they cannot be read, but they account for a file that is gone. */
export async function compressedSince(folder: string, liveName: string, sinceNs: bigint): Promise<number> {
	let count = 0;
	for (const name of await readdir(folder)) {
		if (!name.endsWith(compressedEnding) || !isRotated(name.slice(0, -compressedEnding.length), liveName)) continue;
		const entry = await entryOf(folder, name, liveName);
		if (entry !== null && entry.mtimeNs >= sinceNs) count++;
	}
	return count;
}

const compressedEnding = '.gz';

async function listOnce(folder: string, liveName: string): Promise<FileEntry[]> {
	const entries: FileEntry[] = [];
	for (const name of (await readdir(folder)).sort()) {
		if (name !== liveName && !isRotated(name, liveName)) continue;
		const entry = await entryOf(folder, name, liveName);
		if (entry !== null) entries.push(entry);
	}
	return entries.length > entriesMax ? inOrder(entries).slice(-entriesMax) : entries;
}

export async function entryOf(folder: string, name: string, liveName: string): Promise<FileEntry | null> {
	try {
		const found = await stat(join(folder, name), { bigint: true });
		if (!found.isFile()) return null;
		return {
			name,
			id: `${found.dev}:${found.ino}`,
			size: Number(found.size),
			mtimeNs: found.mtimeNs,
			live: name === liveName,
		};
	} catch (error) {
		if (isAbsent(error)) return null;
		throw error;
	}
}

/** Null when the name stands for another file by now. */
export async function openEntry(folder: string, entry: FileEntry): Promise<FileHandle | null> {
	let handle: FileHandle;
	try {
		handle = await open(join(folder, entry.name), 'r');
	} catch (error) {
		if (isAbsent(error)) return null;
		throw error;
	}
	const found = await handle.stat({ bigint: true });
	if (`${found.dev}:${found.ino}` === entry.id) return handle;
	await handle.close();
	return null;
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
