import { createHash } from 'node:crypto';

/** Archivista's name of an envelope: hex sha256 over "blob <length>\0" and the bytes as uploaded, without the `gitoid:blob:sha256:` prefix. */
export const gitoid = (bytes: Uint8Array): string => gitoidOfPieces([bytes]);

/** The same over bytes in pieces. */
export function gitoidOfPieces(pieces: readonly Uint8Array[]): string {
	const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
	const hash = createHash('sha256').update(`blob ${length}\0`);
	for (const piece of pieces) hash.update(piece);
	return hash.digest('hex');
}
