// Which member works on which partitions. Even, and a member keeps what it has: a partition that moves costs its new member a load
// of the whole state. Members say what they have when they join. Pure.

export interface AssigningMember {
	memberId: string;
	/** What it says it has; may be wrong. */
	owned: readonly number[];
}

/** Every partition to one member; shares differ by one at most. The same for the same input, in whatever order. */
export function assignPartitions(members: readonly AssigningMember[], partitions: number): Map<string, number[]> {
	const shares = new Map<string, number[]>();
	if (members.length === 0) return shares;
	const taken = new Array<boolean>(partitions).fill(false);
	const least = Math.floor(partitions / members.length);
	let larger = partitions % members.length;
	// Those who have most keep most: a share that is larger by one goes to whom it costs nothing.
	const byOwned = [...members].sort((a, b) => b.owned.length - a.owned.length || (a.memberId < b.memberId ? -1 : 1));
	for (const { memberId, owned } of byOwned) {
		const kept: number[] = [];
		for (const partition of [...new Set(owned)].sort((a, b) => a - b)) {
			if (!Number.isInteger(partition) || partition < 0 || partition >= partitions || taken[partition]) continue;
			if (kept.length > least || (kept.length === least && larger === 0)) break;
			if (kept.length === least) larger -= 1;
			kept.push(partition);
			taken[partition] = true;
		}
		shares.set(memberId, kept);
	}
	for (let partition = 0; partition < partitions; partition++) {
		if (taken[partition]) continue;
		const [share] = [...shares.values()].sort((a, b) => a.length - b.length);
		share?.push(partition);
	}
	for (const share of shares.values()) share.sort((a, b) => a - b);
	return shares;
}

const ownedMax = 1024;

export function encodeOwned(partitions: readonly number[]): Buffer {
	const bytes = Buffer.alloc(partitions.length * 4);
	partitions.forEach((partition, i) => {
		bytes.writeInt32BE(partition, i * 4);
	});
	return bytes;
}

/** Another member's word: anything that is no list of partitions is as good as none. */
export function decodeOwned(bytes: Buffer): number[] {
	if (bytes.length % 4 !== 0 || bytes.length > ownedMax * 4) return [];
	return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32BE(i * 4));
}
