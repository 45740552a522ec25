// Stage `trust`: dead letters in, findings about hosts and services out. One finding a rule and subject; it leaves again only
// when its count has doubled, so that a flood of forged batches is no flood of findings.
import { deadLetterCodec, findingCodec } from '@affidavit/model/codec.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { Stage, StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { addLetter, findingOf, type Incident, newIncident } from './incident.ts';
import { trustRuleOf } from './rules.ts';

export const trustStageName = 'trust';

export interface TrustStageOptions {
	emit: Emit;
	/** Subjects told apart per rule and partition; those beyond are one. Default 256: who forges can make names up. */
	subjectsMax?: number;
}

export const createTrustStage = ({ emit, subjectsMax = 256 }: TrustStageOptions): Stage => ({
	name: trustStageName,
	input: 'deadletter',
	outputs: ['finding'],
	open: async (_partition, cells) => openWorker(emit, subjectsMax, cells),
});

/** A host's name has 253 characters at most, a session's id 64. */
const subjectMax = 253;
/** An incident is forgotten this long after its newest dead letter, and then a new one. */
const incidentUs = 24 * 3_600_000_000;
/** Agents write as `ingest:HOST`. */
const agentStages = 'ingest:';
const cellPrefix = 'incident:';
const cellOf = ({ rule, subject }: Pick<Incident, 'rule' | 'subject'>): string => `${cellPrefix}${rule}:${subject}`;

interface Worker {
	emit: Emit;
	subjectsMax: number;
	/** By cell; longest without a dead letter first. */
	incidents: Map<string, Incident>;
	/** Subjects known per rule. */
	subjects: Map<string, number>;
}

function openWorker(emit: Emit, subjectsMax: number, cells: ReadonlyMap<string, Uint8Array>): StageWorker {
	const stored: Incident[] = [];
	for (const [name, bytes] of cells)
		if (name.startsWith(cellPrefix)) stored.push(JSON.parse(Buffer.from(bytes).toString()) as Incident);
	stored.sort((a, b) => a.lastUs - b.lastUs);
	const worker: Worker = { emit, subjectsMax, incidents: new Map(), subjects: new Map() };
	for (const incident of stored) insert(worker, incident);
	return { step: async (records, replayed) => step(worker, records, replayed) };
}

function insert(worker: Worker, incident: Incident): void {
	worker.incidents.set(cellOf(incident), incident);
	worker.subjects.set(incident.rule, (worker.subjects.get(incident.rule) ?? 0) + 1);
}

function step(worker: Worker, records: readonly LogRecord[], replayed: boolean): StepResult {
	const next = (records.at(-1)?.offset ?? -1) + 1;
	const result: StepResult = {
		outputs: [],
		cells: new Map(),
		appends: [],
		deadLetters: [],
		lowWaterOffset: next,
		rebuildOffset: next,
	};
	// What was counted is in the cells.
	if (replayed) return result;
	const changed = new Set<Incident>();
	for (const record of records) takeRecord(worker, record, result, changed);
	for (const incident of changed)
		if (worker.incidents.get(cellOf(incident)) === incident)
			result.cells.set(cellOf(incident), Buffer.from(JSON.stringify(incident)));
	for (const { firstOffset } of worker.incidents.values())
		result.rebuildOffset = Math.min(result.rebuildOffset, firstOffset);
	return result;
}

function takeRecord(worker: Worker, record: LogRecord, result: StepResult, changed: Set<Incident>): void {
	const letter = decode(worker, record);
	const rule = letter === null ? undefined : trustRuleOf(letter.code);
	if (letter === null || rule === undefined) return;
	// An agent judges nobody's keys or chains: with letters of its own a hostile host would accuse others, or use up the subjects.
	if (record.origin?.stage.startsWith(agentStages)) {
		tellAccuser(worker, record.origin.stage, letter);
		return;
	}
	const timeUs = record.timestampUs >= 0 ? record.timestampUs : letter.timeUs;
	forgetOld(worker, timeUs, result);
	// Without a subject, the topic in which it was found.
	const claimed = letter.subject === '' ? (letter.origin.split('/', 1)[0] ?? '') : letter.subject;
	const subject = claimed.slice(0, subjectMax);
	let incident = worker.incidents.get(cellOf({ rule: rule.id, subject }));
	if (incident === undefined) {
		const full = (worker.subjects.get(rule.id) ?? 0) >= worker.subjectsMax;
		const others = full ? worker.incidents.get(cellOf({ rule: rule.id, subject: '' })) : undefined;
		incident = others ?? newIncident(rule, full ? '' : subject, record.offset);
		if (others === undefined) insert(worker, incident);
		if (full) tellFull(worker, rule.id);
	}
	// Moved to the end: the map is in order of the newest dead letter.
	worker.incidents.delete(cellOf(incident));
	worker.incidents.set(cellOf(incident), incident);
	const leaves = addLetter(incident, letter, timeUs);
	changed.add(incident);
	if (!leaves) return;
	const finding = findingOf(incident);
	// Partitioned by what it is about, as a session's findings are by their session.
	const key = incident.subject === '' ? rule.id : incident.subject;
	result.outputs.push({
		offset: record.offset,
		records: [{ topic: 'finding', key, value: findingCodec.encode(finding) }],
	});
}

/** null for bytes that are no dead letter: a dead letter about them would come back here. */
function decode({ emit }: Worker, record: LogRecord): DeadLetter | null {
	try {
		return deadLetterCodec.decode(record.value);
	} catch (cause) {
		emit({
			name: 'dead_letters_undecodable',
			stage: trustStageName,
			reason: 'not-a-dead-letter',
			intentional: false,
			message: 'A record of topic deadletter is none; it is left out.',
			detail: { partition: record.partition, offset: record.offset, error: String(cause).slice(0, 300) },
		});
		return null;
	}
}

function forgetOld(worker: Worker, nowUs: number, result: StepResult): void {
	for (const [cell, incident] of worker.incidents) {
		if (incident.lastUs === -1 || incident.lastUs >= nowUs - incidentUs) return;
		worker.incidents.delete(cell);
		worker.subjects.set(incident.rule, (worker.subjects.get(incident.rule) ?? 1) - 1);
		result.cells.set(cell, null);
	}
}

const tellAccuser = ({ emit }: Worker, writer: string, { code, subject }: DeadLetter): void =>
	emit({
		name: 'dead_letters_out_of_place',
		stage: trustStageName,
		reason: 'agent',
		intentional: false,
		message: 'An agent wrote a dead letter that is a service’s to write; it is no evidence.',
		detail: { writer: writer.slice(0, subjectMax), code, subject: subject.slice(0, subjectMax) },
	});

const tellFull = ({ emit }: Worker, rule: string): void =>
	emit({
		name: 'trust_subjects_merged',
		stage: trustStageName,
		reason: 'limit',
		intentional: true,
		message: 'More hosts or sessions are named by refused records than are told apart.',
		detail: { rule },
	});
