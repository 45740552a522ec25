// Fact batches that the stage refuses.
import { sha256Hex } from '@affidavit/model/digests.ts';
import { decodeFactBatch, type FactChainLink, type Facts } from '@affidavit/model/facts.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { DetectErrorCode } from './errors.ts';

export type DecodedBatch = { kind: 'ok'; link: FactChainLink; facts: Facts } | { kind: 'error'; message: string };

export function decodeBatch(bytes: Uint8Array): DecodedBatch {
	try {
		return { kind: 'ok', ...decodeFactBatch(bytes) };
	} catch (error) {
		return { kind: 'error', message: `not a fact batch: ${error instanceof Error ? error.message : String(error)}` };
	}
}

const messageCharsMax = 500;

/** Dead-letters the record that `draft` is about. The bytes stay out of it: a host's file names and arguments are in them. */
export function refuse(
	draft: { record: LogRecord; deadLetters: DeadLetter[] },
	emit: Emit,
	code: DetectErrorCode,
	message: string,
	timeUs: number,
): void {
	const { record } = draft;
	draft.deadLetters.push({
		stage: 'detect',
		origin: `${record.topic}/${record.partition}/${record.offset}`,
		code,
		message: message.slice(0, messageCharsMax),
		digest: sha256Hex(record.value),
		length: record.value.length,
		excerpt: '',
		timeUs,
		subject: '',
	});
	emit({
		name: 'fact_batch_refused',
		stage: 'detect',
		reason: code,
		intentional: false,
		message: 'A fact batch goes to the dead letters.',
		detail: { session: record.key, offset: record.offset, error: message.slice(0, messageCharsMax) },
	});
}
