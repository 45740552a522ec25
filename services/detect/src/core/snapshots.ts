import type { Blobs } from '@affidavit/stream/ports.ts';

/** Stores what verdicts pin (rules, indicators, manifests), each once as far as this worker remembers. */
export interface Snapshots {
	keep(digest: string, bytes: Uint8Array): Promise<void>;
}

const rememberedMax = 1_000;

export function createSnapshots(blobs: Pick<Blobs, 'put'>): Snapshots {
	const stored = new Set<string>();
	return {
		async keep(digest, bytes) {
			if (stored.has(digest)) return;
			await blobs.put(bytes);
			if (stored.size >= rememberedMax) stored.clear();
			stored.add(digest);
		},
	};
}
