// The snapshots that verdicts of then pin: the blobs of `up`, or those that the fleet's detect and sign share.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openFolderBlobs } from '@affidavit/stream/embedded/blobs.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import type { Config } from '../config/schema.ts';

export const blobsFolder = ({ kafka, service, dataDir }: Config): string =>
	kafka.brokers.length === 0 ? join(dataDir, 'blobs') : service.blobsDir;

/** Read only; where there is no folder, there are no blobs. `get` rejects as Blobs does on a damaged one. */
export async function pastBlobs(config: Config): Promise<Pick<Blobs, 'get' | 'has'>> {
	const folder = blobsFolder(config);
	if (!existsSync(folder)) return { get: async () => null, has: async () => false };
	return openFolderBlobs({ folder });
}
