// The manifest of a folder that is no git repository: its files as they are now. No commit can be checked.
import { createHash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest, ManifestFile } from '@affidavit/model/manifest.ts';
import type { ManifestLimits } from './limits.ts';

export type PlainTreeOutcome =
	| { kind: 'manifest'; manifest: Manifest }
	| { kind: 'failed'; reason: 'too-many-files' | 'unreadable' };

const depthMax = 256;
const pathBytesMax = 4096;

interface Walk {
	limits: ManifestLimits;
	files: Record<string, ManifestFile>;
	unresolved: Record<string, string>;
	count: number;
	pathBytes: number;
	bytes: number;
}

export async function plainTreeManifest(
	folder: string,
	repository: string,
	commit: string,
	limits: ManifestLimits,
): Promise<PlainTreeOutcome> {
	const files: Record<string, ManifestFile> = Object.create(null);
	const unresolved: Record<string, string> = Object.create(null);
	const walk: Walk = { limits, files, unresolved, count: 0, pathBytes: 0, bytes: 0 };
	try {
		if (!(await visit(walk, folder, '', 0))) return { kind: 'failed', reason: 'too-many-files' };
	} catch {
		return { kind: 'failed', reason: 'unreadable' };
	}
	return { kind: 'manifest', manifest: { version: 1, repository, commit, files, unresolved } };
}

/** False when a limit is reached. Links are named, never followed. */
async function visit(walk: Walk, folder: string, below: string, depth: number): Promise<boolean> {
	const entries: Dirent[] = await readdir(folder, { withFileTypes: true });
	// Sorted, so that the byte limit always leaves out the same files.
	entries.sort((a, b) => (a.name < b.name ? -1 : 1));
	for (const entry of entries) {
		const path = below === '' ? entry.name : `${below}/${entry.name}`;
		walk.count++;
		walk.pathBytes += path.length;
		if (walk.count > walk.limits.filesMax || walk.pathBytes > walk.limits.pathBytesMax) return false;
		if (path.includes('\ufffd')) walk.unresolved[path] = 'path-encoding';
		else if (entry.isSymbolicLink()) walk.unresolved[path] = 'symlink';
		else if (entry.isDirectory()) {
			if (depth >= depthMax || path.length > pathBytesMax) return false;
			if (!(await visit(walk, join(folder, entry.name), path, depth + 1))) return false;
		} else if (entry.isFile()) await take(walk, join(folder, entry.name), path);
	}
	return true;
}

async function take(walk: Walk, file: string, path: string): Promise<void> {
	// Neither a link that took the file's place nor a pipe may hold us up.
	const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
	try {
		const { size } = await handle.stat();
		if (size > walk.limits.fileBytesMax || walk.bytes + size > walk.limits.blobBytesMax) {
			walk.unresolved[path] = 'too-large';
			return;
		}
		const hash = createHash('sha256');
		let read = 0;
		for await (const chunk of handle.createReadStream({ autoClose: false, end: walk.limits.fileBytesMax })) {
			hash.update(chunk as Buffer);
			read += (chunk as Buffer).length;
		}
		walk.bytes += read;
		walk.files[path] = { sha256: hash.digest('hex'), size: read };
	} finally {
		await handle.close();
	}
}
