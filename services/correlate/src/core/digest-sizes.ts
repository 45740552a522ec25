// Which size a digest has on the host's other inodes: a digest that the sensor put on another file's event shows a size
// that is not its own (design 7). Bounded: two generations, the older dropped whole.

/** One distinct (device, inode, size) seen with a digest. */
export interface Sighting {
	dev: number;
	ino: string;
	size: number;
}

/** A digest of one file mostly: the first sighting stands for itself, the others are rare. */
interface Sightings extends Sighting {
	more: Sighting[] | null;
}

/** Distinct inodes remembered per digest. */
const sightingsMax = 8;

export interface DigestSizes {
	young: Map<string, Sightings>;
	old: Map<string, Sightings>;
	/** Rises when the older generation is dropped. */
	generation: number;
	/** Event time since when the younger generation is known to be there; -1 before it was looked at. */
	youngUs: number;
	/** Digests that the bound has dropped since this was told last. */
	dropped: number;
	/** Sightings added since the last snapshot, and by which generation. */
	added: { generation: number; digest: string; sighting: Sighting }[];
}

export const createDigestSizes = (): DigestSizes => ({
	young: new Map(),
	old: new Map(),
	generation: 0,
	youngUs: -1,
	dropped: 0,
	added: [],
});

/**
 * Notes a sighting and returns the majority size over other inodes where it differs from `size`, else -1.
 * Ties are for the size seen first; an own earlier sighting of the same size counts as one voice against.
 */
export function sight(
	table: DigestSizes,
	digest: string,
	dev: number,
	ino: string,
	size: number,
	digestsMax: number,
): number {
	const known = table.young.get(digest) ?? promote(table, digest, digestsMax);
	if (known === undefined) {
		put(table, digest, { dev, ino, size }, digestsMax);
		return -1;
	}
	if (known.more === null) {
		if (known.ino === ino && known.dev === dev) {
			if (known.size !== size) addMore(table, digest, known, { dev, ino, size });
			return -1;
		}
		addMore(table, digest, known, { dev, ino, size });
		return known.size === size ? -1 : known.size;
	}
	const { own, otherSize } = judge(known, dev, ino, size);
	if (own === 0) addMore(table, digest, known, { dev, ino, size });
	return otherSize;
}

/** What `sight` would return, with nothing noted. */
export function peek(table: DigestSizes, digest: string, dev: number, ino: string, size: number): number {
	const known = table.young.get(digest) ?? table.old.get(digest);
	return known === undefined ? -1 : judge(known, dev, ino, size).otherSize;
}

function judge(known: Sightings, dev: number, ino: string, size: number): { own: number; otherSize: number } {
	const all: Sighting[] = [known, ...(known.more ?? [])];
	let own = 0;
	for (const s of all) if (s.dev === dev && s.ino === ino && s.size === size) own = 1;
	let best = -1;
	let bestVoices = 0;
	let ownVoices = own;
	for (const s of all) {
		if (s.dev === dev && s.ino === ino) continue;
		if (s.size === size) {
			ownVoices++;
			continue;
		}
		let voices = 0;
		for (const t of all) if (t.size === s.size && (t.dev !== dev || t.ino !== ino)) voices++;
		if (voices > bestVoices) {
			best = s.size;
			bestVoices = voices;
		}
	}
	return { own, otherSize: bestVoices > ownVoices ? best : -1 };
}

function addMore(table: DigestSizes, digest: string, known: Sightings, sighting: Sighting): void {
	if (known.more === null) known.more = [sighting];
	else if (known.more.length < sightingsMax - 1) known.more.push(sighting);
	else return;
	table.added.push({ generation: table.generation, digest, sighting });
}

function promote(table: DigestSizes, digest: string, digestsMax: number): Sightings | undefined {
	const known = table.old.get(digest);
	if (known === undefined) return undefined;
	put(table, digest, known, digestsMax);
	const moved = table.young.get(digest) as Sightings;
	for (const s of known.more ?? []) addMore(table, digest, moved, s);
	return moved;
}

function put(table: DigestSizes, digest: string, sighting: Sighting, digestsMax: number): void {
	if (table.young.size >= digestsMax / 2) table.dropped += rotate(table);
	const { dev, ino, size } = sighting;
	table.young.set(digest, { dev, ino, size, more: null });
	table.added.push({ generation: table.generation, digest, sighting: { dev, ino, size } });
}

/** Returns how many digests are gone with the older generation. */
function rotate(table: DigestSizes): number {
	const gone = table.old.size;
	table.old = table.young;
	table.young = new Map();
	table.youngUs = -1;
	table.generation++;
	return gone;
}

/** Drops what was not seen for at least `ageUs`, and at most twice as long. Returns how many digests. */
export function forgetSizes(table: DigestSizes, nowUs: number, ageUs: number): number {
	if (table.youngUs === -1) table.youngUs = nowUs;
	return nowUs - table.youngUs < ageUs ? 0 : rotate(table);
}

/** Puts a remembered sighting back; `generation` is the one it was added in. */
export function restoreSighting(table: DigestSizes, generation: number, digest: string, sighting: Sighting): void {
	const map = generation === table.generation ? table.young : table.old;
	const known = map.get(digest);
	if (known === undefined) map.set(digest, { ...sighting, more: null });
	else if (known.more === null) known.more = [sighting];
	else known.more.push(sighting);
}
