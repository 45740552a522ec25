// Avro codecs of every topic's record, each behind the frame that names its schema. Only this file knows avsc.
import avsc from 'avsc';
import { createAvroWalk } from './avro-bounds.ts';
import { frameBytes, frameIdOf, writeFrame } from './frame.ts';
import type { Attestation } from './generated/attestation.ts';
import type { DeadLetter } from './generated/deadletter.ts';
import type { Finding } from './generated/finding.ts';
import type { HostKeys } from './generated/host.ts';
import type { FactBatch } from './generated/session.ts';
import type { SignedBatch } from './generated/signed-batch.ts';
import type { TraceBatch } from './generated/trace.ts';
import type { Verdict } from './generated/verdict.ts';
import {
	currentSchema,
	frozenSchema,
	type SchemaVersion,
	type Subject,
	schemaName,
	schemaVersionOf,
	versionsOf,
} from './schema-history.ts';

export interface Codec<T> {
	/** The frame's id of what `encode` writes. */
	readonly id: number;
	/** Frame (frame.ts) and Avro binary encoding. */
	encode(value: T): Uint8Array;
	/**
	 * Reads what this schema or an older version of it wrote. Throws on other bytes, and names a schema that is another's or
	 * unknown; callers turn that into a dead letter.
	 */
	decode(bytes: Uint8Array): T;
	/** True when the bytes are, to the last one, a record of the schema that they name: `decode` then allocates no more than they hold. */
	holds(bytes: Uint8Array): boolean;
}

/** How the records of one frozen version are read. */
interface Reader {
	/** undefined for the version in force. */
	resolver: ReturnType<avsc.Type['createResolver']> | undefined;
	walk: (bytes: Uint8Array) => boolean;
}

/** Encoders write here first; larger than this it is not kept. */
const scratchBytesKept = 4 * 1024 * 1024;
let scratch = Buffer.allocUnsafeSlow(64 * 1024);

function codec<T>(subject: Subject): Codec<T> {
	const type = avsc.Type.forSchema(currentSchema(subject) as avsc.Schema);
	const current = versionsOf(subject).at(-1);
	if (current === undefined) throw new TypeError(`schemas/history: no version of ${subject}`);
	// As many as there are frozen versions.
	const readers = new Map<number, Reader>();
	const readerOf = (id: number): Reader => {
		const known = readers.get(id);
		if (known !== undefined) return known;
		const version = schemaVersionOf(id);
		if (version === undefined || version.subject !== subject) throw foreign(subject, id, version);
		const written = frozenSchema(version);
		const reader: Reader = {
			resolver: id === current.id ? undefined : type.createResolver(avsc.Type.forSchema(written as avsc.Schema)),
			walk: createAvroWalk(written, frameBytes),
		};
		readers.set(id, reader);
		return reader;
	};
	return {
		id: current.id,
		encode: (value) => encode(type, current.id, value),
		decode: (bytes) => {
			const id = frameIdOf(bytes);
			if (id === null) throw foreign(subject, id, undefined);
			const { value, offset } = type.decode(
				bufferOf(bytes),
				frameBytes,
				id === current.id ? undefined : readerOf(id).resolver,
			);
			if (offset !== bytes.length)
				throw new TypeError(`value: expected a ${subject}: ${offset < 0 ? 'it is cut' : 'something follows it'}`);
			return value as T;
		},
		holds: (bytes) => {
			const id = frameIdOf(bytes);
			return id !== null && schemaVersionOf(id)?.subject === subject && readerOf(id).walk(bytes);
		},
	};
}

function encode(type: avsc.Type, id: number, value: unknown): Uint8Array {
	let buffer = scratch;
	let end = type.encode(value, buffer, frameBytes);
	if (end < 0) {
		// Minus the bytes that were missing.
		buffer = Buffer.allocUnsafeSlow(buffer.length - end);
		end = type.encode(value, buffer, frameBytes);
		if (buffer.length <= scratchBytesKept) scratch = buffer;
	}
	writeFrame(buffer, id);
	// Its own memory: a pooled slice would keep its neighbours alive.
	const bytes = Buffer.allocUnsafeSlow(end);
	buffer.copy(bytes, 0, 0, end);
	return bytes;
}

const bufferOf = (bytes: Uint8Array): Buffer =>
	Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function foreign(subject: Subject, id: number | null, version: SchemaVersion | undefined): TypeError {
	if (id === null) return new TypeError(`frame: expected a zero byte and the id of a schema of ${subject}`);
	const what =
		version !== undefined
			? `${id} is ${schemaName(version)}`
			: id < 0
				? `${-id} of the registry is none of this program's`
				: `${id} is unknown to this program`;
	return new TypeError(`frame: schema ${what}: expected one of ${subject}`);
}

/** Of bytes that anyone may have written: what claims more than it holds is refused before anything is allocated. */
function guarded<T>(subject: Subject): Codec<T> {
	const inner = codec<T>(subject);
	return {
		...inner,
		decode: (bytes) => {
			const id = frameIdOf(bytes);
			if (id !== null && schemaVersionOf(id)?.subject === subject && !inner.holds(bytes))
				throw new TypeError(`value: expected a ${subject}`);
			return inner.decode(bytes);
		},
	};
}

export const traceBatchCodec: Codec<TraceBatch> = codec('trace');
export const signedBatchCodec: Codec<SignedBatch> = codec('signed-batch');
export const factBatchCodec: Codec<FactBatch> = codec('session');
export const findingCodec: Codec<Finding> = codec('finding');
export const verdictCodec: Codec<Verdict> = codec('verdict');
export const attestationCodec: Codec<Attestation> = codec('attestation');
export const deadLetterCodec: Codec<DeadLetter> = codec('deadletter');
export const hostKeysCodec: Codec<HostKeys> = guarded('host');
