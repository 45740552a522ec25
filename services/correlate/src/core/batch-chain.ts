// A host's chain of batches: duplicates, holes and forks (design 4, "Nothing upstream is trusted").
import type { UnpackedBatch } from '@affidavit/model/trace-event.ts';

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
	/** Newest `observedUs` of any batch taken; -1 before. No batch that was taken can say more. */
	newestUs: number;
	/** The newest refused batch that was no duplicate, if the chain has not moved since: what it was continued by may be the host's true chain. */
	branch: Branch | null;
	/** Boots that are over, newest last: a batch of one is a replay. */
	endedBoots: string[];
}

interface Branch {
	/** Sequence and `previous` that continue it. */
	next: number;
	head: string;
	/** Refused batches that continue each other. */
	count: number;
}

/** Where a batch of a host's chain belongs. `fork`: its place is taken by another one, or what it names is not what is there. */
export type ChainVerdict =
	/** `missing`: the chain begins in its middle. */
	| { kind: 'start'; missing: boolean }
	| { kind: 'next' }
	/** Batches are missing before it. */
	| { kind: 'hole'; hole: Hole }
	/** One that was missing. */
	| { kind: 'fills'; hole: Hole }
	| { kind: 'duplicate'; reason: 'duplicate' | 'ended-boot' }
	| { kind: 'fork'; message: string }
	/** The branch has gone on for so long that it is the host's chain now (its agent came back from an old disk, or began anew). */
	| { kind: 'adopts' };

/** Where and when a batch is judged. */
export interface JudgedAt {
	newBoot: boolean;
	/** From a running host, not from a recording. */
	live: boolean;
	/** A live batch that claims to come after the chain's end must not be observed before this. */
	staleUs: number;
	/** The event-time interval that batches before it may cover, if there are any. */
	missing: { fromUs: number; toUs: number };
}

const recentMax = 64;
const holesMax = 256;
const endedBootsMax = 16;
/** Refused batches in a row that make a branch the chain. */
const branchMin = 3;
const startPrevious = '0'.repeat(64);

export const createBatchChain = (): BatchChain => ({
	next: -1,
	head: '',
	recent: new Map(),
	holes: [],
	first: '',
	ended: false,
	newestUs: -1,
	branch: null,
	endedBoots: [],
});

/** Enough to tell a duplicate from a fork: only the host itself could look for a collision. */
export const shortDigestLength = 16;
const shortDigest = (digest: string): string => digest.slice(0, shortDigestLength);

const hex = (bytes: Uint8Array): string =>
	Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

export function judge(chain: BatchChain, batch: UnpackedBatch, digest: Uint8Array, at: JudgedAt): ChainVerdict {
	const previous = hex(batch.previous);
	const own = hex(digest);
	const { sequence } = batch;
	if (chain.next === -1) return { kind: 'start', missing: sequence > 0 };
	if (sequence === 0 && (at.newBoot || chain.ended)) {
		if (own === chain.first) return { kind: 'duplicate', reason: 'duplicate' };
		if (at.live && chain.endedBoots.includes(batch.boot)) return { kind: 'duplicate', reason: 'ended-boot' };
		if (previous === startPrevious) return { kind: 'start', missing: false };
	}
	if (sequence === chain.next) {
		if (previous === chain.head) return { kind: 'next' };
		return forkOrBranch(chain, batch, previous, 'previous: not the digest of the batch before');
	}
	if (at.live && at.newBoot && chain.endedBoots.includes(batch.boot))
		return { kind: 'duplicate', reason: 'ended-boot' };
	if (sequence > chain.next) {
		if (at.live && batch.observedUs < at.staleUs)
			return fork(sequence, 'it is older than the batches that it should come after');
		const hole: Hole = { from: chain.next, to: sequence - 1, before: chain.head, after: previous, ...at.missing };
		return { kind: 'hole', hole };
	}
	return judgePast(chain, batch, previous, own, at);
}

/** A batch with a sequence that the chain has passed. */
function judgePast(chain: BatchChain, batch: UnpackedBatch, previous: string, own: string, at: JudgedAt): ChainVerdict {
	const { sequence } = batch;
	for (const hole of chain.holes) {
		if (sequence < hole.from || sequence > hole.to) continue;
		// What was missing belonged to a boot that is over: its sessions have the gap.
		if (at.newBoot) return { kind: 'duplicate', reason: 'ended-boot' };
		if (sequence === hole.from && hole.before !== '' && previous !== hole.before)
			return fork(sequence, 'previous: not the digest of the batch before');
		if (sequence === hole.to && hole.after !== '' && own !== hole.after)
			return fork(sequence, 'the batch after names another digest');
		return { kind: 'fills', hole };
	}
	const known = chain.recent.get(sequence);
	if (known === shortDigest(own)) return { kind: 'duplicate', reason: 'duplicate' };
	// Of an older batch the digest is forgotten. One that was observed later than all that were taken is not among them.
	if (known === undefined && batch.observedUs <= chain.newestUs) return { kind: 'duplicate', reason: 'duplicate' };
	return forkOrBranch(chain, batch, previous, 'another batch has this sequence');
}

function forkOrBranch(chain: BatchChain, batch: UnpackedBatch, previous: string, message: string): ChainVerdict {
	const { branch } = chain;
	const continues = branch !== null && branch.next === batch.sequence && branch.head === previous;
	return continues && branch.count >= branchMin ? { kind: 'adopts' } : fork(batch.sequence, message);
}

const fork = (sequence: number, message: string): ChainVerdict => ({
	kind: 'fork',
	message: `sequence ${sequence}: ${message}`,
});

/** Remembers a refused batch: several that continue each other are a branch. */
export function refuse(chain: BatchChain, batch: UnpackedBatch, digest: Uint8Array): void {
	const { branch } = chain;
	const continues = branch !== null && branch.next === batch.sequence && branch.head === hex(batch.previous);
	const count = continues ? branch.count + 1 : 1;
	chain.branch = { next: batch.sequence + 1, head: hex(digest), count };
}

/** A boot that another one has followed. */
export function endBoot(chain: BatchChain, boot: string): void {
	if (chain.endedBoots.includes(boot)) return;
	chain.endedBoots.push(boot);
	if (chain.endedBoots.length > endedBootsMax) chain.endedBoots.shift();
}

/** Moves the chain on after a verdict that accepts the batch; returns the holes that are given up. */
export function accept(chain: BatchChain, batch: UnpackedBatch, digest: Uint8Array, verdict: ChainVerdict): Hole[] {
	const own = hex(digest);
	const givenUp: Hole[] = [];
	switch (verdict.kind) {
		case 'start':
		case 'adopts':
			if (verdict.kind === 'adopts') givenUp.push(...chain.holes);
			chain.recent.clear();
			chain.holes = [];
			chain.first = own;
			advance(chain, batch, own);
			break;
		case 'next':
			advance(chain, batch, own);
			break;
		case 'hole':
			if (chain.holes.length >= holesMax) givenUp.push(chain.holes.shift() as Hole);
			chain.holes.push(verdict.hole);
			advance(chain, batch, own);
			break;
		case 'fills':
			fill(chain, verdict.hole, batch, own);
			remember(chain, batch.sequence, own);
			break;
		case 'duplicate':
		case 'fork':
			return givenUp;
	}
	if (batch.observedUs > chain.newestUs) chain.newestUs = batch.observedUs;
	if (batch.endOfInput) chain.ended = true;
	return givenUp;
}

function advance(chain: BatchChain, batch: UnpackedBatch, own: string): void {
	chain.next = batch.sequence + 1;
	chain.head = own;
	chain.ended = false;
	chain.branch = null;
	remember(chain, batch.sequence, own);
}

function remember(chain: BatchChain, sequence: number, own: string): void {
	chain.recent.set(sequence, shortDigest(own));
	if (chain.recent.size > recentMax) chain.recent.delete(chain.recent.keys().next().value as number);
}

function fill(chain: BatchChain, hole: Hole, batch: UnpackedBatch, own: string): void {
	const at = chain.holes.indexOf(hole);
	const parts: Hole[] = [];
	if (batch.sequence > hole.from) parts.push({ ...hole, to: batch.sequence - 1, after: hex(batch.previous) });
	if (batch.sequence < hole.to) parts.push({ ...hole, from: batch.sequence + 1, before: own });
	chain.holes.splice(at, 1, ...parts);
}
