import { deadLetterCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { LogRecord, Origin, OutRecord } from '../ports.ts';
import type { SealRefusal } from '../seal/seal.ts';
import type { Refused } from './sift.ts';

const messageCharsMax = 500;
const subjectCharsMax = 256;

/** What a dead letter of a log record says in `origin`. */
export const recordOrigin = (record: Pick<LogRecord, 'topic' | 'partition' | 'offset'>): string =>
	`${record.topic}/${record.partition}/${record.offset}`;

/** As a record of topic `deadletter`, keyed by its subject, so that one reader sees all of a subject; by its origin where none is known. */
export const deadLetterRecord = (letter: DeadLetter): OutRecord => ({
	topic: 'deadletter',
	key: letter.subject === '' ? letter.origin : letter.subject,
	value: deadLetterCodec.encode(letter),
});

/** The letter for a record on which the stage itself threw: a bug of ours, or bytes that found one. */
export function poisonLetter(stage: string, record: LogRecord, error: unknown): DeadLetter {
	const text = error instanceof Error ? `${error.name}: ${error.message}` : 'a value that is no Error was thrown';
	return runnerLetter(stage, record, 'poison-record', text);
}

/** The letter for a record that its origin did not write. */
export const refusedLetter = (stage: string, { record, refusal }: Refused): DeadLetter =>
	runnerLetter(stage, record, refusal.code, refusal.message);

function runnerLetter(
	stage: string,
	record: LogRecord,
	code: 'poison-record' | SealRefusal['code'],
	message: string,
): DeadLetter {
	return {
		stage,
		origin: recordOrigin(record),
		code,
		message: message.slice(0, messageCharsMax),
		digest: sha256Hex(record.value),
		length: record.value.byteLength,
		// No excerpt: nothing here knows how to redact a record of this topic.
		excerpt: '',
		timeUs: -1,
		subject: record.key.slice(0, subjectCharsMax),
	};
}

/**
 * Dead letters as outputs, in the order of their input records: one that does not name a record of this run is counted
 * to the last. Their index counts within the record's dead letters; the topic is theirs alone.
 */
export function deadLetterOutputs(
	letters: readonly DeadLetter[],
	run: readonly LogRecord[],
	scope: { stage: string; partition: number },
): (OutRecord & { origin: Origin })[] {
	if (letters.length === 0) return [];
	const byOrigin = new Map(run.map((record) => [recordOrigin(record), record.offset]));
	const last = run.at(-1)?.offset ?? 0;
	const placed = letters.map((letter) => ({ letter, offset: byOrigin.get(letter.origin) ?? last }));
	placed.sort((a, b) => a.offset - b.offset);
	let before = -1;
	let index = 0;
	return placed.map(({ letter, offset }) => {
		index = offset === before ? index + 1 : 0;
		before = offset;
		return { ...deadLetterRecord(letter), origin: { stage: scope.stage, partition: scope.partition, offset, index } };
	});
}
