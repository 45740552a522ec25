// Where a session's facts come from at its close. Judging reads them twice, so that a session of a million facts
// need not be in memory: the first pass finds what is suspicious, the second gathers only what concerns it.
import type { Facts } from '@affidavit/model/facts.ts';
import { chainStart, decodeFactBatch, factHead, sameHead } from '@affidavit/model/facts.ts';
import { DetectError } from './errors.ts';

export interface FactSource {
	/** The batches in order of their chain, from the first, at each call anew. */
	batches(): AsyncIterable<Facts> | Iterable<Facts>;
}

export const memoryFacts = (batches: readonly Facts[]): FactSource => ({ batches: () => batches });

export interface ChainEnd {
	/** sha256 of the last batch. */
	head: Uint8Array;
	batches: number;
}

/** The head of the chain that `read` yields, checked link by link. Throws DetectError('facts-mismatch') at the first that does not fit. */
export async function verifyChain(
	session: string,
	read: () => AsyncIterable<Uint8Array>,
	maxBatches = Number.POSITIVE_INFINITY,
): Promise<ChainEnd> {
	let end: ChainEnd = { head: chainStart, batches: 0 };
	for await (const { next } of walk(session, read, maxBatches)) end = next;
	return end;
}

/**
 * Facts read back from the store, verified on every pass against the head that the `session` topic gave.
 * Iterating throws DetectError('facts-mismatch') when they are not those facts.
 */
export function storedFacts(session: string, read: () => AsyncIterable<Uint8Array>, expected: ChainEnd): FactSource {
	return {
		async *batches() {
			let end: ChainEnd = { head: chainStart, batches: 0 };
			for await (const { facts, next } of walk(session, read, expected.batches)) {
				end = next;
				yield facts;
			}
			if (end.batches !== expected.batches || !sameHead(end.head, expected.head))
				throw new DetectError(
					'facts-mismatch',
					`session ${session}: the stored facts end at batch ${end.batches}; expected ${expected.batches} with the head of the chain`,
				);
		},
	};
}

/** True when `bytes` are the last batch of a stored chain that holds from its beginning. */
export async function endsChain(
	session: string,
	read: () => AsyncIterable<Uint8Array>,
	bytes: Uint8Array,
): Promise<boolean> {
	try {
		return sameHead((await verifyChain(session, read)).head, factHead(bytes));
	} catch (error) {
		if (error instanceof DetectError && error.code === 'facts-mismatch') return false;
		throw error;
	}
}

async function* walk(
	session: string,
	read: () => AsyncIterable<Uint8Array>,
	maxBatches: number,
): AsyncGenerator<{ facts: Facts; next: ChainEnd }> {
	let head: Uint8Array = chainStart;
	let batches = 0;
	if (maxBatches <= 0) return;
	for await (const bytes of read()) {
		const { link, facts } = decodeStored(session, bytes);
		if (link.session !== session || link.sequence !== batches || !sameHead(link.previous, head))
			throw new DetectError(
				'facts-mismatch',
				`session ${session}: stored batch ${batches} does not continue the chain`,
			);
		head = factHead(bytes);
		batches++;
		yield { facts, next: { head, batches } };
		// The store may be ahead of the topic: only what was announced is judged.
		if (batches >= maxBatches) return;
	}
}

function decodeStored(session: string, bytes: Uint8Array): ReturnType<typeof decodeFactBatch> {
	try {
		return decodeFactBatch(bytes);
	} catch (error) {
		throw new DetectError('facts-mismatch', `session ${session}: a stored batch cannot be decoded`, error);
	}
}
