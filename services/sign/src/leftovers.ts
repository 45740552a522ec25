// What killed runs left behind: temporary files and folders carry the machine and the process id of their writer.
import { readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { isProcessAlive } from '@affidavit/stream/process-alive.ts';

/** Several machines and containers may sign into one folder, and in each the process ids begin anew. */
const machine = sha256Hex(hostname()).slice(0, 12);
const withMaker = /\.([0-9a-f]{12})\.(\d{1,10})\.tmp$/;
/** Whether another machine's writer is alive cannot be asked: after this long it is not. */
const foreignAgeMs = 24 * 3600 * 1000;

/** The name of a temporary beside `path`; `removeLeftovers` knows it. */
export const temporaryName = (path: string): string => `${path}.${machine}.${process.pid}.tmp`;

/** Removes from `folder` the temporaries whose writer is no more. */
export function removeLeftovers(folder: string): void {
	let names: string[];
	try {
		names = readdirSync(folder);
	} catch {
		// Nothing there yet; anything worse is told by what writes next.
		return;
	}
	for (const name of names) {
		const [, maker, pid] = withMaker.exec(name) ?? [];
		if (maker === undefined) continue;
		const isLeft = maker === machine ? !isProcessAlive(Number(pid)) : isOld(join(folder, name));
		if (isLeft) rmSync(join(folder, name), { recursive: true, force: true });
	}
}

function isOld(path: string): boolean {
	// Gone meanwhile: not ours to remove.
	const found = statSync(path, { throwIfNoEntry: false });
	return found !== undefined && Date.now() - found.mtimeMs > foreignAgeMs;
}

/** Removes a temporary folder, and the one around it when nothing else is there. */
export function removeFolder(folder: string): void {
	rmSync(folder, { recursive: true, force: true });
	try {
		rmdirSync(dirname(folder));
	} catch {
		// Another process works in it, or it was never made.
	}
}
