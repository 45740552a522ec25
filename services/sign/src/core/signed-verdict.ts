import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import type { OrderedFacts } from './held-facts.ts';

/** The verdict as it is sworn to: facts that the signer had to drop are loss like any other. */
export const signedVerdict = (verdict: Verdict, facts: OrderedFacts): Verdict['verdict'] =>
	verdict.verdict === 'passed' && facts.dropped > 0 ? 'incomplete' : verdict.verdict;
