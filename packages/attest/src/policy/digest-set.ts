// Digest sets as go-witness compares them (cryptoutil/digestset.go).

/** Algorithm → digest, as it stands in the JSON. */
export type DigestSet = Readonly<Record<string, string>>;

/** Digest size in bytes of the algorithms that go-witness knows; any other makes it refuse the whole file. */
const sizes: ReadonlyMap<string, number> = new Map([
	['sha256', 32],
	['sha1', 20],
	['gitoid:sha256', 32],
	['gitoid:sha1', 20],
	['dirHash', 32],
]);

export const isKnownAlgorithm = (name: string): boolean => sizes.has(name);

/**
 * Equal when an algorithm of the largest size found on either side is shared, and no shared one differs: a side cannot
 * drop its strong digest to be compared by a weak one.
 */
export function equalDigestSets(a: DigestSet, b: DigestSet): boolean {
	// Nearly every set is this one, and steps with many files are compared with each other.
	if (isOnlySha256(a) && isOnlySha256(b)) return a['sha256'] === b['sha256'];
	const sizeMax = Math.max(largest(a), largest(b));
	let strongestShared = false;
	for (const name of Object.keys(a)) {
		const other = Object.hasOwn(b, name) ? b[name] : undefined;
		if (other === undefined) continue;
		if (other !== a[name]) return false;
		if (sizes.get(name) === sizeMax) strongestShared = true;
	}
	return strongestShared;
}

function isOnlySha256(set: DigestSet): boolean {
	let only = false;
	for (const name in set) {
		if (name !== 'sha256') return false;
		only = true;
	}
	return only;
}

function largest(set: DigestSet): number {
	let size = -1;
	for (const name of Object.keys(set)) size = Math.max(size, sizes.get(name) ?? -1);
	return size;
}

/** Text for people: the strongest digest of a set. */
export function describeDigests(set: DigestSet): string {
	let best = '';
	for (const name of Object.keys(set)) if (best === '' || (sizes.get(name) ?? 0) > (sizes.get(best) ?? 0)) best = name;
	return best === '' ? 'no digest' : `${best}:${set[best]}`;
}
