// Digests of blobs by blob id, on disk: a commit that differs in ten files hashes ten files.
import { appendFile, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobDigest } from './blobs.ts';

// The digest comes last: a line that a crash cut off is then too short to be taken for whole.
const line = /^([0-9a-f]{40}|[0-9a-f]{64}) (\d{1,15}) ([01]) ([0-9a-f]{64})$/;
const fileName = 'blob-digests.txt';
const lineBytesMax = 150;

/** Entries of the cache in `folder`; an absent, unreadable or oversized file is an empty cache. */
export async function readDigestCache(folder: string, entriesMax: number): Promise<Map<string, BlobDigest>> {
	const cache = new Map<string, BlobDigest>();
	const path = join(folder, fileName);
	let text: string;
	try {
		if ((await stat(path)).size > entriesMax * lineBytesMax) return cache;
		text = await readFile(path, 'latin1');
	} catch {
		return cache;
	}
	for (const entry of text.split('\n')) {
		const match = line.exec(entry);
		if (match && cache.size < entriesMax)
			cache.set(match[1] as string, {
				size: Number(match[2]),
				lfs: match[3] === '1',
				sha256: match[4] as string,
			});
	}
	return cache;
}

const lines = (digests: Iterable<[string, BlobDigest]>): string => {
	let text = '';
	for (const [id, d] of digests) text += `${id} ${d.size} ${d.lfs ? 1 : 0} ${d.sha256}\n`;
	return text;
};

/** Adds `fresh`; when that exceeds the bound, only what the current tree uses (`current`) is kept. */
export async function writeDigestCache(
	folder: string,
	cached: ReadonlyMap<string, BlobDigest>,
	fresh: ReadonlyMap<string, BlobDigest>,
	current: ReadonlyMap<string, BlobDigest>,
	entriesMax: number,
): Promise<void> {
	if (fresh.size === 0) return;
	const path = join(folder, fileName);
	// A leading newline ends a line that a crash may have cut off.
	if (cached.size > 0 && cached.size + fresh.size <= entriesMax) return appendFile(path, `\n${lines(fresh)}`);
	await writeFile(`${path}.new`, lines([...current].slice(0, entriesMax)), { mode: 0o600 });
	await rename(`${path}.new`, path);
}
