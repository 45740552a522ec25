// How large an event can become in a batch: upper bounds that need no encoding, so that a batch is closed before it is too large.
import type { ProcessInfo, TraceEvent } from '@affidavit/model/trace-event.ts';

/** Bytes of an Avro varint: an int, or a long within ±2^52. */
const intBytesMax = 5;
const longBytesMax = 8;

/** PackedEvent without its strings: 15 ints (the kind is one) and 7 longs. */
const eventBytesFixed = 15 * intBytesMax + 7 * longBytesMax;
/** PackedProcess without its strings: 10 ints, 2 longs, a boolean, an array's count and end. */
const processBytesFixed = 10 * intBytesMax + 2 * longBytesMax + 1 + intBytesMax + 1;
/** A variable: key and value, each an index. */
const variableBytesFixed = 2 * intBytesMax;

/** Host, boot, source, sequence, previous, observedUs, array counts: everything of a batch but its lists and names. */
export const batchBytesFixed = 256;

/** Bytes of a string in the table: length prefix and UTF-8. The empty string is always there. */
export const stringBytes = (text: string): number => (text === '' ? 0 : intBytesMax + Buffer.byteLength(text));

/** Upper bound of what an event adds to a batch, its process not counted, as if no string were in the table yet. */
export const eventBytes = (e: TraceEvent): number =>
	eventBytesFixed +
	stringBytes(e.hook) +
	stringBytes(e.path) +
	stringBytes(e.path2) +
	stringBytes(e.fsPath) +
	stringBytes(e.fileType) +
	stringBytes(e.ino) +
	stringBytes(e.digest) +
	stringBytes(e.family) +
	stringBytes(e.address) +
	stringBytes(e.signal);

/** Upper bound of what a process adds to a batch. */
export function processBytes(p: ProcessInfo): number {
	let bytes =
		processBytesFixed +
		stringBytes(p.execId) +
		stringBytes(p.parentExecId) +
		stringBytes(p.binary) +
		stringBytes(p.arguments) +
		stringBytes(p.cwd) +
		stringBytes(p.flags) +
		stringBytes(p.container) +
		stringBytes(p.pod);
	for (const name of Object.keys(p.environment))
		bytes += variableBytesFixed + stringBytes(name) + stringBytes(p.environment[name] as string);
	return bytes;
}

const isInt = (value: number): boolean => (value | 0) === value;
/** avsc encodes a long by doubling it, which is exact up to here only. */
const longMax = 2 ** 52;
const isLong = (value: number): boolean => Number.isInteger(value) && value >= -longMax && value <= longMax;

/** Name of the first field that the schema cannot hold, or null. A decoder checks too; this keeps one bad event from losing a batch. */
export function unfitEventField(e: TraceEvent): string | null {
	if (!isLong(e.timeUs)) return 'timeUs';
	if (!isLong(e.dev)) return 'dev';
	if (!isLong(e.size)) return 'size';
	if (!isLong(e.flags)) return 'flags';
	if (!isLong(e.pos)) return 'pos';
	if (!isLong(e.request)) return 'request';
	if (!isLong(e.count)) return 'count';
	if (!isInt(e.pid)) return 'pid';
	if (!isInt(e.port)) return 'port';
	if (!isInt(e.status)) return 'status';
	return null;
}

/** As unfitEventField, for a process. */
export function unfitProcessField(p: ProcessInfo): string | null {
	if (!isInt(p.pid)) return 'process.pid';
	if (!isInt(p.uid)) return 'process.uid';
	if (!isLong(p.startUs)) return 'process.startUs';
	if (!isLong(p.mountNamespace)) return 'process.mountNamespace';
	return null;
}
