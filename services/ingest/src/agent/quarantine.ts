// The raw bytes of bad input: they stay on the host, readable by its owner only, bounded. Named by their digest, which the
// dead letter carries.
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Emit } from '@affidavit/stream/internal-event.ts';

export interface QuarantineLimits {
	files: number;
	/** Of all files together. */
	bytes: number;
}

export const quarantineLimits: QuarantineLimits = { files: 10_000, bytes: 64 * 1024 * 1024 };

export interface Quarantine {
	/** Never rejects: input that cannot be kept is counted. `digest`: sha256 of `bytes`, hex. */
	keep(digest: string, bytes: Uint8Array): Promise<void>;
}

/** Creates the folder (0700). When it is full, what comes later is left out: what was kept first is the evidence. */
export async function openQuarantine(
	folder: string,
	emit: Emit,
	limits: QuarantineLimits = quarantineLimits,
): Promise<Quarantine> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	let files = 0;
	let bytes = 0;
	for (const name of await readdir(folder)) {
		files++;
		bytes += (await stat(join(folder, name))).size;
	}
	const left = (reason: string, intentional: boolean, message: string): void =>
		emit({ name: 'quarantine_dropped', stage: 'ingest', reason, intentional, message });
	return {
		async keep(digest, input) {
			if (files >= limits.files || bytes + input.byteLength > limits.bytes) {
				left('full', true, `${folder}: full: ${digest} is not kept`);
				return;
			}
			try {
				await writeFile(join(folder, digest), input, { flag: 'wx', mode: 0o600 });
				files++;
				bytes += input.byteLength;
			} catch (cause) {
				// The same input again is kept already.
				if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return;
				left('write-failed', false, `${folder}: ${String(cause)}`);
			}
		},
	};
}
