// The host's signature over a trace batch, and the link from one batch to the next (design 4, "Nothing upstream is trusted").
// Shared by who writes batches (ingest) and who checks them (correlate); pure.
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { signedBatchCodec, traceBatchCodec } from './codec.ts';
import { frameBytes, frameIdOf } from './frame.ts';
import type { SignedBatch } from './generated/signed-batch.ts';
import type { TraceBatch } from './generated/trace.ts';
import type { KeyAnswer } from './host-directory.ts';
import { type UnpackedBatch, unpackBatch } from './trace-event.ts';
import { readTraceBatch } from './trace-reader.ts';

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
	/** A framed SignedBatch: the record of topic `trace`. */
	bytes: Uint8Array;
	/** sha256 of the payload: `previous` of the next batch. */
	payloadDigest: Uint8Array;
}

/**
 * What the signature is over: a name of its own and the payload's digest. The chain needs the digest anyway, and ed25519 would
 * hash the whole payload again, by a slower hash.
 */
export const signedText = (payloadDigest: Uint8Array): Uint8Array =>
	Buffer.concat([Buffer.from('affidavit/trace-batch/1\n'), payloadDigest]);

/** Encodes and signs a batch. Throws on a batch that its schema does not hold, and on a key that is not ed25519: both are bugs. */
export function signBatch(batch: TraceBatch, key: HostKey): SignedBytes {
	// avsc takes bytes as a Buffer only.
	const payload = traceBatchCodec.encode({ ...batch, previous: Buffer.from(batch.previous) });
	const payloadDigest = createHash('sha256').update(payload).digest();
	const signature = sign(null, signedText(payloadDigest), key.privateKey);
	return {
		bytes: signedBatchCodec.encode({ payload, keyId: key.keyId, signature }),
		payloadDigest,
	};
}

/** Closed list; docs/errors.md explains each. */
export type BatchErrorCode =
	| 'batch-too-large'
	| 'not-a-batch'
	| 'unknown-key'
	| 'bad-signature'
	/** Signed with a key that is another host's. */
	| 'wrong-host'
	| 'revoked-key'
	/** Outside the key's validity: too late, or too early. */
	| 'expired-key';

export type VerifiedBatch =
	| { kind: 'ok'; batch: UnpackedBatch; payloadDigest: Uint8Array; keyId: string }
	/** `host`: who the batch claims to be of, at most 253 characters; empty when it does not say. */
	| { kind: 'error'; code: BatchErrorCode; message: string; host: string };

/**
 * Which public key a host may use: the key alone, or an answer with the reason why not (host-directory.ts). undefined and
 * `unknown` are the same. `atUs` is what verifySignedBatch was given.
 */
export type ResolveKey = (host: string, keyId: string, atUs: number) => KeyObject | undefined | KeyAnswer;

/**
 * Checks a record of topic `trace`. `resolveKey` must not return another host's key as the host's own. `atUs`: the log's time of
 * the record; -1 when it keeps none. Never throws. The chain (sequence, previous) is the caller's to check.
 */
export function verifySignedBatch(bytes: Uint8Array, resolveKey: ResolveKey, atUs = -1): VerifiedBatch {
	if (bytes.byteLength > signedBatchBytesMax)
		return refused('batch-too-large', `${bytes.byteLength} bytes: expected at most ${signedBatchBytesMax}`);
	let signed: SignedBatch;
	try {
		signed = signedBatchCodec.decode(bytes);
	} catch (cause) {
		return refused('not-a-batch', `expected a SignedBatch: ${String(cause)}`);
	}
	const { payload, keyId } = signed;
	const host = hostOf(payload);
	if (host === null) return refused('not-a-batch', 'payload: expected a TraceBatch');
	const answer = answerOf(resolveKey(host, keyId, atUs));
	if (answer.kind === 'unknown' || !isEd25519Public(answer.publicKey))
		return refused(
			'unknown-key',
			`keyId: ${printable(keyId)} is not a known ed25519 key of host ${printable(host)}`,
			host,
		);
	// Before the answer's reason: who does not hold the key must not be able to accuse the one who does.
	const payloadDigest = createHash('sha256').update(payload).digest();
	if (!verify(null, signedText(payloadDigest), answer.publicKey, signed.signature))
		return refused(
			'bad-signature',
			`signature: does not match the payload of a batch of host ${printable(host)}`,
			host,
		);
	if (answer.kind !== 'ok') return refusedKey(answer, host, keyId, atUs);
	return readPayload(payload, payloadDigest, host, keyId);
}

/** Only what a known key has signed is read, and not even that on its word. */
function readPayload(payload: Uint8Array, payloadDigest: Uint8Array, host: string, keyId: string): VerifiedBatch {
	let batch: UnpackedBatch;
	try {
		batch = readBatch(payload);
	} catch (cause) {
		return refused('not-a-batch', `payload: expected a TraceBatch: ${String(cause)}`, host);
	}
	const shape = batch.host === host ? shapeError(batch) : 'host: not the one that the key was looked up for';
	if (shape !== null) return refused('not-a-batch', shape, host);
	return { kind: 'ok', batch, payloadDigest, keyId };
}

/** What the schema in force wrote is read in one pass; older records the general way. */
function readBatch(payload: Uint8Array): UnpackedBatch {
	if (frameIdOf(payload) === traceBatchCodec.id) return readTraceBatch(payload);
	if (!traceBatchCodec.holds(payload)) throw new RangeError('it holds no record of the schema that it names');
	return unpackBatch(traceBatchCodec.decode(payload));
}

function answerOf(resolved: KeyObject | undefined | KeyAnswer): KeyAnswer {
	if (resolved === undefined) return { kind: 'unknown' };
	return 'kind' in resolved ? resolved : { kind: 'ok', publicKey: resolved };
}

const isEd25519Public = (key: KeyObject): boolean => key.type === 'public' && key.asymmetricKeyType === 'ed25519';

function refusedKey(
	answer: Exclude<KeyAnswer, { kind: 'ok' | 'unknown' }>,
	host: string,
	keyId: string,
	atUs: number,
): VerifiedBatch {
	const key = `keyId: ${printable(keyId)}`;
	switch (answer.kind) {
		case 'wrong-host':
			return refused('wrong-host', `${key} is host ${printable(answer.owner)}'s, not host ${printable(host)}'s`, host);
		case 'revoked':
			return refused(
				'revoked-key',
				`${key} of host ${printable(host)} is revoked since ${answer.revokedUs} µs: ${printable(answer.reason)}`,
				host,
			);
		case 'expired':
			return refused('expired-key', `${key} at ${atUs} µs: expected before ${answer.validToUs} µs`, host);
		case 'not-yet-valid':
			return refused('expired-key', `${key} at ${atUs} µs: expected from ${answer.validFromUs} µs on`, host);
	}
}

/** The first field of a payload in every version of its schema, a string: zigzag length and UTF-8, behind the frame. */
function hostOf(payload: Uint8Array): string | null {
	const low = payload[frameBytes] ?? 0;
	const high = payload[frameBytes + 1] ?? 0;
	// Two bytes hold the length of any host name.
	if (low >= 0x80 && high >= 0x80) return null;
	const start = frameBytes + (low < 0x80 ? 1 : 2);
	const zigzag = low < 0x80 ? low : (low & 0x7f) + high * 128;
	const end = start + zigzag / 2;
	if (zigzag % 2 !== 0 || end > payload.length) return null;
	return Buffer.from(payload.buffer, payload.byteOffset + start, zigzag / 2).toString('utf8');
}

function shapeError(batch: UnpackedBatch): string | null {
	if (batch.previous.byteLength !== digestBytes)
		return `previous: ${batch.previous.byteLength} bytes: expected ${digestBytes}`;
	if (batch.sequence < 0) return `sequence: ${batch.sequence}: expected 0 or more`;
	return null;
}

const refused = (code: BatchErrorCode, message: string, host = ''): VerifiedBatch => ({
	kind: 'error',
	code,
	message,
	host: host.slice(0, hostNameMax),
});

/** DNS's bound. */
const hostNameMax = 253;

/** What a stranger wrote, short and on one line. */
const printable = (text: string): string => JSON.stringify(text.slice(0, 80));
