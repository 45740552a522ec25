// Blobs on a folder that several machines share: what one has written another may see only after a while (NFS remembers what was
// not there). A verdict whose manifest is not there would become a dead letter.
import { setTimeout as delay } from 'node:timers/promises';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';

/** 15.5 seconds in all. */
const pausesMs = [500, 1000, 2000, 4000, 8000];

export const patientBlobs = (
	blobs: Blobs,
	emit: Emit,
	sleep: (ms: number) => Promise<unknown> = (ms) => delay(ms),
): Blobs => ({
	...blobs,
	get: async (sha256) => {
		for (const pauseMs of pausesMs) {
			const found = await blobs.get(sha256);
			if (found !== null) return found;
			emit({
				name: 'blob_awaited',
				stage: 'sign',
				reason: 'absent',
				intentional: false,
				message: `service.blobsDir: blob ${sha256} is not there (yet): is the folder shared with detect?`,
			});
			await sleep(pauseMs);
		}
		return blobs.get(sha256);
	},
});
