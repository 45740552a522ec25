// The detect stage: topic `session` in, `finding` and `verdict` out. The judging is in core/; here are chains, cells and edges.
import { findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { isSha256 } from '@affidavit/model/digests.ts';
import { emptyFacts, type FactChainLink, type Facts, factHead, isSighting } from '@affidavit/model/facts.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import { manifestBytes } from '@affidavit/model/manifest.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Blobs, LogRecord } from '@affidavit/stream/ports.ts';
import type { Stage, StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { closeSession } from './core/close-session.ts';
import { decodeBatch, refuse } from './core/dead-letters.ts';
import { type ChainEnd, endsChain } from './core/fact-source.ts';
import type { IndicatorSet } from './core/indicator-set.ts';
import { type DetectLimits, defaultLimits } from './core/limits.ts';
import { createLiveSessions, type ResolveManifest } from './core/live-sessions.ts';
import {
	checkLink,
	closedCell,
	encodeSession,
	type FactsHint,
	hintOf,
	newSession,
	restoreCells,
	type SessionState,
	sessionCell,
} from './core/session-state.ts';
import { createSnapshots } from './core/snapshots.ts';
import { emitArrived, emitLeads, forgetLeads } from './lead-output.ts';
import type { RuleSet } from './rules/rule-set.ts';
import { expireSighted, takeSighted, takeSighting } from './sightings.ts';
import type { Draft, Worker as WorkerOf } from './worker-state.ts';

export const detectStageName = 'detect';

export interface DetectStageDeps {
	rules: RuleSet;
	/** The indicators in force now; each verdict pins those that it was judged against. */
	indicators: () => IndicatorSet;
	resolveManifest: ResolveManifest;
	blobs: Pick<Blobs, 'put'>;
	/**
	 * The session's fact batches from the first, as correlate stored them (list `facts:SESSION` of its scope and partition).
	 * `hint`: where they lie, when the first of them told. `expected`: what topic `session` has told of them; the list may not reach that far while a lost store is being rebuilt.
	 */
	readFacts(session: string, hint: FactsHint | undefined, expected?: ChainEnd): AsyncIterable<Uint8Array>;
	limits?: Partial<DetectLimits>;
	emit: Emit;
}

export const createDetectStage = (deps: DetectStageDeps): Stage => ({
	name: detectStageName,
	input: 'session',
	outputs: ['finding', 'verdict'],
	open: async (_partition, cells) => openWorker(deps, cells),
});

type Worker = WorkerOf<DetectStageDeps>;

function openWorker(deps: DetectStageDeps, cells: Map<string, Uint8Array>): StageWorker {
	const limits: DetectLimits = { ...defaultLimits, ...deps.limits };
	const { sessions, sighted, closed } = restoreCells(cells);
	const readFacts: Worker['readFacts'] = (session, expected) =>
		deps.readFacts(session, hintOf(sessions.get(session)), expected);
	let leadsKept = 0;
	for (const state of [...sessions.values(), ...sighted.values()]) leadsKept += state.leads.size;
	const worker: Worker = {
		deps,
		limits,
		readFacts,
		live: createLiveSessions({ ...deps, readFacts, limits }),
		snapshots: createSnapshots(deps.blobs),
		sessions,
		sighted,
		closed,
		closedOrdinal: Math.max(0, ...closed.values()),
		leadsKept,
		rebuilt: false,
	};
	return { step: (records, replayed, rebuiltTo = 0) => step(worker, records, replayed, rebuiltTo) };
}

async function step(
	worker: Worker,
	records: readonly LogRecord[],
	replayed: boolean,
	rebuiltTo: number,
): Promise<StepResult> {
	const cells = new Map<string, Uint8Array | null>();
	const deadLetters: DeadLetter[] = [];
	const outputs: StepResult['outputs'] = [];
	let nextOffset = 0;
	worker.rebuilt ||= rebuiltTo > 0;
	for (const record of records) {
		const draft: Draft = { record, cells, deadLetters, records: [] };
		// What a restart needs is in the cells and in the stored facts: replayed records say nothing new.
		if (!replayed) {
			await takeRecord(worker, draft, rebuiltTo);
			await expireSighted(worker, draft);
		}
		if (draft.records.length > 0) outputs.push({ offset: record.offset, records: draft.records });
		nextOffset = record.offset + 1;
	}
	let rebuildOffset = nextOffset;
	for (const open of [worker.sessions, worker.sighted])
		for (const state of open.values()) rebuildOffset = Math.min(rebuildOffset, state.firstOffset);
	return { outputs, cells, appends: [], deadLetters, lowWaterOffset: nextOffset, rebuildOffset };
}

async function takeRecord(worker: Worker, draft: Draft, rebuiltTo: number): Promise<void> {
	const { deps, sessions } = worker;
	const { record } = draft;
	const decoded = decodeBatch(record.value);
	if (decoded.kind === 'error') return refuse(draft, deps.emit, 'fact-batch-undecodable', decoded.message, -1);
	const { link, facts } = decoded;
	const { session, watermarkUs } = link;
	if (!isSha256(session) || session !== record.key) {
		const message = 'session: expected the record key, a sha256 in hex';
		return refuse(draft, deps.emit, 'fact-batch-undecodable', message, -1);
	}
	if (isSighting(link)) return takeSighting(worker, draft, session, facts);
	if (worker.closed.has(session))
		return refuse(draft, deps.emit, 'late-facts', 'session: it is closed; expected no more facts', watermarkUs);
	if (link.sequence > 0 && record.offset < rebuiltTo && !sessions.has(session)) {
		// Begun before the low water and yet not open there: its verdict is out. Judging its end alone would give another.
		if (facts.closed) rememberClosed(worker, draft, session);
		return deps.emit({
			name: 'fact_batch_dropped',
			stage: detectStageName,
			reason: 'judged-before-store-loss',
			intentional: true,
			message: 'A fact batch belongs to a session that was judged before the store was lost.',
		});
	}
	const state = sessions.get(session) ?? (await openSession(worker, draft, link, facts));
	const chained = checkLink(state, link, record.value);
	if (chained.kind === 'duplicate')
		return deps.emit({
			name: 'fact_batch_dropped',
			stage: detectStageName,
			reason: 'duplicate',
			intentional: true,
			message: 'A fact batch came twice.',
		});
	if (chained.kind === 'broken') {
		refuse(draft, deps.emit, 'fact-chain-broken', chained.message, watermarkUs);
		state.gap ??= 'chain-broken';
	}
	if (chained.kind === 'continues' || chained.adopt) await advance(worker, draft, state, link, facts);
	// After a forged batch was taken the true end looks like a fork; the producer's own list tells it.
	else if (facts.closed && (await endsChain(session, () => worker.readFacts(session), record.value)))
		await close(worker, draft, state, facts);
	if (sessions.has(session)) draft.cells.set(sessionCell(session), encodeSession(state));
}

/** A new session; when too many are open, the oldest is judged as it is, incomplete. */
async function openSession(worker: Worker, draft: Draft, link: FactChainLink, facts: Facts): Promise<SessionState> {
	const { sessions, limits, deps } = worker;
	const oldest = sessions.size >= limits.openSessions ? sessions.values().next().value : undefined;
	if (oldest) {
		deps.emit({
			name: 'session_evicted',
			stage: detectStageName,
			reason: 'open-sessions',
			intentional: true,
			message: 'More sessions are open than the configured bound; the oldest is closed as incomplete.',
			detail: { session: oldest.session },
		});
		oldest.gap = 'state-evicted';
		await close(worker, draft, oldest, emptyFacts());
	}
	const { origin, offset } = draft.record;
	const state = takeSighted(worker, draft, link, facts) ?? newSession(link.session, offset);
	if (origin?.stage === 'correlate' && link.sequence === 0) {
		state.factsPartition = origin.partition;
		state.factsOffset = offset;
	}
	sessions.set(link.session, state);
	return state;
}

async function advance(
	worker: Worker,
	draft: Draft,
	state: SessionState,
	link: FactChainLink,
	facts: Facts,
): Promise<void> {
	if (link.sequence === 0 && facts.opened) state.opened = facts.opened;
	const one = await worker.live.get(state);
	worker.live.cache(one, facts);
	state.head = factHead(draft.record.value);
	state.next = link.sequence + 1;
	if (facts.closed) return close(worker, draft, state, facts);
	emitArrived(worker, draft, state, one);
	emitLeads(worker, draft, state, one.finder.add(facts));
}

async function close(worker: Worker, draft: Draft, state: SessionState, facts: Facts): Promise<void> {
	const { deps, live, snapshots } = worker;
	const { session } = state;
	const one = await live.get(state);
	const indicators = deps.indicators();
	const answer = await one.manifest;
	const { verdict, withdrawn, mismatch } = await closeSession({
		...deps,
		state,
		cached: state.gap === null ? one.cached : null,
		closing: facts,
		answer,
		readFacts: worker.readFacts,
		indicators,
		limits: worker.limits,
	});
	if (mismatch) refuse(draft, deps.emit, mismatch.code, mismatch.message, facts.closed?.timeUs ?? -1);
	// Before the commit: a verdict never names a snapshot that is not there.
	await snapshots.keep(deps.rules.digest, deps.rules.bytes);
	await snapshots.keep(indicators.digest, indicators.bytes);
	if (answer.manifest) await snapshots.keep(verdict.manifest, manifestBytes(answer.manifest).bytes);
	// Which leads left depends on when the manifest came: withdrawn ones go last, so that the others are outputs of the same
	// index also when a lost store makes them anew.
	const value = verdictCodec.encode({ ...verdict, factsHead: Buffer.from(verdict.factsHead) });
	draft.records.push({ topic: 'verdict', key: session, value });
	for (const finding of [...verdict.findings, ...withdrawn])
		draft.records.push({ topic: 'finding', key: session, value: findingCodec.encode(finding) });
	forget(worker, draft, state);
}

/** Of a closed session only its name stays, for a while: to tell late facts from a new session. */
function forget(worker: Worker, draft: Draft, state: SessionState): void {
	const { sessions, live } = worker;
	const { session } = state;
	forgetLeads(worker, draft, state);
	draft.cells.set(sessionCell(session), null);
	sessions.delete(session);
	live.drop(session);
	rememberClosed(worker, draft, session);
}

function rememberClosed(worker: Worker, draft: Draft, session: string): void {
	const { closed, limits } = worker;
	closed.set(session, ++worker.closedOrdinal);
	draft.cells.set(closedCell(session), Buffer.from(String(worker.closedOrdinal)));
	const oldest = closed.size > limits.closedSessions ? closed.keys().next().value : undefined;
	if (oldest === undefined) return;
	closed.delete(oldest);
	draft.cells.set(closedCell(oldest), null);
}
