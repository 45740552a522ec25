// Every bound of the manifest resolver, in one place.

export interface ManifestLimits {
	/** Files of one commit; more and there is no manifest. */
	filesMax: number;
	/** Bytes of all paths of one commit together. */
	pathBytesMax: number;
	/** Bytes of one file; larger ones are unresolved (`too-large`). */
	fileBytesMax: number;
	/** Bytes of all distinct contents of one commit; what goes over, in tree order, is unresolved (`too-large`). */
	blobBytesMax: number;
	/** Bytes that one location's cache may take on disk; a fetch that goes over is stopped. */
	cacheBytesMax: number;
	/** Cached locations; the least recently used goes first. */
	cachesMax: number;
	/** Known digests per location. */
	digestsMax: number;
	fetchMsMax: number;
	readMsMax: number;
	/** How long to wait for another process that works on the same cache. */
	lockMsMax: number;
	/** How long a failure is remembered before the location is asked again. */
	retryAfterMs: number;
	/** Manifests kept in memory. */
	manifestsMax: number;
}

const mebibyte = 1024 * 1024;

export const defaultManifestLimits: ManifestLimits = {
	filesMax: 200_000,
	pathBytesMax: 32 * mebibyte,
	fileBytesMax: 256 * mebibyte,
	blobBytesMax: 1024 * mebibyte,
	cacheBytesMax: 4096 * mebibyte,
	cachesMax: 64,
	digestsMax: 400_000,
	fetchMsMax: 300_000,
	readMsMax: 180_000,
	lockMsMax: 300_000,
	retryAfterMs: 60_000,
	manifestsMax: 4,
};
