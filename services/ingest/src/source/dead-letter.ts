// What becomes of input that cannot be taken: a dead letter that names the place and the reason, and holds no more of the
// raw bytes than a short, redacted excerpt.
import { createHash } from 'node:crypto';
import { deadLetterCodec } from '@affidavit/model/codec.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import type { DecodeErrorCode } from '../decode-result.ts';

/** Closed list; docs/errors.md explains each. */
export type IngestDeadLetterCode =
	| DecodeErrorCode
	| 'event-time'
	| 'truncated-line'
	| 'truncated-file'
	| 'too-many-hosts'
	| 'foreign-host';

/** Counts refused inputs as loss, beside the sensor's own counters. */
export const refusedLinesCounter = 'affidavit_input_refused_lines';

/** Counts inputs that ended in the middle of a line. */
export const cutLinesCounter = 'affidavit_input_cut_lines';

/** An event may stand so much after newer ones, microseconds: its digest had to be made first. */
export const lateUsMax = 10_000_000;

/** False for what holds no event that any stage would use, and for what is counted as loss under another name. */
export function mayBeEvent(code: IngestDeadLetterCode): boolean {
	switch (code) {
		case 'unknown-event':
		case 'event-time':
		case 'foreign-host':
		case 'truncated-line':
		case 'truncated-file':
			return false;
		default:
			return true;
	}
}

/** Raw input as a dead letter tells of it: of a very long line only the head is at hand. */
export interface RawInput {
	/** First bytes of the input, at least `excerptHeadBytes` where there are as many. */
	head: Uint8Array;
	/** Bytes. */
	length: number;
	/** sha256, hex. */
	digest: string;
}

/** How much of the raw bytes is looked at to make an excerpt. */
export const excerptHeadBytes = 2048;
const excerptLengthMax = 200;
/** Where the head was cut, a secret may have lost the part by which it is known: so much of the end is not shown. */
const cutMargin = 256;

export type Redact = (text: string) => string;

export const rawInput = (bytes: Uint8Array): RawInput => ({
	head: bytes.subarray(0, excerptHeadBytes),
	length: bytes.byteLength,
	digest: createHash('sha256').update(bytes).digest('hex'),
});

/** At most 200 characters, redacted, on one line. The environment is left out whole: its allow list works on decoded events only. */
export function excerptOf(raw: RawInput, redact: Redact): string {
	const head = Buffer.from(raw.head.buffer, raw.head.byteOffset, Math.min(raw.head.byteLength, excerptHeadBytes));
	let text = head.toString('utf8');
	const environment = text.indexOf('nvironment');
	if (environment >= 0) text = text.slice(0, environment);
	const cut = environment < 0 && raw.length > head.byteLength;
	text = redact(text);
	if (cut) text = text.slice(0, Math.max(0, text.length - cutMargin));
	return text
		.slice(0, excerptLengthMax)
		.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
		.toWellFormed();
}

export interface DeadLetterInput {
	/** File name and line, or source and position. */
	origin: string;
	code: IngestDeadLetterCode;
	message: string;
	raw: RawInput;
	/** Microseconds; -1 when not known. */
	timeUs: number;
}

const messageLengthMax = 1000;

/** The record of topic `deadletter`. */
export function deadLetterRecord(input: DeadLetterInput, redact: Redact): OutRecord {
	const value = deadLetterCodec.encode({
		stage: 'ingest',
		origin: input.origin,
		code: input.code,
		message: redact(input.message).slice(0, messageLengthMax),
		digest: input.raw.digest,
		length: input.raw.length,
		excerpt: excerptOf(input.raw, redact),
		timeUs: Number.isSafeInteger(input.timeUs) ? input.timeUs : -1,
		subject: '',
	});
	return { topic: 'deadletter', key: input.origin, value };
}

export interface DeadLetters {
	/** Counts and tells a refused input; null when there are too many dead letters already. */
	issue(input: DeadLetterInput): OutRecord | null;
	/** Issued and suppressed, since the start or the last `restart`. */
	issued(): number;
	/** Begins to count anew, and tells how many were only counted. */
	restart(): void;
}

/** `max`: dead letters until the next `restart`; `before`: those that an earlier run has issued already. */
export function createDeadLetters(options: { redact: Redact; emit: Emit; max: number }, before = 0): DeadLetters {
	const { redact, emit, max } = options;
	let issued = before;
	return {
		issue(input) {
			if (++issued > max) return null;
			emit({
				name: 'ingest_input_refused',
				stage: 'ingest',
				reason: input.code,
				intentional: false,
				message: `${input.origin}: ${redact(input.message)}`,
			});
			return deadLetterRecord(input, redact);
		},
		issued: () => issued,
		restart() {
			const count = issued - Math.max(before, max);
			if (count > 0)
				emit({
					name: 'ingest_dead_letters_suppressed',
					stage: 'ingest',
					reason: 'limit',
					intentional: true,
					count,
					message: `${count} dead letters beyond the limit of ${max} were only counted`,
				});
			issued = before = 0;
		},
	};
}
