// The close of a session: finds facts that can be trusted, judges them, and says what became of the leads.

import { findingCodec } from '@affidavit/model/codec.ts';
import type { Facts } from '@affidavit/model/facts.ts';
import type { GapFact, OpenedFact } from '@affidavit/model/generated/session.ts';
import type { Finding, Verdict } from '@affidavit/model/generated/verdict.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { DetectError } from './errors.ts';
import { type ChainEnd, type FactSource, memoryFacts, storedFacts, verifyChain } from './fact-source.ts';
import type { IndicatorSet } from './indicator-set.ts';
import { judgeSession } from './judge-session.ts';
import type { DetectLimits } from './limits.ts';
import type { ManifestAnswer } from './live-sessions.ts';
import { hintOf, type SessionState } from './session-state.ts';

export interface CloseInput {
	state: SessionState;
	/** All batches of the session, the closing one too; null when they must be read back. */
	cached: readonly Facts[] | null;
	/** The batch that holds the closed fact. */
	closing: Facts;
	answer: ManifestAnswer;
	readFacts(session: string, expected?: ChainEnd): AsyncIterable<Uint8Array>;
	rules: RuleSet;
	indicators: IndicatorSet;
	limits: DetectLimits;
	emit: Emit;
}

export interface Closed {
	verdict: Verdict;
	/** Leads that the close does not confirm. */
	withdrawn: Finding[];
	/** Set when the stored facts are not those of the chain: the session was judged without them. */
	mismatch: DetectError | null;
}

export async function closeSession(input: CloseInput): Promise<Closed> {
	const { state } = input;
	const expected: ChainEnd = { head: state.head, batches: state.next };
	const read = (end?: ChainEnd): AsyncIterable<Uint8Array> => input.readFacts(state.session, end);
	try {
		if (state.gap === null) {
			const source = input.cached
				? memoryFacts(input.cached)
				: storedFacts(state.session, () => read(expected), expected);
			return await judged(input, source, expected, []);
		}
		// The topic's chain has a hole; the producer's own list may still be whole.
		const end = await verifyChain(state.session, read);
		return await judged(
			input,
			storedFacts(state.session, () => read(end), end),
			end,
			[chainGap(input)],
		);
	} catch (error) {
		if (!(error instanceof DetectError) || error.code !== 'facts-mismatch') throw error;
		const known: Facts = { ...input.closing, files: [] };
		const closed = await judged(input, memoryFacts([known]), expected, [chainGap(input)]);
		// Nothing was judged that could refute a lead.
		return { ...closed, withdrawn: [], mismatch: error };
	}
}

async function judged(input: CloseInput, facts: FactSource, end: ChainEnd, gaps: GapFact[]): Promise<Closed> {
	const { state, answer } = input;
	const verdict = await judgeSession({
		session: state.session,
		opened: state.opened ?? (await openedOf(facts)),
		facts,
		manifest: answer.manifest,
		manifestNote: answer.note,
		manifestDeclared: answer.declared === true,
		rules: input.rules,
		indicators: input.indicators,
		limits: input.limits,
		gaps,
		pins: { factsList: `facts:${state.session}`, factsHead: end.head, factBatches: end.batches },
		hint: hintOf(state),
		emit: input.emit,
	});
	const confirmed = new Set(verdict.findings.map((f) => f.id));
	const withdrawn: Finding[] = [];
	for (const [id, bytes] of state.leads)
		if (!confirmed.has(id)) withdrawn.push({ ...findingCodec.decode(bytes), state: 'withdrawn' });
	return { verdict, withdrawn, mismatch: null };
}

async function openedOf(facts: FactSource): Promise<OpenedFact | null> {
	for await (const batch of facts.batches()) return batch.opened;
	return null;
}

const chainGap = ({ state, closing }: CloseInput): GapFact => ({
	cause: state.gap ?? 'chain-broken',
	detail: 'fact chain',
	fromUs: state.opened?.timeUs ?? 0,
	toUs: closing.closed?.timeUs ?? 0,
	count: -1,
});
