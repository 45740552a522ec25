// What killed runs left behind: temporary files and folders carry the process id of their writer.
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isProcessAlive } from '@affidavit/stream/process-alive.ts';

const withPid = /\.(\d{1,10})\.tmp$/;

/** The name of a temporary beside `path`; `removeLeftovers` knows it. */
export const temporaryName = (path: string): string => `${path}.${process.pid}.tmp`;

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
		const pid = Number(withPid.exec(name)?.[1] ?? 0);
		if (pid > 0 && !isProcessAlive(pid)) rmSync(join(folder, name), { recursive: true, force: true });
	}
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
