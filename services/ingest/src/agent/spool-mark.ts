// A small file beside the spool's databases: which spool it is, and whether it was closed in order.
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

interface Mark {
	version: 1;
	epoch: number;
	/** Boot id of the host when it was opened last. */
	boot: string;
	closed: boolean;
}

export interface SpoolMark {
	epoch: number;
	created: boolean;
	/** True when the spool was in use when the host went down. */
	cutShort: boolean;
	closed(): Promise<void>;
}

export async function openSpoolMark(path: string, boot: string, newEpoch: () => number): Promise<SpoolMark> {
	const found = await readMark(path);
	const epoch = found?.epoch ?? newEpoch();
	await writeSynced(path, JSON.stringify({ version: 1, epoch, boot, closed: false } satisfies Mark));
	return {
		epoch,
		created: found === null,
		cutShort: found !== null && !found.closed && found.boot !== boot,
		closed: () => writeSynced(path, JSON.stringify({ version: 1, epoch, boot, closed: true } satisfies Mark)),
	};
}

/** null when there is none, or none that can be read: the spool then counts as a new one. */
async function readMark(path: string): Promise<Mark | null> {
	try {
		const value: unknown = JSON.parse(await readFile(path, 'utf8'));
		return isMark(value) ? value : null;
	} catch (error) {
		if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw error;
	}
}

function isMark(value: unknown): value is Mark {
	if (typeof value !== 'object' || value === null) return false;
	const { version, epoch, boot, closed } = value as Record<string, unknown>;
	return version === 1 && Number.isInteger(epoch) && typeof boot === 'string' && typeof closed === 'boolean';
}

/** Whole or not at all, also after a power cut. */
export async function writeSynced(path: string, text: string): Promise<void> {
	const temporary = `${path}.tmp`;
	const file = await open(temporary, 'w', 0o600);
	try {
		await file.writeFile(text);
		await file.sync();
	} finally {
		await file.close();
	}
	await rename(temporary, path);
	const folder = await open(dirname(path), 'r');
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
