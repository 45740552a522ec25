// Re-checks a session's facts against what the verdict was made from (design 4.4): nothing upstream is trusted.
import type { Facts } from '@affidavit/model/facts.ts';
import { chainStart, decodeFactBatch, factHead, sameHead } from '@affidavit/model/facts.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';

export type ChainStep = { kind: 'facts'; facts: Facts } | { kind: 'mismatch'; reason: string };
export type ChainEnd = { kind: 'whole' } | { kind: 'mismatch'; reason: string };

export interface FactChain {
	/** Takes the next batch in order. After a mismatch the chain is of no more use. */
	accept(bytes: Uint8Array): ChainStep;
	/** True when the verdict names no more batches: what follows came after it. */
	full(): boolean;
	end(): ChainEnd;
}

export function createFactChain(verdict: Verdict): FactChain {
	let previous: Uint8Array = chainStart;
	let count = 0;
	const mismatch = (reason: string): { kind: 'mismatch'; reason: string } => ({
		kind: 'mismatch',
		reason: `fact batch ${count}: ${reason}`,
	});
	return {
		full: () => count >= verdict.factBatches,
		accept(bytes) {
			let decoded: ReturnType<typeof decodeFactBatch>;
			try {
				decoded = decodeFactBatch(bytes);
			} catch {
				return mismatch('expected an encoded FactBatch');
			}
			const { link, facts } = decoded;
			if (link.session !== verdict.session) return mismatch('session: expected that of the verdict');
			if (link.sequence !== count) return mismatch(`sequence: expected ${count}, found ${link.sequence}`);
			if (!sameHead(link.previous, previous)) return mismatch('previous: expected the digest of the batch before');
			if (count === 0 && facts.opened === null) return mismatch('opened: expected in the first batch');
			previous = factHead(bytes);
			count++;
			return { kind: 'facts', facts };
		},
		end() {
			if (count !== verdict.factBatches)
				return { kind: 'mismatch', reason: `factBatches: expected ${verdict.factBatches} batches, found ${count}` };
			if (!sameHead(previous, verdict.factsHead))
				return { kind: 'mismatch', reason: 'factsHead: expected the digest of the last batch' };
			return { kind: 'whole' };
		},
	};
}
