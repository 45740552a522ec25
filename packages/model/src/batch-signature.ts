// The host's signature over a trace batch, and the link from one batch to the next (design 4, "Nothing upstream is trusted").
// Shared by who writes batches (ingest) and who checks them (correlate); pure.
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createAvroWalk } from './avro-bounds.ts';
import { signedBatchCodec, traceBatchCodec } from './codec.ts';
import type { SignedBatch } from './generated/signed-batch.ts';
import type { TraceBatch } from './generated/trace.ts';

/** A host's ed25519 key. */
export interface HostKey {
	privateKey: KeyObject;
	/** sha256 (hex) of the public key's SPKI PEM text. */
	keyId: string;
}

/** Where a host's chain stands: what the next batch must carry. */
export interface ChainState {
	/** Sequence number of the next batch, from 0. */
	sequence: number;
	/** sha256 of the payload of the batch before; 32 zeros before the first. */
	previous: Uint8Array;
}

export const digestBytes = 32;

/** A record of topic `trace` above this is refused unread. */
export const signedBatchBytesMax = 8 * 1024 * 1024;

export const chainStart = (): ChainState => ({ sequence: 0, previous: new Uint8Array(digestBytes) });

/** sha256 (hex) of the SPKI PEM text of a public key. */
export const keyIdOf = (publicKey: KeyObject): string =>
	createHash('sha256')
		.update(publicKey.export({ type: 'spki', format: 'pem' }))
		.digest('hex');

export interface SignedBytes {
	/** SignedBatch in Avro binary encoding: the record of topic `trace`. */
	bytes: Uint8Array;
	/** sha256 of the payload: `previous` of the next batch. */
	payloadDigest: Uint8Array;
}

/** Encodes and signs a batch. Throws on a batch that its schema does not hold, and on a key that is not ed25519: both are bugs. */
export function signBatch(batch: TraceBatch, key: HostKey): SignedBytes {
	// avsc takes bytes as a Buffer only.
	const payload = traceBatchCodec.encode({ ...batch, previous: Buffer.from(batch.previous) });
	const signature = sign(null, payload, key.privateKey);
	return {
		bytes: signedBatchCodec.encode({ payload, keyId: key.keyId, signature }),
		payloadDigest: createHash('sha256').update(payload).digest(),
	};
}

/** Closed list; docs/errors.md explains each. */
export type BatchErrorCode = 'batch-too-large' | 'not-a-batch' | 'unknown-key' | 'bad-signature';

export type VerifiedBatch =
	| { kind: 'ok'; batch: TraceBatch; payloadDigest: Uint8Array; keyId: string }
	| { kind: 'error'; code: BatchErrorCode; message: string };

/**
 * Checks a record of topic `trace`. `resolveKey` says which public key a host may use: a key of another host must not be
 * returned. Never throws. The chain (sequence, previous) is the caller's to check; indices into the string table are checked
 * by unpackEvents.
 */
export function verifySignedBatch(
	bytes: Uint8Array,
	resolveKey: (host: string, keyId: string) => KeyObject | undefined,
): VerifiedBatch {
	if (bytes.byteLength > signedBatchBytesMax)
		return refused('batch-too-large', `${bytes.byteLength} bytes: expected at most ${signedBatchBytesMax}`);
	let signed: SignedBatch;
	let host: string | null;
	try {
		signed = signedBatchCodec.decode(bytes);
		host = hostOf(signed.payload);
	} catch (cause) {
		return refused('not-a-batch', `expected a SignedBatch: ${String(cause)}`);
	}
	if (host === null) return refused('not-a-batch', 'payload: expected a TraceBatch');
	const key = resolveKey(host, signed.keyId);
	if (key === undefined || key.type !== 'public' || key.asymmetricKeyType !== 'ed25519')
		return refused(
			'unknown-key',
			`keyId: ${printable(signed.keyId)} is not a known ed25519 key of host ${printable(host)}`,
		);
	if (!verify(null, signed.payload, key, signed.signature))
		return refused('bad-signature', `signature: does not match the payload of a batch of host ${printable(host)}`);
	// Only what a known key has signed is decoded, and not even that on its word.
	if (!isTraceBatch(signed.payload)) return refused('not-a-batch', 'payload: expected a TraceBatch');
	let batch: TraceBatch;
	try {
		batch = traceBatchCodec.decode(signed.payload);
	} catch (cause) {
		return refused('not-a-batch', `payload: expected a TraceBatch: ${String(cause)}`);
	}
	const shape = batch.host === host ? shapeError(batch) : 'host: not the one that the key was looked up for';
	if (shape !== null) return refused('not-a-batch', shape);
	return {
		kind: 'ok',
		batch,
		payloadDigest: createHash('sha256').update(signed.payload).digest(),
		keyId: signed.keyId,
	};
}

const isTraceBatch = createAvroWalk(
	JSON.parse(readFileSync(new URL('../../../schemas/trace.avsc', import.meta.url), 'utf8')),
);

/** The first field of a payload, a string: zigzag length and UTF-8. */
function hostOf(payload: Uint8Array): string | null {
	const low = payload[0] ?? 0;
	const high = payload[1] ?? 0;
	// Two bytes hold the length of any host name.
	if (low >= 0x80 && high >= 0x80) return null;
	const start = low < 0x80 ? 1 : 2;
	const zigzag = low < 0x80 ? low : (low & 0x7f) + high * 128;
	const end = start + zigzag / 2;
	if (zigzag % 2 !== 0 || end > payload.length) return null;
	return Buffer.from(payload.buffer, payload.byteOffset + start, zigzag / 2).toString('utf8');
}

function shapeError(batch: TraceBatch): string | null {
	if (batch.previous.byteLength !== digestBytes)
		return `previous: ${batch.previous.byteLength} bytes: expected ${digestBytes}`;
	if (batch.sequence < 0) return `sequence: ${batch.sequence}: expected 0 or more`;
	if (batch.strings[0] !== '') return 'strings: expected the empty string at index 0';
	return null;
}

const refused = (code: BatchErrorCode, message: string): VerifiedBatch => ({ kind: 'error', code, message });

/** What a stranger wrote, short and on one line. */
const printable = (text: string): string => JSON.stringify(text.slice(0, 80));
