// The public halves of keys that sign attestations here: openSigning (cli/src/settings.ts) leaves them in the data folder.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';

const ofSigning = /^(signing|[0-9a-f]{16})\.pub\.pem$/;

export async function signingKeysOf({ dataDir }: Config): Promise<string[]> {
	const folder = join(dataDir, 'keys');
	try {
		return (await readdir(folder)).filter((name) => ofSigning.test(name)).map((name) => join(folder, name));
	} catch {
		// No folder, no key: the caller says so.
		return [];
	}
}
