// DSSE v1 envelopes: reading untrusted ones (Witness's JSON, or inside a Sigstore bundle) and checking signatures.
import type { KeyObject } from 'node:crypto';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { verifyBytes } from './keys.ts';
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
/** Most signatures that an envelope is read with: each costs a check per key. */
export const signaturesMax = 64;

/** DSSE's pre-authentication encoding: what is signed. */
export function pae(payloadType: string, payload: Uint8Array): Buffer {
	const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
	return Buffer.concat([Buffer.from(head, 'utf8'), payload]);
}

/** Reads an envelope from untrusted bytes; a Sigstore bundle gives the envelope that it holds. */
export function parseEnvelope(bytes: Uint8Array): ParsedEnvelope {
	if (bytes.length > envelopeBytesMax)
		return invalid(`envelope: expected at most ${envelopeBytesMax} bytes, found ${bytes.length}`);
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
	} catch {
		return invalid('envelope: expected a JSON text in UTF-8');
	}
	if (isObject(value) && value['dsseEnvelope'] !== undefined) value = value['dsseEnvelope'];
	if (!isObject(value)) return invalid(`envelope: expected a JSON object, found ${typeName(value)}`);
	const { payloadType, payload, signatures } = value;
	if (typeof payloadType !== 'string') return invalid(`payloadType: expected a string, found ${typeName(payloadType)}`);
	const body = base64(payload);
	if (!body) return invalid(`payload: expected base64 (standard alphabet, padded), found ${typeName(payload)}`);
	if (!Array.isArray(signatures)) return invalid(`signatures: expected an array, found ${typeName(signatures)}`);
	if (signatures.length === 0 || signatures.length > signaturesMax)
		return invalid(`signatures: expected 1 to ${signaturesMax} entries, found ${signatures.length}`);
	const parsed: EnvelopeSignature[] = [];
	for (const [i, entry] of signatures.entries()) {
		if (!isObject(entry)) return invalid(`signatures[${i}]: expected an object, found ${typeName(entry)}`);
		const keyid = entry['keyid'] ?? '';
		if (typeof keyid !== 'string')
			return invalid(`signatures[${i}].keyid: expected a string, found ${typeName(keyid)}`);
		const sig = base64(entry['sig']);
		if (!sig) return invalid(`signatures[${i}].sig: expected base64 (standard alphabet, padded)`);
		parsed.push({ keyid, sig });
	}
	return { kind: 'envelope', envelope: { payloadType, payload: body, signatures: parsed } };
}

/** Decodes standard, padded base64; null for anything else (Node's own decoder skips what it does not know). */
function base64(value: unknown): Buffer | null {
	if (typeof value !== 'string' || value.length % 4 !== 0) return null;
	const bytes = Buffer.from(value, 'base64');
	const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
	if (bytes.length !== (value.length / 4) * 3 - padding) return null;
	// The URL-safe alphabet decodes to full length too; it is not DSSE's.
	return value.includes('-') || value.includes('_') ? null : bytes;
}

export type EnvelopeCheck =
	| { kind: 'verified'; key: KeyObject }
	/** A signature names one of the keys (or none at all) and does not verify: the envelope was altered or the key id lies. */
	| { kind: 'bad-signature' }
	/** All signatures name keys that were not given. */
	| { kind: 'other-key'; keyIds: string[] };

export interface TrustedKey {
	key: KeyObject;
	keyId: string;
}

/** Accepts when any signature verifies under any of the keys; key ids only choose the words of a refusal. */
export function verifyEnvelope(envelope: Envelope, keys: readonly TrustedKey[]): EnvelopeCheck {
	const signed = pae(envelope.payloadType, envelope.payload);
	for (const { sig } of envelope.signatures)
		for (const { key } of keys) if (verifyBytes(key, signed, sig)) return { kind: 'verified', key };
	const named = envelope.signatures.map((s) => s.keyid);
	if (named.every((id) => id !== '' && !keys.some((k) => k.keyId === id))) return { kind: 'other-key', keyIds: named };
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
