// Avro codecs of every topic's record. Only this file knows avsc.
import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import type { Attestation } from './generated/attestation.ts';
import type { DeadLetter } from './generated/deadletter.ts';
import type { Finding } from './generated/finding.ts';
import type { FactBatch } from './generated/session.ts';
import type { SignedBatch } from './generated/signed-batch.ts';
import type { TraceBatch } from './generated/trace.ts';
import type { Verdict } from './generated/verdict.ts';

export interface Codec<T> {
	encode(value: T): Uint8Array;
	/** Throws on bytes that are no such record; callers turn that into a dead letter. */
	decode(bytes: Uint8Array): T;
}

function codec<T>(file: string): Codec<T> {
	const schema = JSON.parse(readFileSync(new URL(`../../../schemas/${file}.avsc`, import.meta.url), 'utf8'));
	const type = avsc.Type.forSchema(schema);
	return {
		encode: (value) => type.toBuffer(value),
		decode: (bytes) =>
			type.fromBuffer(
				Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
			) as T,
	};
}

export const traceBatchCodec: Codec<TraceBatch> = codec('trace');
export const signedBatchCodec: Codec<SignedBatch> = codec('signed-batch');
export const factBatchCodec: Codec<FactBatch> = codec('session');
export const findingCodec: Codec<Finding> = codec('finding');
export const verdictCodec: Codec<Verdict> = codec('verdict');
export const attestationCodec: Codec<Attestation> = codec('attestation');
export const deadLetterCodec: Codec<DeadLetter> = codec('deadletter');
