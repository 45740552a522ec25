// DSSE v1 envelopes: reading untrusted ones (Witness's JSON, or inside a Sigstore bundle) and checking signatures.
import type { KeyObject } from 'node:crypto';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { checkBytes, verifyBytes } from './keys.ts';
import type { ByteRange } from './payload-bytes.ts';
import { base64Size, decodeBase64, findPayload } from './payload-bytes.ts';
import { isObject, typeName } from './statement.ts';

export interface EnvelopeSignature {
	/** Advisory: ignored in verification, as in Witness; may be empty. */
	keyid: string;
	sig: Uint8Array;
	/** PEM of the signer's certificate. */
	certificate?: Uint8Array;
	/** PEM, one certificate each. */
	intermediates?: Uint8Array[];
	timestamps?: SignatureTimestamp[];
}

export interface SignatureTimestamp {
	/** 'tsp'; not looked at, as in go-witness. */
	type: string;
	/** DER of an RFC 3161 TimeStampToken. */
	data: Uint8Array;
}

export interface Envelope {
	payloadType: string;
	payload: Uint8Array;
	signatures: EnvelopeSignature[];
}

export type ParsedEnvelope = { kind: 'envelope'; envelope: Envelope } | { kind: 'invalid'; reason: string };

/** Largest envelope that is read, bytes. */
export const envelopeBytesMax = 128 * 1024 * 1024;
/** Most bytes of an envelope beside its payload: they become JavaScript values, which take twenty times as much. */
export const envelopeRestBytesMax = 8 * 1024 * 1024;
/** Most signatures that an envelope is read with: each costs a check per key. */
export const signaturesMax = 64;
/** Most intermediates of one signature. */
export const intermediatesMax = 16;
/** Most timestamps of one signature. */
export const timestampsMax = 8;

/** DSSE's pre-authentication encoding: what is signed. */
export const pae = (payloadType: string, payload: Uint8Array): Buffer =>
	Buffer.concat([paeHead(payloadType, payload.length), payload]);

const paeHead = (payloadType: string, payloadBytes: number): Buffer =>
	Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payloadBytes} `, 'utf8');

/** What the signatures are over; no copy of a payload that was read by us, since it lies behind its head already. */
export function signedBytes({ payloadType, payload }: Envelope): Buffer {
	const head = paeHead(payloadType, payload.length);
	const start = payload.byteOffset - head.length;
	if (start >= 0 && head.equals(new Uint8Array(payload.buffer, start, head.length)))
		return Buffer.from(payload.buffer, start, head.length + payload.length);
	return Buffer.concat([head, payload]);
}

/** Reads an envelope from untrusted bytes; a Sigstore bundle gives the envelope that it holds. */
export function parseEnvelope(bytes: Uint8Array): ParsedEnvelope {
	if (bytes.length > envelopeBytesMax)
		return invalid(`envelope: expected at most ${envelopeBytesMax} bytes, found ${bytes.length}`);
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const range = findPayload(buffer, envelopeRestBytesMax);
	const rest = range ? Buffer.concat([buffer.subarray(0, range.start), buffer.subarray(range.end)]) : buffer;
	if (rest.length > envelopeRestBytesMax)
		return invalid(`envelope: expected at most ${envelopeRestBytesMax} bytes beside an unescaped payload`);
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(rest));
	} catch {
		return invalid('envelope: expected a JSON text in UTF-8');
	}
	if (isObject(value) && value['dsseEnvelope'] !== undefined) value = value['dsseEnvelope'];
	if (!isObject(value)) return invalid(`envelope: expected a JSON object, found ${typeName(value)}`);
	const { payloadType, payload, signatures } = value;
	if (typeof payloadType !== 'string') return invalid(`payloadType: expected a string, found ${typeName(payloadType)}`);
	const body =
		typeof payload !== 'string'
			? null
			: range
				? decodePayload(payloadType, buffer, range)
				: decodePayload(payloadType, Buffer.from(payload, 'utf8'));
	if (!body) return invalid(`payload: expected base64 (standard alphabet, padded), found ${typeName(payload)}`);
	if (!Array.isArray(signatures)) return invalid(`signatures: expected an array, found ${typeName(signatures)}`);
	if (signatures.length === 0 || signatures.length > signaturesMax)
		return invalid(`signatures: expected 1 to ${signaturesMax} entries, found ${signatures.length}`);
	const parsed: EnvelopeSignature[] = [];
	for (const [i, entry] of signatures.entries()) {
		const signature = readSignature(entry);
		if (typeof signature === 'string') return invalid(`signatures[${i}]${signature}`);
		parsed.push(signature);
	}
	return { kind: 'envelope', envelope: { payloadType, payload: body, signatures: parsed } };
}

/** Or what is wrong with it, to be put behind its name. */
function readSignature(entry: unknown): EnvelopeSignature | string {
	if (!isObject(entry)) return `: expected an object, found ${typeName(entry)}`;
	const keyid = entry['keyid'] ?? '';
	if (typeof keyid !== 'string') return `.keyid: expected a string, found ${typeName(keyid)}`;
	const sig = base64(entry['sig']);
	if (!sig) return '.sig: expected base64 (standard alphabet, padded)';
	const signature: EnvelopeSignature = { keyid, sig };
	const { certificate, intermediates, timestamps } = entry;
	if (certificate !== undefined) {
		const pem = base64(certificate);
		if (!pem) return '.certificate: expected base64 of a PEM text';
		signature.certificate = pem;
	}
	if (intermediates !== undefined) {
		const pems = listOf(intermediates, intermediatesMax, base64);
		if (!pems) return `.intermediates: expected at most ${intermediatesMax} base64 texts`;
		signature.intermediates = pems;
	}
	if (timestamps !== undefined) {
		const read = listOf(timestamps, timestampsMax, readTimestamp);
		if (!read) return `.timestamps: expected at most ${timestampsMax} entries of type and base64 data`;
		signature.timestamps = read;
	}
	return signature;
}

function readTimestamp(entry: unknown): SignatureTimestamp | null {
	if (!isObject(entry) || typeof entry['type'] !== 'string') return null;
	const data = base64(entry['data']);
	return data ? { type: entry['type'], data } : null;
}

/** null when it is no list, too long, or one entry cannot be read. */
function listOf<Entry>(value: unknown, countMax: number, read: (entry: unknown) => Entry | null): Entry[] | null {
	if (!Array.isArray(value) || value.length > countMax) return null;
	const entries: Entry[] = [];
	for (const item of value) {
		const entry = read(item);
		if (!entry) return null;
		entries.push(entry);
	}
	return entries;
}

const base64 = (value: unknown): Buffer | null =>
	typeof value === 'string' ? decodeBase64(Buffer.from(value, 'utf8')) : null;

/** The payload behind the head of its pre-authentication encoding, in one allocation; null when it is not base64. */
export function decodePayload(payloadType: string, text: Buffer, range?: ByteRange): Buffer | null {
	const all = range ?? { start: 0, end: text.length };
	const size = base64Size(text, all);
	return size === null ? null : decodeBase64(text, all, paeHead(payloadType, size));
}

/** Bytes that are hashed for one envelope: signatures times keys times a payload of 100 MB would take minutes. */
export const signedWorkBytesMax = 1024 * 1024 * 1024;

/** What the checks of a set of envelopes may take together; counts down. */
export interface SignedWork {
	bytesLeft: number;
}

export type EnvelopeCheck =
	| { kind: 'verified'; key: KeyObject }
	/** A signature names one of the keys (or none at all) and does not verify: the envelope was altered or the key id lies. */
	| { kind: 'bad-signature' }
	/** All signatures name keys that were not given. */
	| { kind: 'other-key'; keyIds: string[] }
	/** None verified before the limit was reached. */
	| { kind: 'too-much' };

export interface TrustedKey {
	key: KeyObject;
	keyId: string;
}

/** Accepts when any signature verifies under any of the keys; key ids only choose what is tried first, and the words of a refusal. */
export function verifyEnvelope(
	envelope: Envelope,
	keys: readonly TrustedKey[],
	work: SignedWork = { bytesLeft: signedWorkBytesMax },
): EnvelopeCheck {
	const signed = signedBytes(envelope);
	for (const { keyid, sig } of envelope.signatures) {
		const named = keys.filter(({ keyId }) => keyId === keyid);
		for (const { key } of named.length === 0 ? keys : [...named, ...keys.filter((k) => !named.includes(k))]) {
			work.bytesLeft -= checkBytes(key, signed.length);
			if (work.bytesLeft < 0) return { kind: 'too-much' };
			if (verifyBytes(key, signed, sig)) return { kind: 'verified', key };
		}
	}
	const ids = envelope.signatures.map((s) => s.keyid);
	if (ids.every((id) => id !== '' && !keys.some((k) => k.keyId === id))) return { kind: 'other-key', keyIds: ids };
	return { kind: 'bad-signature' };
}

/** sha256 (hex) of the payload: the identity of an attestation. */
export const payloadSha256 = (envelope: Envelope): string => sha256Hex(envelope.payload);

/** Witness's form of an envelope. */
export function envelopeJson(payloadType: string, payload: Uint8Array, signature: EnvelopeSignature): Buffer {
	const body = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64');
	const sig = Buffer.from(signature.sig).toString('base64');
	return Buffer.from(
		JSON.stringify({ payload: body, payloadType, signatures: [{ keyid: signature.keyid, sig }] }),
		'utf8',
	);
}

const invalid = (reason: string): ParsedEnvelope => ({ kind: 'invalid', reason });
