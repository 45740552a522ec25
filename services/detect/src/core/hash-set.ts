// Counts distinct strings in a few bytes each: 53-bit hashes in an open-addressed table, no string kept.
// One million paths take 16 MB; a collision (1 in 10^4 for a million) makes the count one too low.

const initialSlots = 1 << 10;

export interface DistinctCounter {
	add(text: string): void;
	readonly size: number;
}

/** Two independent 32-bit lanes of multiply-xor mixing, joined to an integer in (0, 2^53). */
function hash53(text: string): number {
	let a = 0x2545f491;
	let b = 0x9e3779b9;
	for (let i = 0; i < text.length; i++) {
		const c = text.charCodeAt(i);
		a = Math.imul(a ^ c, 0x01000193);
		a ^= a >>> 15;
		b = Math.imul(b + c, 0x85ebca6b);
		b ^= b >>> 13;
	}
	a = Math.imul(a ^ (b >>> 7), 0xc2b2ae35);
	b = Math.imul(b ^ (a >>> 9), 0x27d4eb2f);
	// 0 marks a free slot.
	return (b & 0x1fffff) * 0x100000000 + (a >>> 0) || 1;
}

export function createDistinctCounter(): DistinctCounter {
	let table = new Float64Array(initialSlots);
	let used = 0;
	const insert = (into: Float64Array, hash: number): boolean => {
		const mask = into.length - 1;
		let slot = (hash % 0x100000000) & mask;
		for (;;) {
			const found = into[slot];
			if (found === hash) return false;
			if (found === 0) {
				into[slot] = hash;
				return true;
			}
			slot = (slot + 1) & mask;
		}
	};
	const grow = (): void => {
		const larger = new Float64Array(table.length * 2);
		for (const hash of table) if (hash !== 0) insert(larger, hash);
		table = larger;
	};
	return {
		add(text) {
			if (!insert(table, hash53(text))) return;
			used++;
			if (used * 4 > table.length * 3) grow();
		},
		get size() {
			return used;
		},
	};
}
