// Blobs in memory, for the simulator and for tests.
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Blobs } from '../ports.ts';

export function createMemoryBlobs(): Blobs {
	const blobs = new Map<string, Uint8Array>();
	const put = async (bytes: Uint8Array): Promise<string> => {
		const sha256 = sha256Hex(bytes);
		if (!blobs.has(sha256)) blobs.set(sha256, new Uint8Array(bytes));
		return sha256;
	};
	return {
		put,
		putStream: async (chunks) => {
			const parts: Uint8Array[] = [];
			for await (const chunk of chunks) parts.push(new Uint8Array(chunk));
			const bytes = Buffer.concat(parts);
			return { sha256: await put(bytes), bytes: bytes.byteLength };
		},
		get: async (sha256) => copyOrNull(blobs.get(sha256)),
		has: async (sha256) => blobs.has(sha256),
	};
}

const copyOrNull = (bytes: Uint8Array | undefined): Uint8Array | null => (bytes ? new Uint8Array(bytes) : null);
