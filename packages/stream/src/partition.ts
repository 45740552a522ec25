/**
 * The partition of a key: FNV-1a over the key's UTF-16 code units, then murmur3's finalizer. Every log uses this one
 * function (not the broker client's own), because a stage that lost its store must find its own outputs again.
 */
export function partitionOf(key: string, partitions: number): number {
	if (partitions === 1) return 0;
	let hash = 0x811c9dc5;
	for (let i = 0; i < key.length; i++) {
		const unit = key.charCodeAt(i);
		hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
		hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
	}
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
	return ((hash ^ (hash >>> 16)) >>> 0) % partitions;
}
