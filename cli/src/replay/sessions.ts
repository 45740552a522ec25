// The sessions that a replay meets, from what its stages commit: which belong to the window, which are cut by its edges.
import { correlateStageName, factsList } from '@affidavit/correlate/names.ts';
import { detectStageName } from '@affidavit/detect/stage.ts';
import { findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { decodeFactBatch } from '@affidavit/model/facts.ts';
import type { OpenedFact } from '@affidavit/model/generated/session.ts';
import type { Finding, Verdict } from '@affidavit/model/generated/verdict.ts';
import type { Commit } from '@affidavit/stream/ports.ts';
import { sequenceOf } from '../fact-sequence.ts';
import type { CommitObserver } from './observed-store.ts';
import type { OffsetRange } from './overlay-log.ts';

export interface MetSession {
	session: string;
	opened: OpenedFact | null;
	where: 'before' | 'within' | 'after';
	/** It said something in the window, or after it. */
	reaches: boolean;
	/** Today's, by id; of one that is open. */
	leads: Map<string, Finding>;
}

export interface SessionsInput {
	/** Offsets of the partition of topic `trace` that are the window. */
	window: OffsetRange;
	/** Which sessions of the window are asked for. */
	isWanted: (session: string) => boolean;
	/** A session of the window was judged. */
	onVerdict: (met: MetSession, verdict: Verdict) => Promise<void>;
	/** A session that opened outside the window has closed. */
	onClosed: (met: MetSession) => Promise<void>;
	/** All of the window was worked off, and all its sessions were judged. */
	onDone: () => void;
}

export interface Sessions extends CommitObserver {
	/** It opened in the window, and is asked for. */
	isWithin(session: string): boolean;
	/** Those not closed. */
	open(): IterableIterator<MetSession>;
}

export function trackSessions(input: SessionsInput): Sessions {
	const { window } = input;
	const met = new Map<string, MetSession>();
	let passed = window.from === window.to;
	let within = 0;

	const note = (session: string, offset: number, value: Uint8Array): void => {
		// A sighting is no fact, and comes before the record that its session counts from.
		if (sequenceOf(value) < 0) return;
		let known = met.get(session);
		if (known === undefined) {
			known = { session, opened: openedOf(value), where: whereOf(window, offset), reaches: false, leads: new Map() };
			if (known.where === 'within' && !input.isWanted(session)) known.where = 'after';
			if (known.where === 'within') within += 1;
			met.set(session, known);
		}
		known.reaches ||= offset >= window.from;
	};
	const forget = (known: MetSession): void => {
		met.delete(known.session);
		if (known.where === 'within') within -= 1;
	};
	const onCorrelated = async (commit: Commit): Promise<void> => {
		for (const { list } of commit.expireLists ?? []) {
			const known = met.get(sessionOf(list));
			// One of the window goes when it is judged.
			if (known === undefined || known.where === 'within') continue;
			forget(known);
			await input.onClosed(known);
		}
		if (commit.nextOffset >= window.to) passed = true;
	};
	const onDetected = async (commit: Commit): Promise<void> => {
		for (const { topic, key, value } of commit.outbox) {
			const known = met.get(key);
			if (known === undefined) continue;
			if (topic === 'verdict') {
				forget(known);
				await input.onVerdict(known, verdictCodec.decode(value));
			} else if (topic === 'finding') noteLead(known, findingCodec.decode(value));
		}
	};
	const isWithin = (session: string): boolean => met.get(session)?.where === 'within';
	return {
		keepsList: (list) => isWithin(sessionOf(list)),
		before: ({ stage }, { outbox }) => {
			if (stage !== correlateStageName) return;
			for (const { topic, key, value, origin } of outbox) if (topic === 'session') note(key, origin.offset, value);
		},
		after: async ({ stage }, commit) => {
			if (stage === correlateStageName) await onCorrelated(commit);
			else if (stage === detectStageName) await onDetected(commit);
			if (within === 0 && passed) input.onDone();
		},
		isWithin,
		open: () => met.values(),
	};
}

const listPrefix = factsList('');
const sessionOf = (list: string): string => list.slice(listPrefix.length);

const whereOf = ({ from, to }: OffsetRange, offset: number): MetSession['where'] =>
	offset < from ? 'before' : offset < to ? 'within' : 'after';

const openedOf = (value: Uint8Array): OpenedFact | null =>
	sequenceOf(value) === 0 ? decodeFactBatch(value).facts.opened : null;

function noteLead({ leads }: MetSession, finding: Finding): void {
	if (finding.state === 'lead') leads.set(finding.id, finding);
	else leads.delete(finding.id);
}
