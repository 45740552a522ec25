// A record as a Kafka message: key, value, and what travels beside it in the headers `o`, `s`, `traceparent`. Pure.
// What comes in may be anybody's: a header that is not ours exactly is as good as none.
import type { LogRecord, Origin, Seal, StampedRecord, Topic } from '../ports.ts';
import type { WireFrames } from './options.ts';
import { decodeText, encodeText } from './text.ts';

/** What the adapter needs of a message, as the client gives it. */
export interface WireMessage {
	key: Buffer | null;
	value: Buffer | null;
	/** Milliseconds since 1970, decimal. */
	timestamp: string;
	/** Decimal. */
	offset: string;
	headers?: Record<string, Buffer | string | (Buffer | string)[] | undefined>;
}

export interface OutMessage {
	key: Buffer;
	value: Buffer;
	partition: number;
	headers: Record<string, Buffer>;
}

/** A header above these is not ours. */
const originBytesMax = 64 * 1024;
const sealBytesMax = 32 + 1024;
const traceparentBytesMax = 128;
const keyIdBytes = 32;

export function encodeOrigin({ stage, partition, offset, index }: Origin): Buffer {
	return encodeText(`${partition} ${offset} ${index} ${stage}`);
}

/** null for anything but what `encodeOrigin` writes. */
export function decodeOrigin(bytes: Uint8Array): Origin | null {
	if (bytes.byteLength > originBytesMax) return null;
	const text = decodeText(bytes);
	const first = text.indexOf(' ');
	const second = text.indexOf(' ', first + 1);
	const third = text.indexOf(' ', second + 1);
	if (first < 0 || second < 0 || third < 0) return null;
	const partition = naturalOf(text.slice(0, first));
	const offset = naturalOf(text.slice(first + 1, second));
	const index = naturalOf(text.slice(second + 1, third));
	if (partition < 0 || offset < 0 || index < 0) return null;
	return { stage: text.slice(third + 1), partition, offset, index };
}

/** -1 unless it is a safe natural number in its shortest decimal form: one origin has one encoding. */
function naturalOf(text: string): number {
	const value = Number(text);
	return Number.isSafeInteger(value) && value >= 0 && String(value) === text ? value : -1;
}

export function encodeSeal({ keyId, signature }: Seal): Buffer {
	const id = Buffer.from(keyId, 'hex');
	if (id.length !== keyIdBytes) throw new RangeError(`seal: key id of ${id.length} bytes, expected ${keyIdBytes}`);
	return Buffer.concat([id, signature]);
}

export function decodeSeal(bytes: Buffer): Seal | null {
	if (bytes.byteLength <= keyIdBytes || bytes.byteLength > sealBytesMax) return null;
	return { keyId: bytes.toString('hex', 0, keyIdBytes), signature: new Uint8Array(bytes.subarray(keyIdBytes)) };
}

export function toMessage(record: StampedRecord, partition: number, frames: WireFrames): OutMessage {
	const headers: Record<string, Buffer> = { o: encodeOrigin(record.origin) };
	if (record.seal) headers.s = encodeSeal(record.seal);
	if (record.traceparent !== undefined) headers.traceparent = Buffer.from(record.traceparent, 'utf8');
	const value = frames.toWire(record.topic, record.value);
	return {
		key: encodeText(record.key),
		value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
		partition,
		headers,
	};
}

const empty = Buffer.alloc(0);

/** A tombstone has an empty value, a message without a key an empty key. */
export function toLogRecord(topic: Topic, partition: number, message: WireMessage, frames: WireFrames): LogRecord {
	const origin = headerOf(message, 'o');
	const seal = headerOf(message, 's');
	const traceparent = headerOf(message, 'traceparent');
	const timestampMs = Number(message.timestamp);
	return {
		topic,
		partition,
		offset: Number(message.offset),
		key: message.key === null ? '' : decodeText(message.key),
		value: message.value === null || message.value.length === 0 ? empty : frames.fromWire(topic, message.value),
		timestampUs: timestampMs >= 0 && Number.isSafeInteger(timestampMs * 1000) ? timestampMs * 1000 : -1,
		origin: origin === null ? null : decodeOrigin(origin),
		seal: seal === null ? null : decodeSeal(seal),
		traceparent:
			traceparent === null || traceparent.byteLength > traceparentBytesMax ? null : traceparent.toString('latin1'),
	};
}

/** null when it is absent, or there more than once. */
function headerOf({ headers }: WireMessage, name: string): Buffer | null {
	if (headers === undefined || !Object.hasOwn(headers, name)) return null;
	const value = headers[name];
	return Buffer.isBuffer(value) ? value : null;
}
