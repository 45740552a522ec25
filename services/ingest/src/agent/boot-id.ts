import { readFile } from 'node:fs/promises';

const bootIdPath = '/proc/sys/kernel/random/boot_id';
const bootId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Boot id of this host (a UUID), or null where the kernel tells none. */
export async function readBootId(path = bootIdPath): Promise<string | null> {
	try {
		const text = (await readFile(path, 'utf8')).trim();
		return bootId.test(text) ? text : null;
	} catch {
		return null;
	}
}
