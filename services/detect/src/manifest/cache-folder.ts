// A location's folder in the cache: made, locked, measured, and removed when there are too many.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const cacheName = /^[0-9a-f]{32}$/;
const lockPollMs = 50;
/** Deeper than a bare repository is; bounds the walk. */
const depthMax = 8;

/** Bytes that a folder takes; stops counting above `max`. */
export async function folderBytes(folder: string, max: number, depth = depthMax): Promise<number> {
	let bytes = 0;
	let entries: import('node:fs').Dirent[];
	try {
		entries = await readdir(folder, { withFileTypes: true });
	} catch {
		return 0;
	}
	for (const entry of entries) {
		if (bytes > max) break;
		const path = join(folder, entry.name);
		if (entry.isDirectory() && depth > 0) bytes += await folderBytes(path, max - bytes, depth - 1);
		else if (entry.isFile())
			bytes += await stat(path).then(
				(s) => s.size,
				() => 0,
			);
	}
	return bytes;
}

/**
 * Removes the least recently used caches until `keep` fits with at most `cachesMax` in all.
 * Returns how many were removed.
 */
export async function evictCaches(cacheDir: string, keep: string, cachesMax: number): Promise<number> {
	const others: { name: string; usedMs: number }[] = [];
	for (const name of await readdir(cacheDir).catch(() => [])) {
		if (!cacheName.test(name) || name === keep) continue;
		const used = await stat(join(cacheDir, name)).catch(() => null);
		if (used) others.push({ name, usedMs: used.mtimeMs });
	}
	others.sort((a, b) => a.usedMs - b.usedMs);
	const surplus = others.slice(0, Math.max(0, others.length - (cachesMax - 1)));
	for (const { name } of surplus) await rm(join(cacheDir, name), { recursive: true, force: true });
	return surplus.length;
}

export async function makeCacheFolder(folder: string, nowMs: number): Promise<void> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	await utimes(folder, nowMs / 1000, nowMs / 1000);
}

/**
 * Runs `work` while no other process works on `folder`; null when the lock did not come free in time.
 * A lock whose process has died, or that is older than any work may last, is taken over.
 */
export async function withFolderLock<T>(
	folder: string,
	limits: { waitMs: number; heldMsMax: number },
	work: () => Promise<T>,
): Promise<T | null> {
	const path = `${folder}.lock`;
	const token = `${process.pid} ${randomUUID()}`;
	const until = Date.now() + limits.waitMs;
	while (!(await tryLock(path, token))) {
		if (await isAbandoned(path, limits.heldMsMax)) await unlink(path).catch(() => {});
		else if (Date.now() > until) return null;
		await sleep(lockPollMs);
	}
	try {
		return await work();
	} finally {
		if ((await readFile(path, 'utf8').catch(() => '')) === token) await unlink(path).catch(() => {});
	}
}

async function tryLock(path: string, token: string): Promise<boolean> {
	try {
		const file = await open(path, 'wx', 0o600);
		try {
			await writeFile(file, token);
		} finally {
			await file.close();
		}
		return true;
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw cause;
	}
}

async function isAbandoned(path: string, heldMsMax: number): Promise<boolean> {
	try {
		const held = await stat(path);
		if (Date.now() - held.mtimeMs > heldMsMax) return true;
		const pid = Number.parseInt(await readFile(path, 'utf8'), 10);
		// An empty lock is one that is being written right now.
		if (!Number.isInteger(pid) || pid <= 0) return false;
		process.kill(pid, 0);
		return false;
	} catch (cause) {
		return (cause as NodeJS.ErrnoException).code === 'ESRCH';
	}
}
