// A replay's own state: log and store in a folder that goes away with it. The fleet's Redis and the log of `up` are not touched.

import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { removeLeftovers, temporaryName } from '@affidavit/sign/leftovers.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Blobs, Log, Store } from '@affidavit/stream/ports.ts';
import type { Config } from '../config/schema.ts';
import { makeFolder } from '../files.ts';

export interface Scratch {
	log: Log;
	store: Store;
	/** For temporary files. */
	folder: string;
	close(): Promise<void>;
}

/** `tracePartitions`: of the past; what is written here has one. */
export async function openScratch({ dataDir, limits }: Config, tracePartitions: number, emit: Emit): Promise<Scratch> {
	const parent = join(dataDir, 'replay');
	await makeFolder(parent, 0o700);
	removeLeftovers(parent);
	runs += 1;
	const folder = temporaryName(join(parent, `run-${runs}`));
	await rm(folder, { recursive: true, force: true });
	await makeFolder(folder, 0o700);
	const log = openEmbeddedLog({
		folder,
		maxBytes: limits.logBytesMax,
		partitions: { trace: tracePartitions },
		emit,
	});
	let store: Store;
	try {
		store = openEmbeddedStore({ folder, maxBytes: limits.storeBytesMax });
	} catch (error) {
		await log.close();
		throw error;
	}
	return {
		log,
		store,
		folder,
		close: async () => {
			await store.close();
			await log.close();
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** Of this process. */
let runs = 0;

/** Where a replay's stages put what they pin: nowhere. `from`: what is read. */
export const passingBlobs = (from: Pick<Blobs, 'get' | 'has'> | null): Blobs => ({
	put: async (bytes) => sha256Hex(bytes),
	putStream: async (chunks) => {
		const hash = createHash('sha256');
		let bytes = 0;
		for await (const chunk of chunks) {
			hash.update(chunk);
			bytes += chunk.byteLength;
		}
		return { sha256: hash.digest('hex'), bytes };
	},
	get: async (sha256) => (await from?.get(sha256)) ?? null,
	has: async (sha256) => (await from?.has(sha256)) ?? false,
});
