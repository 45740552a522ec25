// What the repository holds at one commit. Made by services/detect, snapshotted by digest, read again by services/sign.
import { canonicalJson, sha256Hex } from './digests.ts';

export interface ManifestFile {
	/** sha256 of the content, hex. */
	sha256: string;
	/** Bytes. */
	size: number;
}

export interface Manifest {
	version: 1;
	/** Name that the build claimed (GITHUB_REPOSITORY, ...) and that configuration maps to a location. */
	repository: string;
	/** Full commit id. */
	commit: string;
	/** Key: path from the repository's root, '/'-separated. */
	files: Record<string, ManifestFile>;
	/** Paths whose content in a work tree cannot be known from the repository alone, with the reason (lfs, submodule, eol-filter, symlink, too-large). */
	unresolved: Record<string, string>;
}

/** Canonical bytes of a manifest and their sha256 (hex): what a verdict pins. */
export function manifestBytes(manifest: Manifest): { bytes: Uint8Array; digest: string } {
	const text = canonicalJson(manifest);
	return { bytes: Buffer.from(text), digest: sha256Hex(text) };
}
