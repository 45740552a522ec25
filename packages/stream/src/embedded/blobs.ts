// Content-addressed blobs in a folder: FOLDER/ab/cd/abcd…, written beside and renamed, so that a name never shows half a file.
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSha256, sha256Hex } from '@affidavit/model/digests.ts';
import { StreamError } from '../errors.ts';
import type { Blobs } from '../ports.ts';

export interface FolderBlobsOptions {
	/** Made where absent, 0700. Several processes may share it. */
	folder: string;
	/** Bound of one blob; larger ones reject with blob-too-large. Default 1 GiB. */
	blobBytesMax?: number;
}

/** What a killed writer left behind is removed at the next start once it is this old. */
const leftoverAgeMs = 24 * 3600 * 1000;

export async function openFolderBlobs(options: FolderBlobsOptions): Promise<Blobs> {
	const { folder } = options;
	const bytesMax = options.blobBytesMax ?? 1024 ** 3;
	const incoming = join(folder, 'incoming');
	await mkdir(incoming, { recursive: true, mode: 0o700 });
	await removeLeftovers(incoming);
	const pathOf = (sha256: string): string => join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
	const write = (chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) =>
		writeBlob(chunks, join(incoming, randomUUID()), bytesMax, pathOf);
	const read = async (sha256: string): Promise<Uint8Array | null> => {
		if (!isSha256(sha256)) return null;
		return orAbsent(readFile(pathOf(sha256)), null);
	};
	return {
		put: async (bytes) => {
			const sha256 = sha256Hex(bytes);
			const known = await read(sha256);
			// A damaged blob is written again.
			if (known === null || sha256Hex(known) !== sha256) await write([bytes]);
			return sha256;
		},
		putStream: write,
		get: async (sha256) => {
			const bytes = await read(sha256);
			if (bytes !== null && sha256Hex(bytes) !== sha256)
				throw new StreamError('blob-corrupt', `${pathOf(sha256)}: its bytes have another sha256`);
			return bytes;
		},
		has: async (sha256) => isSha256(sha256) && (await orAbsent(stat(pathOf(sha256)), null)) !== null,
	};
}

async function writeBlob(
	chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
	temporary: string,
	bytesMax: number,
	pathOf: (sha256: string) => string,
): Promise<{ sha256: string; bytes: number }> {
	const file = await open(temporary, 'wx', 0o600);
	try {
		const hash = createHash('sha256');
		let bytes = 0;
		try {
			for await (const chunk of chunks) {
				bytes += chunk.byteLength;
				if (bytes > bytesMax)
					throw new StreamError('blob-too-large', `a blob of more than ${bytesMax} bytes: expected at most that`);
				hash.update(chunk);
				await writeAll(file, chunk);
			}
			await file.sync();
		} finally {
			await file.close();
		}
		const sha256 = hash.digest('hex');
		const path = pathOf(sha256);
		await mkdir(dirname(path), { recursive: true, mode: 0o700 });
		await rename(temporary, path);
		await syncFolder(dirname(path));
		return { sha256, bytes };
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
	let written = 0;
	while (written < chunk.byteLength) written += (await file.write(chunk, written)).bytesWritten;
}

/** A rename is durable when its folder is. */
async function syncFolder(path: string): Promise<void> {
	const folder = await open(path, 'r');
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}

async function removeLeftovers(incoming: string): Promise<void> {
	const before = Date.now() - leftoverAgeMs;
	for (const name of await readdir(incoming)) {
		const path = join(incoming, name);
		const found = await orAbsent(stat(path), null);
		if (found && found.mtimeMs < before) await rm(path, { force: true });
	}
}

async function orAbsent<T>(promise: Promise<T>, absent: null): Promise<T | null> {
	try {
		return await promise;
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return absent;
		throw error;
	}
}
