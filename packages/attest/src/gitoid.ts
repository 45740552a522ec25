import { createHash } from 'node:crypto';

/** Archivista's name of an envelope: hex sha256 over "blob <length>\0" and the bytes as uploaded, without the `gitoid:blob:sha256:` prefix. */
export const gitoid = (bytes: Uint8Array): string =>
	createHash('sha256').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
