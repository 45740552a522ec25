// Two small stages with all that makes a real one hard: memory that is not in the cells (a hold-back buffer that a restart
// must refill), state that a lost store takes along, several outputs per input, dead letters, and records it throws on.
import { createHash } from 'node:crypto';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { LogRecord, OutRecord } from '../../src/ports.ts';
import { recordOrigin } from '../../src/runner/dead-letters.ts';
import type { Stage, StepResult } from '../../src/stage.ts';

export interface ToyRecord {
	session: string;
	kind: 'open' | 'add' | 'close' | 'bad' | 'poison' | 'end';
	text: string;
}

/** Records that `hold` keeps back: one is released when this many more have come. */
const holdRecords = 3;

interface ToySession {
	openedAt: number;
	chain: string;
}

export const encodeToy = (record: ToyRecord): Uint8Array => Buffer.from(JSON.stringify(record));
const decodeToy = (bytes: Uint8Array): ToyRecord => JSON.parse(Buffer.from(bytes).toString());
const link = (chain: string, text: string): string =>
	createHash('sha256').update(`${chain};${text}`).digest('hex').slice(0, 16);

function loadSessions(cells: Map<string, Uint8Array>): Map<string, ToySession> {
	return new Map([...cells].map(([name, value]) => [name, JSON.parse(Buffer.from(value).toString())]));
}

const emptyResult = (): StepResult => ({
	outputs: [],
	cells: new Map(),
	appends: [],
	expireLists: [],
	deadLetters: [],
	lowWaterOffset: 0,
	rebuildOffset: 0,
});

function finish(
	result: StepResult,
	sessions: Map<string, ToySession>,
	changed: Set<string>,
	pendingFrom: number,
): StepResult {
	for (const name of changed) {
		const session = sessions.get(name);
		result.cells.set(name, session ? Buffer.from(JSON.stringify(session)) : null);
	}
	result.lowWaterOffset = pendingFrom;
	result.rebuildOffset = pendingFrom;
	for (const { openedAt } of sessions.values()) result.rebuildOffset = Math.min(result.rebuildOffset, openedAt);
	return result;
}

const letter = (record: LogRecord) => ({
	stage: 'hold',
	origin: recordOrigin(record),
	code: 'bad',
	message: 'kind: bad',
	digest: sha256Hex(record.value),
	length: record.value.byteLength,
	excerpt: '',
	timeUs: -1,
	subject: '',
});

/** trace → session, finding: holds records back, chains each session's texts. */
export const holdStage: Stage = {
	name: 'hold',
	input: 'trace',
	outputs: ['session', 'finding'],
	open: async (_partition, cells) => {
		const sessions = loadSessions(cells);
		const held: { offset: number; record: ToyRecord }[] = [];
		const release = (result: StepResult, changed: Set<string>, outputs: OutRecord[]): void => {
			const first = held.shift();
			if (!first) return;
			const { session: name, kind, text } = first.record;
			const out = (topic: 'session' | 'finding', value: ToyRecord): void => {
				outputs.push({ topic, key: name, value: encodeToy(value) });
			};
			const session = sessions.get(name);
			if (kind === 'open' && !session) {
				sessions.set(name, { openedAt: first.offset, chain: link('', text) });
				out('session', { session: name, kind: 'open', text });
			} else if (kind === 'add' && session) {
				session.chain = link(session.chain, text);
				result.appends.push({ list: name, value: Buffer.from(text) });
				out('session', { session: name, kind: 'add', text: session.chain });
				if (text.endsWith('0')) out('finding', { session: name, kind: 'add', text });
			} else if (kind === 'close' && session) {
				out('session', { session: name, kind: 'close', text: session.chain });
				sessions.delete(name);
				result.expireLists?.push({ list: name, afterMs: 0 });
			} else return;
			changed.add(name);
		};
		return {
			step: async (records, replayed) => {
				const result = emptyResult();
				const changed = new Set<string>();
				for (const input of records) {
					const record = decodeToy(input.value);
					if (record.kind === 'poison') throw new Error(`poison: ${record.text}`);
					if (record.kind === 'bad') {
						if (!replayed) result.deadLetters.push(letter(input));
						continue;
					}
					held.push({ offset: input.offset, record });
					if (replayed) continue;
					const outputs: OutRecord[] = [];
					const keep = record.kind === 'end' ? 0 : holdRecords;
					while (held.length > keep) release(result, changed, outputs);
					if (outputs.length > 0) result.outputs.push({ offset: input.offset, records: outputs });
				}
				const next = (records.at(-1)?.offset ?? -1) + 1;
				return finish(result, sessions, changed, held[0]?.offset ?? next);
			},
		};
	},
};

/** session → verdict: what the hold stage said of a session, chained, once the session closes. */
export const judgeStage: Stage = {
	name: 'judge',
	input: 'session',
	outputs: ['verdict'],
	open: async (_partition, cells) => {
		const sessions = loadSessions(cells);
		return {
			step: async (records, replayed) => {
				if (replayed) throw new Error('judge keeps everything in cells: expected no replay');
				const result = emptyResult();
				const changed = new Set<string>();
				for (const input of records) {
					const { session: name, kind, text } = decodeToy(input.value);
					if (kind === 'open') sessions.set(name, { openedAt: input.offset, chain: '' });
					const session = sessions.get(name);
					if (!session) continue;
					session.chain = link(session.chain, `${kind} ${text}`);
					changed.add(name);
					if (kind !== 'close') continue;
					sessions.delete(name);
					const value = Buffer.from(session.chain);
					result.outputs.push({ offset: input.offset, records: [{ topic: 'verdict', key: name, value }] });
				}
				return finish(result, sessions, changed, (records.at(-1)?.offset ?? -1) + 1);
			},
		};
	},
};
