// The detect stage: topic `session` in, `finding` and `verdict` out. The judging is in core/; here are chains, cells and edges.
import { findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { isSha256, sha256Hex } from '@affidavit/model/digests.ts';
import { decodeFactBatch, type FactChainLink, type Facts, factHead } from '@affidavit/model/facts.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Finding } from '@affidavit/model/generated/verdict.ts';
import { manifestBytes } from '@affidavit/model/manifest.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Blobs, LogRecord, OutRecord } from '@affidavit/stream/ports.ts';
import type { Stage, StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { closeSession } from './core/close-session.ts';
import type { DetectErrorCode } from './core/errors.ts';
import type { IndicatorSet } from './core/indicator-set.ts';
import { type DetectLimits, defaultLimits } from './core/limits.ts';
import { createLiveSessions, type LiveSession, type ResolveManifest } from './core/live-sessions.ts';
import {
	checkLink,
	closedCell,
	encodeSession,
	leadCell,
	newSession,
	restoreCells,
	type SessionState,
	sessionCell,
} from './core/session-state.ts';
import type { RuleSet } from './rules/rule-set.ts';

export const detectStageName = 'detect';

export interface DetectStageDeps {
	rules: RuleSet;
	/** The indicators in force now; each verdict pins those that it was judged against. */
	indicators: () => IndicatorSet;
	resolveManifest: ResolveManifest;
	blobs: Pick<Blobs, 'put'>;
	/** The session's fact batches from the first, as correlate stored them (list `facts:SESSION` of its scope and partition). */
	readFacts(session: string, partition: number): AsyncIterable<Uint8Array>;
	limits?: Partial<DetectLimits>;
	emit: Emit;
}

export const createDetectStage = (deps: DetectStageDeps): Stage => ({
	name: detectStageName,
	input: 'session',
	outputs: ['finding', 'verdict'],
	open: async (partition, cells) => createWorker(deps, partition, cells),
});

/** What one step gathers; the runner makes it durable in one commit. */
interface StepDraft {
	cells: Map<string, Uint8Array | null>;
	deadLetters: DeadLetter[];
	records: OutRecord[];
}

function createWorker(deps: DetectStageDeps, partition: number, cells: Map<string, Uint8Array>): StageWorker {
	const limits: DetectLimits = { ...defaultLimits, ...deps.limits };
	const { sessions, closed } = restoreCells(cells);
	const readFacts = (session: string): AsyncIterable<Uint8Array> => deps.readFacts(session, partition);
	const live = createLiveSessions({ ...deps, readFacts, limits });
	const snapshots = createSnapshots(deps.blobs);
	let leadsKept = [...sessions.values()].reduce((sum, s) => sum + s.leads.size, 0);
	let closedOrdinal = Math.max(0, ...closed.values());

	const refuse = (
		draft: StepDraft,
		record: LogRecord,
		code: DetectErrorCode,
		message: string,
		timeUs: number,
	): void => {
		draft.deadLetters.push(deadLetter(record, code, message, timeUs));
		deps.emit({
			name: 'fact_batch_refused',
			stage: detectStageName,
			reason: code,
			intentional: false,
			message: `A fact batch goes to the dead letters: ${message}.`,
			detail: { session: record.key, offset: record.offset },
		});
	};

	const rememberClosed = (draft: StepDraft, session: string): void => {
		closed.set(session, ++closedOrdinal);
		draft.cells.set(closedCell(session), Buffer.from(String(closedOrdinal)));
		const oldest = closed.size > limits.closedSessions ? closed.keys().next().value : undefined;
		if (oldest === undefined) return;
		closed.delete(oldest);
		draft.cells.set(closedCell(oldest), null);
	};

	const emitLeads = (draft: StepDraft, state: SessionState, leads: readonly Finding[]): void => {
		for (const lead of leads) {
			if (leadsKept >= limits.leadsTotal) {
				deps.emit({
					name: 'lead_dropped',
					stage: detectStageName,
					reason: 'partition-limit',
					intentional: true,
					message: 'The open sessions of a partition have more leads than the configured bound.',
					detail: { session: state.session, rule: lead.rule },
				});
				continue;
			}
			const bytes = findingCodec.encode(lead);
			leadsKept++;
			state.leads.set(lead.id, bytes);
			draft.cells.set(leadCell(state.session, lead.id), bytes);
			draft.records.push({ topic: 'finding', key: state.session, value: bytes });
		}
	};

	const close = async (draft: StepDraft, record: LogRecord, state: SessionState, one: LiveSession, facts: Facts) => {
		const { session } = state;
		const indicators = deps.indicators();
		const answer = await one.manifest;
		const cached = state.broken ? null : one.cached;
		const input = { ...deps, state, cached, closing: facts, answer, readFacts, indicators, limits };
		const { verdict, withdrawn, mismatch } = await closeSession(input);
		if (mismatch) refuse(draft, record, mismatch.code, mismatch.message, facts.closed?.timeUs ?? -1);
		// Before the commit: a verdict never names a snapshot that is not there.
		await snapshots.keep(deps.rules.digest, deps.rules.bytes);
		await snapshots.keep(indicators.digest, indicators.bytes);
		if (answer.manifest) await snapshots.keep(verdict.manifest, manifestBytes(answer.manifest).bytes);
		const findings = [...verdict.findings, ...withdrawn];
		for (const finding of findings)
			draft.records.push({ topic: 'finding', key: session, value: findingCodec.encode(finding) });
		draft.records.push({
			topic: 'verdict',
			key: session,
			value: verdictCodec.encode({ ...verdict, factsHead: Buffer.from(verdict.factsHead) }),
		});
		for (const id of state.leads.keys()) draft.cells.set(leadCell(session, id), null);
		draft.cells.set(sessionCell(session), null);
		leadsKept -= state.leads.size;
		sessions.delete(session);
		live.drop(session);
		rememberClosed(draft, session);
	};

	const take = async (draft: StepDraft, record: LogRecord): Promise<void> => {
		const decoded = decode(record.value);
		if (decoded.kind === 'error') return refuse(draft, record, 'fact-batch-undecodable', decoded.message, -1);
		const { link, facts } = decoded;
		const { session } = link;
		if (!isSha256(session) || session !== record.key)
			return refuse(draft, record, 'fact-batch-undecodable', 'session: expected the record key, a sha256 in hex', -1);
		if (closed.has(session))
			return refuse(draft, record, 'late-facts', 'session: it is closed; expected no more facts', link.watermarkUs);
		const state = sessions.get(session) ?? newSession(session, record.offset);
		const step = checkLink(state, link, record.value);
		if (step.kind === 'duplicate')
			return deps.emit({
				name: 'fact_batch_dropped',
				stage: detectStageName,
				reason: 'duplicate',
				intentional: true,
				message: 'A fact batch came twice.',
			});
		if (step.kind === 'broken') {
			refuse(draft, record, 'fact-chain-broken', step.message, link.watermarkUs);
			state.broken = true;
		}
		sessions.set(session, state);
		if (step.kind === 'continues' || step.adopt) await advance(draft, record, state, link, facts);
		if (sessions.has(session)) draft.cells.set(sessionCell(session), encodeSession(state));
	};

	const advance = async (
		draft: StepDraft,
		record: LogRecord,
		state: SessionState,
		link: FactChainLink,
		facts: Facts,
	): Promise<void> => {
		if (link.sequence === 0 && facts.opened) state.opened = facts.opened;
		const one = await live.get(state);
		live.cache(one, facts);
		state.head = factHead(record.value);
		state.next = link.sequence + 1;
		state.files += facts.files.length;
		if (facts.closed) return close(draft, record, state, one, facts);
		if (one.arrived) {
			emitLeads(draft, state, one.finder.resolve(one.arrived.manifest));
			one.arrived = null;
		}
		emitLeads(draft, state, one.finder.add(facts));
	};

	return {
		async step(records, replayed): Promise<StepResult> {
			const cells = new Map<string, Uint8Array | null>();
			const deadLetters: DeadLetter[] = [];
			const outputs: StepResult['outputs'] = [];
			let nextOffset = 0;
			for (const record of records) {
				const draft: StepDraft = { cells, deadLetters, records: [] };
				// What a restart needs is in the cells and in the stored facts: replayed records say nothing new.
				if (!replayed) await take(draft, record);
				if (draft.records.length > 0) outputs.push({ offset: record.offset, records: draft.records });
				nextOffset = record.offset + 1;
			}
			let rebuildOffset = nextOffset;
			for (const state of sessions.values()) rebuildOffset = Math.min(rebuildOffset, state.firstOffset);
			return { outputs, cells, appends: [], deadLetters, lowWaterOffset: nextOffset, rebuildOffset };
		},
	};
}

type Decoded = { kind: 'ok'; link: FactChainLink; facts: Facts } | { kind: 'error'; message: string };

function decode(bytes: Uint8Array): Decoded {
	try {
		return { kind: 'ok', ...decodeFactBatch(bytes) };
	} catch (error) {
		return { kind: 'error', message: `not a fact batch: ${error instanceof Error ? error.message : String(error)}` };
	}
}

/** The bytes of a bad batch stay out: a host's file names and arguments are in them. */
const deadLetter = (record: LogRecord, code: DetectErrorCode, message: string, timeUs: number): DeadLetter => ({
	stage: detectStageName,
	origin: `${record.topic}/${record.partition}/${record.offset}`,
	code,
	message: message.slice(0, 500),
	digest: sha256Hex(record.value),
	length: record.value.length,
	excerpt: '',
	timeUs,
});

/** Snapshots that were stored before are not stored again; the memory of which is bounded. */
function createSnapshots(blobs: Pick<Blobs, 'put'>): { keep(digest: string, bytes: Uint8Array): Promise<void> } {
	const stored = new Set<string>();
	return {
		async keep(digest, bytes) {
			if (stored.has(digest)) return;
			await blobs.put(bytes);
			if (stored.size >= 1_000) stored.clear();
			stored.add(digest);
		},
	};
}
