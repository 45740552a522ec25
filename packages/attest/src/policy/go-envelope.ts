// DSSE envelopes as go-witness reads them: encoding/json's rules, and the payload decoded straight from the bytes, since a
// payload of 100 MB must not be held as text as well.
import type { Envelope, EnvelopeSignature } from '../dsse.ts';
import { envelopeBytesMax, signaturesMax } from '../dsse.ts';
import { decodeGoBase64, reshape } from './go-json.ts';
import { parseGoJson } from './go-json-text.ts';
import { bytes, foldName, list, struct, text } from './go-shape.ts';

export type GoEnvelope =
	| { kind: 'envelope'; envelope: Envelope; ambiguity: string }
	/** Not ours to judge: listed as unused. */
	| { kind: 'sigstore-bundle' }
	| { kind: 'invalid'; reason: string };

/** Most intermediates and timestamps of one signature. */
export const signatureItemsMax = 16;

const signatureShape = struct({
	keyid: text,
	sig: bytes,
	'certificate?': bytes,
	'intermediates?': list(bytes),
	'timestamps?': list(struct({ type: text, data: bytes })),
});
/** The payload is taken out before the rest is read. */
const restShape = struct({ payloadType: text, signatures: list(signatureShape) });
const payloadShape = struct({ payload: bytes });

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
	const split = splitPayload(buffer);
	const parsed = parseGoJson(split.rest);
	if (parsed.kind === 'invalid') return invalid(parsed.reason);
	if (isSigstoreBundle(parsed.value)) return { kind: 'sigstore-bundle' };
	const rest = reshape(restShape, parsed.value, 'envelope');
	if (rest.kind === 'invalid') return invalid(rest.reason);
	const inPlace: Payload =
		split.payload === null
			? readPayload(parsed.value)
			: { kind: 'payload', payload: split.payload, ambiguity: split.ambiguity };
	if (inPlace.kind === 'invalid') return inPlace;
	const { payloadType, signatures } = rest.value as { payloadType: string; signatures: RawSignature[] | null };
	if ((signatures?.length ?? 0) > signaturesMax)
		return invalid(`signatures: expected at most ${signaturesMax}, found ${signatures?.length}`);
	const read: EnvelopeSignature[] = [];
	for (const signature of signatures ?? []) {
		if (
			(signature.intermediates?.length ?? 0) > signatureItemsMax ||
			(signature.timestamps?.length ?? 0) > signatureItemsMax
		)
			return invalid(`signatures: expected at most ${signatureItemsMax} intermediates and timestamps each`);
		read.push(readSignature(signature));
	}
	const ambiguity = parsed.ambiguity || rest.ambiguity || inPlace.ambiguity;
	return { kind: 'envelope', envelope: { payloadType, payload: inPlace.payload, signatures: read }, ambiguity };
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

type Payload = { kind: 'payload'; payload: Buffer; ambiguity: string } | { kind: 'invalid'; reason: string };

/** A payload that splitPayload left in place. */
function readPayload(value: unknown): Payload {
	const read = reshape(payloadShape, value, 'envelope');
	if (read.kind === 'invalid') return read;
	return {
		kind: 'payload',
		payload: decoded((read.value as { payload: string | null }).payload),
		ambiguity: read.ambiguity,
	};
}

const bundleMediaType = 'application/vnd.dev.sigstore.bundle';

function isSigstoreBundle(value: unknown): boolean {
	if (typeof value !== 'object' || value === null) return false;
	const { mediaType } = value as Record<string, unknown>;
	return typeof mediaType === 'string' && mediaType.startsWith(bundleMediaType);
}

interface Split {
	/** The text with an empty string in the payload's place; the whole text when the payload was left in. */
	rest: Buffer;
	payload: Buffer | null;
	ambiguity: string;
}

/** Shorter texts are read whole: there is nothing to save. */
const splitBytesMin = 64 * 1024;

/**
 * Takes a long payload out of the text: a string of plain base64 that is the value of a field `payload` of the top-level
 * object, the only one of that name. Anything else stays for the ordinary way.
 */
function splitPayload(file: Buffer): Split {
	const whole: Split = { rest: file, payload: null, ambiguity: '' };
	if (file.length < splitBytesMin) return whole;
	let found: Span | null = null;
	let fields = 0;
	let depth = 0;
	for (let i = 0; i < file.length; i++) {
		const byte = file[i] as number;
		if (byte === 0x7b || byte === 0x5b) depth++;
		else if (byte === 0x7d || byte === 0x5d) depth--;
		if (byte !== 0x22) continue;
		const end = closingQuote(file, i + 1);
		if (end < 0) return whole;
		const colon = depth === 1 ? afterSpace(file, end + 1) : -1;
		if (colon >= 0 && file[colon] === 0x3a && isPayloadKey(file, i + 1, end)) {
			fields++;
			const value = afterSpace(file, colon + 1);
			if (file[value] !== 0x22) return whole;
			const valueEnd = closingQuote(file, value + 1);
			if (valueEnd < 0) return whole;
			found = { key: file.toString('utf8', i + 1, end), start: value + 1, end: valueEnd };
			i = valueEnd;
		} else i = end;
	}
	if (found === null || fields > 1) return whole;
	const payload = decodeInPieces(file, found.start, found.end);
	if (payload === null) return whole;
	const rest = Buffer.concat([file.subarray(0, found.start), file.subarray(found.end)]);
	return { rest, payload, ambiguity: found.key === 'payload' ? '' : `envelope.${found.key} is read as payload` };
}

interface Span {
	key: string;
	start: number;
	end: number;
}

const isPayloadKey = (file: Buffer, start: number, end: number): boolean =>
	end - start < 32 && foldName(file.toString('utf8', start, end)) === 'payload';

function afterSpace(file: Buffer, from: number): number {
	let at = from;
	while (file[at] === 0x20 || file[at] === 0x0a || file[at] === 0x0d || file[at] === 0x09) at++;
	return at;
}

function closingQuote(file: Buffer, from: number): number {
	let at = from;
	for (;;) {
		const quote = file.indexOf(0x22, at);
		if (quote < 0) return -1;
		let slashes = 0;
		while (quote - 1 - slashes >= from && file[quote - 1 - slashes] === 0x5c) slashes++;
		if (slashes % 2 === 0) return quote;
		at = quote + 1;
	}
}

/** Characters of base64 that are decoded at a time: a multiple of 4. */
const pieceLength = 4 * 256 * 1024;

/** Null when it is not plain base64 without escapes and line ends. */
function decodeInPieces(file: Buffer, start: number, end: number): Buffer | null {
	if ((end - start) % 4 !== 0) return null;
	const payload = Buffer.allocUnsafe(((end - start) / 4) * 3);
	let length = 0;
	for (let at = start; at < end; at += pieceLength) {
		const piece = decodeGoBase64(file.toString('latin1', at, Math.min(at + pieceLength, end)));
		// Padding ends the text, not a piece of it.
		if (piece === null || (at + pieceLength < end && piece.length !== (pieceLength / 4) * 3)) return null;
		length += piece.copy(payload, length);
	}
	return payload.subarray(0, length);
}

const invalid = (reason: string): GoEnvelope => ({ kind: 'invalid', reason });
