// A look at a batch's records before kafkajs decodes them: its decoder trusts every count and copies all headers of a record
// with each further one, so that one message of a few MiB could hold a worker for minutes. Pure.
import { StreamError } from '../errors.ts';

/** No batch of ours has more. */
export const batchRecordsMax = 65_536;
/** A record with more headers loses them all: no writer of ours sets more than three. */
export const recordHeadersMax = 64;

/** Offsets [from, to) of a batch that is not given out. */
export interface RefusedRange {
	from: number;
	to: number;
}

/** The whole batch cannot be given out; the reader goes on after it. */
export function refusedBatch(why: string, cause?: unknown): StreamError {
	// kafkajs takes errors with this mark for final.
	return Object.assign(new StreamError('refused', `record batch: ${why}`, cause), { retriable: false });
}

const refusedRanges = new WeakMap<StreamError, RefusedRange>();

/** Which batch was refused; null for any other error. */
export const refusedRangeOf = (error: unknown): RefusedRange | null =>
	error instanceof StreamError ? (refusedRanges.get(error) ?? null) : null;

/** Runs `read` on a batch's records as kafkajs gives them to a codec; a refusal then says which offsets it is about. */
export function readGuarded(records: Buffer, read: () => Buffer): Buffer {
	try {
		return guardRecords(read());
	} catch (error) {
		const range = rangeOf(records);
		if (error instanceof StreamError && range !== null) refusedRanges.set(error, range);
		throw error;
	}
}

/** Kafka's batch header of version 2: base offset 8, length 4, leader epoch 4, magic 1, crc 4, attributes 2, last offset delta 4, ... */
const headerBytes = 61;
const lengthAt = 8;
const magicAt = 16;
const lastOffsetDeltaAt = 23;

/** kafkajs tells a codec nothing of its batch, but the records are a slice of the response, in which the header stands before them. */
function rangeOf(records: Buffer): RefusedRange | null {
	const start = records.byteOffset - headerBytes;
	if (start < 0) return null;
	const header = Buffer.from(records.buffer, start, headerBytes);
	if (header[magicAt] !== 2) return null;
	if (header.readInt32BE(lengthAt) !== headerBytes - lengthAt - 4 + records.length) return null;
	const from = Number(header.readBigInt64BE(0));
	return { from, to: from + header.readInt32BE(lastOffsetDeltaAt) + 1 };
}

/** Position of a walk over the bytes; `at` is past the end when a number was cut off. */
interface Walk {
	bytes: Uint8Array;
	at: number;
}

/** The records' bytes, as they are or without the headers of records that have too many. */
export function guardRecords(bytes: Buffer): Buffer {
	const walk: Walk = { bytes, at: 0 };
	const cuts: { from: number; headersAt: number; end: number }[] = [];
	let records = 0;
	while (walk.at < bytes.length) {
		if (++records > batchRecordsMax) throw refusedBatch(`more than ${batchRecordsMax} records`);
		const from = walk.at;
		const length = varint(walk);
		const end = walk.at + length;
		if (length < 0 || end > bytes.length) throw refusedBatch(`a record of ${length} bytes`);
		walk.at += 1;
		skipVarlong(walk);
		varint(walk);
		skipBytes(walk);
		skipBytes(walk);
		const headersAt = walk.at;
		const headers = varint(walk);
		if (walk.at > end) throw refusedBatch('a record that is longer than it says');
		if (headers > recordHeadersMax) cuts.push({ from, headersAt, end });
		else for (let i = 0; i < headers; i++) skipHeader(walk);
		if (walk.at > end) throw refusedBatch('headers that are longer than their record');
		walk.at = end;
	}
	return cuts.length === 0 ? bytes : withoutHeaders(bytes, cuts);
}

function withoutHeaders(bytes: Buffer, cuts: readonly { from: number; headersAt: number; end: number }[]): Buffer {
	const parts: Buffer[] = [];
	let done = 0;
	for (const { from, headersAt, end } of cuts) {
		const body = bytes.subarray(bodyStart(bytes, from), headersAt);
		parts.push(bytes.subarray(done, from), zigzag(body.length + 1), body, Buffer.from([0]));
		done = end;
	}
	parts.push(bytes.subarray(done));
	return Buffer.concat(parts);
}

function bodyStart(bytes: Buffer, from: number): number {
	const walk: Walk = { bytes, at: from };
	varint(walk);
	return walk.at;
}

function zigzag(value: number): Buffer {
	const bytes: number[] = [];
	let rest = value * 2;
	for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
	bytes.push(rest);
	return Buffer.from(bytes);
}

/** Zigzag, at most five bytes. */
function varint(walk: Walk): number {
	let value = 0;
	for (let shift = 0; shift < 35; shift += 7) {
		const byte = walk.bytes[walk.at++];
		if (byte === undefined) throw refusedBatch('a number that is cut off');
		value |= (byte & 0x7f) << shift;
		if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
	}
	throw refusedBatch('a number of more than five bytes');
}

function skipVarlong(walk: Walk): void {
	for (let i = 0; i < 10; i++) {
		const byte = walk.bytes[walk.at++];
		if (byte === undefined) throw refusedBatch('a number that is cut off');
		if (byte < 0x80) return;
	}
	throw refusedBatch('a number of more than ten bytes');
}

/** Length -1 is null. */
function skipBytes(walk: Walk): void {
	const length = varint(walk);
	if (length < -1) throw refusedBatch(`a field of ${length} bytes`);
	if (length > 0) walk.at += length;
}

function skipHeader(walk: Walk): void {
	skipBytes(walk);
	skipBytes(walk);
}
