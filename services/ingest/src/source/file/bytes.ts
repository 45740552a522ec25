// The bytes of one recorded file, plain or gzip (told by the magic bytes, not by the name), in bounded chunks.
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { createGunzip, type Gunzip } from 'node:zlib';
import { readAt } from '../read-at.ts';

export const chunkBytes = 256 * 1024;
const identityBytes = 64 * 1024;
const gunzipBufferBytes = 64 * 1024;

/** What tells a file from another one when a run is resumed. */
export interface FileIdentity {
	/** Base name: the origin of dead letters. */
	name: string;
	/** Bytes on disk. */
	size: number;
	/** sha256 (hex) of the first 64 KiB. */
	headDigest: string;
}

export interface RecordedFile {
	path: string;
	identity: FileIdentity;
	gzip: boolean;
}

/** Rejects with the system's error when the file cannot be read. */
export async function describeFile(path: string): Promise<RecordedFile> {
	const handle = await open(path, 'r');
	try {
		const stat = await handle.stat();
		// A run can be resumed, so its input must be there to be read again.
		if (!stat.isFile()) throw new Error(`${path}: not a regular file: expected a file of recorded events`);
		const head = await readAt(handle, 0, identityBytes);
		return {
			path,
			identity: {
				name: basename(path),
				size: stat.size,
				headDigest: createHash('sha256').update(head).digest('hex'),
			},
			gzip: head[0] === 0x1f && head[1] === 0x8b,
		};
	} finally {
		await handle.close();
	}
}

export type FileChunk =
	| { kind: 'bytes'; bytes: Buffer /** Bytes read on disk so far. */; readBytes: number }
	/** The compressed stream is cut or damaged; what could be read was read. Always the last. */
	| { kind: 'damaged'; message: string };

/** Chunks from `offset` (of the decompressed stream) on. A gzip file is decompressed again from its start: it cannot be entered midway. */
export async function* fileChunks(file: RecordedFile, offset: number): AsyncGenerator<FileChunk> {
	const handle = await open(file.path, 'r');
	try {
		if (!file.gzip) {
			yield* plainChunks(handle, offset);
			return;
		}
		let skip = offset;
		for await (const chunk of gunzipChunks(plainChunks(handle, 0))) {
			if (chunk.kind === 'damaged') yield chunk;
			else if (skip >= chunk.bytes.length) skip -= chunk.bytes.length;
			else {
				yield skip === 0 ? chunk : { ...chunk, bytes: chunk.bytes.subarray(skip) };
				skip = 0;
			}
		}
	} finally {
		await handle.close();
	}
}

async function* plainChunks(handle: FileHandle, offset: number): AsyncGenerator<FileChunk & { kind: 'bytes' }> {
	for (let position = offset; ; ) {
		const bytes = await readAt(handle, position, chunkBytes);
		if (bytes.length === 0) return;
		position += bytes.length;
		yield { kind: 'bytes', bytes, readBytes: position };
	}
}

/**
 * Inflates chunk by chunk. Driven by hand and not by pipe(): a pipeline that fails at a cut end throws away what it had
 * inflated already, and how much that is depends on timing.
 */
async function* gunzipChunks(input: AsyncIterable<FileChunk & { kind: 'bytes' }>): AsyncGenerator<FileChunk> {
	const gunzip = createGunzip({ chunkSize: gunzipBufferBytes });
	const state: GunzipState = { failure: null, ended: false, wake: () => {} };
	const wake = (): void => state.wake();
	gunzip.on('error', (error) => {
		state.failure = error;
		wake();
	});
	gunzip.on('end', () => {
		state.ended = true;
		wake();
	});
	gunzip.on('readable', wake);
	let readBytes = 0;
	try {
		for await (const chunk of input) {
			readBytes = chunk.readBytes;
			let written = false;
			gunzip.write(chunk.bytes, () => {
				written = true;
				wake();
			});
			// All that these bytes hold comes out before an error of later bytes can drop it.
			yield* inflated(gunzip, state, () => written, readBytes);
			if (state.failure !== null) break;
		}
		if (state.failure === null) {
			gunzip.end();
			yield* inflated(gunzip, state, () => state.ended, readBytes);
		}
		if (state.failure !== null)
			yield { kind: 'damaged', message: `gzip stream: ${state.failure.message}: expected a complete gzip file` };
	} finally {
		gunzip.destroy();
	}
}

interface GunzipState {
	failure: Error | null;
	ended: boolean;
	wake: () => void;
}

async function* inflated(
	gunzip: Gunzip,
	state: GunzipState,
	done: () => boolean,
	readBytes: number,
): AsyncGenerator<FileChunk> {
	for (;;) {
		const woken = new Promise<void>((resolve) => {
			state.wake = resolve;
		});
		const bytes: Buffer | null = gunzip.read();
		if (bytes !== null) yield { kind: 'bytes', bytes, readBytes };
		else if (done() || state.failure !== null) return;
		else await woken;
	}
}
