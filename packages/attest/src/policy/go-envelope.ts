// DSSE envelopes as go-witness reads them: encoding/json's rules, and the payload decoded straight from the bytes, since a
// payload of 100 MB must not be held as text as well.
import type { Envelope, EnvelopeSignature } from '../dsse.ts';
import {
	decodePayload,
	envelopeBytesMax,
	envelopeRestBytesMax,
	intermediatesMax,
	signaturesMax,
	timestampsMax,
} from '../dsse.ts';
import { findPayload } from '../payload-bytes.ts';
import { reshape } from './go-json.ts';
import { parseGoJson } from './go-json-text.ts';
import { bytes, list, struct, text } from './go-shape.ts';

export type GoEnvelope =
	| { kind: 'envelope'; envelope: Envelope; ambiguity: string }
	/** Not ours to judge: listed as unused. */
	| { kind: 'sigstore-bundle' }
	| { kind: 'invalid'; reason: string };

/** Largest envelope whose payload cannot be taken out of the text, bytes. */
export const wholeBytesMax = 32 * 1024 * 1024;

const envelopeShape = struct({
	payload: bytes,
	payloadType: text,
	signatures: list(
		struct({
			keyid: text,
			sig: bytes,
			'certificate?': bytes,
			'intermediates?': list(bytes),
			'timestamps?': list(struct({ type: text, data: bytes })),
		}),
	),
});

interface RawEnvelope {
	payload: string | null;
	payloadType: string;
	signatures: RawSignature[] | null;
}

interface RawSignature {
	keyid: string;
	sig: string | null;
	certificate?: string;
	intermediates?: (string | null)[];
	timestamps?: { type: string; data: string | null }[];
}

export function readGoEnvelope(file: Uint8Array): GoEnvelope {
	if (file.length > envelopeBytesMax)
		return invalid(`expected at most ${envelopeBytesMax} bytes, found ${file.length}`);
	const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
	return readAroundPayload(buffer) ?? readWhole(buffer);
}

/** The usual way: the payload goes from the text to bytes, and the small rest is read as JSON. Null when that is not certain. */
function readAroundPayload(buffer: Buffer): GoEnvelope | null {
	const range = findPayload(buffer, envelopeRestBytesMax);
	if (range === null) return null;
	const parsed = parseGoJson(Buffer.concat([buffer.subarray(0, range.start), buffer.subarray(range.end)]));
	if (parsed.kind === 'invalid') return invalid(parsed.reason);
	if (isSigstoreBundle(parsed.value)) return { kind: 'sigstore-bundle' };
	const rest = reshape(envelopeShape, parsed.value, 'envelope');
	if (rest.kind === 'invalid') return invalid(rest.reason);
	const value = rest.value as RawEnvelope;
	// Another field may stand for the payload too, or this one may be a bundle's: then all is read in order.
	const plain = parsed.ambiguity === '' && rest.ambiguity === '' && value.payload === '';
	if (!plain || Object.hasOwn(parsed.value as object, 'dsseEnvelope')) return null;
	const payload = decodePayload(value.payloadType, buffer, range);
	return payload === null
		? invalid('envelope.payload: expected base64 (standard alphabet, padded)')
		: envelopeOf(value, payload, '');
}

function readWhole(buffer: Buffer): GoEnvelope {
	if (buffer.length > wholeBytesMax)
		return invalid(`expected one plain payload, or at most ${wholeBytesMax} bytes, found ${buffer.length}`);
	const parsed = parseGoJson(buffer);
	if (parsed.kind === 'invalid') return invalid(parsed.reason);
	if (isSigstoreBundle(parsed.value)) return { kind: 'sigstore-bundle' };
	const read = reshape(envelopeShape, parsed.value, 'envelope');
	if (read.kind === 'invalid') return invalid(read.reason);
	const value = read.value as RawEnvelope;
	return envelopeOf(value, decoded(value.payload), parsed.ambiguity || read.ambiguity);
}

function envelopeOf({ payloadType, signatures }: RawEnvelope, payload: Buffer, ambiguity: string): GoEnvelope {
	const all = signatures ?? [];
	if (all.length > signaturesMax) return invalid(`signatures: expected at most ${signaturesMax}, found ${all.length}`);
	for (const [i, { intermediates = [], timestamps = [] }] of all.entries())
		if (intermediates.length > intermediatesMax || timestamps.length > timestampsMax)
			return invalid(
				`signatures[${i}]: expected at most ${intermediatesMax} intermediates and ${timestampsMax} timestamps`,
			);
	return { kind: 'envelope', envelope: { payloadType, payload, signatures: all.map(readSignature) }, ambiguity };
}

function readSignature({ keyid, sig, certificate, intermediates, timestamps }: RawSignature): EnvelopeSignature {
	const signature: EnvelopeSignature = { keyid, sig: decoded(sig) };
	if (certificate !== undefined) signature.certificate = decoded(certificate);
	if (intermediates !== undefined) signature.intermediates = intermediates.map(decoded);
	if (timestamps !== undefined)
		signature.timestamps = timestamps.map(({ type, data }) => ({ type, data: decoded(data) }));
	return signature;
}

const decoded = (base64: string | null): Buffer => Buffer.from(base64 ?? '', 'base64');

const bundleMediaType = 'application/vnd.dev.sigstore.bundle';

function isSigstoreBundle(value: unknown): boolean {
	if (typeof value !== 'object' || value === null) return false;
	const { mediaType } = value as Record<string, unknown>;
	return typeof mediaType === 'string' && mediaType.startsWith(bundleMediaType);
}

const invalid = (reason: string): GoEnvelope => ({ kind: 'invalid', reason });
