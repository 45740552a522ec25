// What the correlator refuses, as dead letters.
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { TraceEvent } from '@affidavit/model/trace-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { correlateStageName } from './names.ts';

const excerptMax = 200;
/** DNS's bound for a host's name. */
const subjectMax = 253;

const excerptOf = (event: TraceEvent): string => JSON.stringify(`${event.kind} ${event.path}`).slice(0, excerptMax);

export interface Refused {
	code: string;
	message: string;
	timeUs: number;
	event: TraceEvent | null;
}

/** One a refusal; the record is digested once for all of them. `subject`: the host that it claims to be of. */
export function deadLetters(record: LogRecord, subject: string, refusals: readonly Refused[]): DeadLetter[] {
	if (refusals.length === 0) return [];
	const digest = sha256Hex(record.value);
	return refusals.map(({ code, message, timeUs, event }) => ({
		stage: correlateStageName,
		origin: `${record.topic}/${record.partition}/${record.offset}`,
		code,
		message,
		digest,
		length: record.value.byteLength,
		excerpt: event === null ? '' : excerptOf(event),
		timeUs,
		subject: subject.slice(0, subjectMax),
	}));
}
