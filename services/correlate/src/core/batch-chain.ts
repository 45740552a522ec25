// A host's chain of batches: duplicates, holes and forks (design 4, "Nothing upstream is trusted").
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';

/** Batches that are missing so far, and what is known of their neighbours. */
export interface Hole {
	/** Sequence numbers, both included. */
	from: number;
	to: number;
	/** Digest that batch `from` must name as `previous`, and that batch `to` must have (hex). */
	before: string;
	after: string;
	/** Event-time interval that the missing batches may cover. */
	fromUs: number;
	toUs: number;
}

export interface BatchChain {
	/** Sequence of the next batch; -1 before the first. */
	next: number;
	/** Digest of batch `next - 1`, hex. */
	head: string;
	/** Digests of the newest batches by sequence, to tell a duplicate from a fork. */
	recent: Map<number, string>;
	holes: Hole[];
	/** Digest of the first batch of the chain, hex. */
	first: string;
	/** True after the last batch of a recorded file: another recording may start at 0. */
	ended: boolean;
}

export type ChainVerdict =
	| { kind: 'next' }
	/** The first batch seen of this host, or of a new boot or recording. */
	| { kind: 'start' }
	| { kind: 'fills'; hole: Hole }
	| { kind: 'hole'; hole: Hole }
	| { kind: 'duplicate' }
	| { kind: 'fork'; message: string };

const recentMax = 128;
const holesMax = 256;
const startPrevious = '0'.repeat(64);

export const createBatchChain = (): BatchChain => ({
	next: -1,
	head: '',
	recent: new Map(),
	holes: [],
	first: '',
	ended: false,
});

/** Enough to tell a duplicate from a fork: only the host itself could look for a collision. */
const shortDigest = (digest: string): string => digest.slice(0, 16);

const hex = (bytes: Uint8Array): string =>
	Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** Where a batch belongs. `missing`: the event-time interval that batches before it may cover, if there are any. */
export function judge(
	chain: BatchChain,
	batch: TraceBatch,
	digest: Uint8Array,
	newBoot: boolean,
	missing: { fromUs: number; toUs: number },
): ChainVerdict {
	const previous = hex(batch.previous);
	const own = hex(digest);
	const { sequence } = batch;
	if (chain.next === -1) return { kind: 'start' };
	if (sequence === 0 && (newBoot || chain.ended)) {
		if (own === chain.first) return { kind: 'duplicate' };
		if (previous === startPrevious) return { kind: 'start' };
	}
	if (sequence === chain.next)
		return previous === chain.head ? { kind: 'next' } : fork(sequence, 'previous: not the digest of the batch before');
	if (sequence > chain.next) {
		const hole: Hole = {
			from: chain.next,
			to: sequence - 1,
			before: chain.head,
			after: previous,
			...missing,
		};
		return { kind: 'hole', hole };
	}
	for (const hole of chain.holes) {
		if (sequence < hole.from || sequence > hole.to) continue;
		if (sequence === hole.from && hole.before !== '' && previous !== hole.before)
			return fork(sequence, 'previous: not the digest of the batch before');
		if (sequence === hole.to && hole.after !== '' && own !== hole.after)
			return fork(sequence, 'the batch after names another digest');
		return { kind: 'fills', hole };
	}
	const known = chain.recent.get(sequence);
	return known === undefined || known === shortDigest(own)
		? { kind: 'duplicate' }
		: fork(sequence, 'another batch has this sequence');
}

const fork = (sequence: number, message: string): ChainVerdict => ({
	kind: 'fork',
	message: `sequence ${sequence}: ${message}`,
});

/** Moves the chain on after a verdict that accepts the batch; returns a hole that is given up because there are too many. */
export function accept(chain: BatchChain, batch: TraceBatch, digest: Uint8Array, verdict: ChainVerdict): Hole | null {
	const own = hex(digest);
	let givenUp: Hole | null = null;
	switch (verdict.kind) {
		case 'start':
			chain.recent.clear();
			chain.holes = [];
			chain.first = own;
			advance(chain, batch, own);
			break;
		case 'next':
			advance(chain, batch, own);
			break;
		case 'hole':
			if (chain.holes.length >= holesMax) givenUp = chain.holes.shift() ?? null;
			chain.holes.push(verdict.hole);
			advance(chain, batch, own);
			break;
		case 'fills':
			fill(chain, verdict.hole, batch, own);
			remember(chain, batch.sequence, own);
			break;
		case 'duplicate':
		case 'fork':
			break;
	}
	if (batch.endOfInput) chain.ended = true;
	return givenUp;
}

function advance(chain: BatchChain, batch: TraceBatch, own: string): void {
	chain.next = batch.sequence + 1;
	chain.head = own;
	chain.ended = false;
	remember(chain, batch.sequence, own);
}

function remember(chain: BatchChain, sequence: number, own: string): void {
	chain.recent.set(sequence, shortDigest(own));
	if (chain.recent.size > recentMax) chain.recent.delete(chain.recent.keys().next().value as number);
}

function fill(chain: BatchChain, hole: Hole, batch: TraceBatch, own: string): void {
	const at = chain.holes.indexOf(hole);
	const parts: Hole[] = [];
	if (batch.sequence > hole.from) parts.push({ ...hole, to: batch.sequence - 1, after: hex(batch.previous) });
	if (batch.sequence < hole.to) parts.push({ ...hole, from: batch.sequence + 1, before: own });
	chain.holes.splice(at, 1, ...parts);
}
