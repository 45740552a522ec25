// A location's folder in the cache: made, locked, measured, and removed when there are too many.
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isProcessAlive } from '@affidavit/stream/process-alive.ts';

const cacheName = /^[0-9a-f]{32}$/;
/** What a process that was killed while it took a lock left behind, by its id. */
const unfinishedLock = /^[0-9a-f]{32}\.lock\.(\d{1,10})\./;
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
		const maker = unfinishedLock.exec(name)?.[1];
		if (maker !== undefined && !isProcessAlive(Number(maker))) await rm(join(cacheDir, name), { force: true });
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
	const token = `${process.pid} ${await startOf(process.pid)} ${randomUUID()}`;
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

/** By a link to a file that is whole: a process killed between making a lock and writing its name would hold it for ever. */
async function tryLock(path: string, token: string): Promise<boolean> {
	const written = `${path}.${process.pid}.${randomUUID()}`;
	await writeFile(written, token, { mode: 0o600 });
	try {
		await link(written, path);
		return true;
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw cause;
	} finally {
		await unlink(written).catch(() => {});
	}
}

async function isAbandoned(path: string, heldMsMax: number): Promise<boolean> {
	try {
		const held = await stat(path);
		if (Date.now() - held.mtimeMs > heldMsMax) return true;
		const [pid = '', start = ''] = (await readFile(path, 'utf8')).split(' ');
		if (!(Number(pid) > 0)) return true;
		// Another process may have the dead one's number by now.
		return !isProcessAlive(Number(pid)) || (await startOf(Number(pid))) !== start;
	} catch {
		// It was let go meanwhile.
		return false;
	}
}

/** When the process began, in the kernel's ticks (field 22 of proc_pid_stat(5)); '-' where there is no /proc. */
async function startOf(pid: number): Promise<string> {
	const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
	// The command's name is in brackets and may hold blanks.
	return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
}
