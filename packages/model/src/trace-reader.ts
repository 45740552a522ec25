// A payload of topic `trace`, read in one pass into the events that the correlator works on, without a packed form in between.
// schemas/trace.avsc has the fields in this order; trace-reader.test.ts holds it to the general codec.
import { symbolsOf } from './avro/compile-writer.ts';
import {
	AvroError,
	type Cursor,
	expectEnd,
	readBlock,
	readBoolean,
	readBytes,
	readInt,
	readLong,
	readString,
	readSymbol,
} from './avro/cursor.ts';
import { frameBytes } from './frame.ts';
import type { EventKind, Loss, LossCounters, SourceKind } from './generated/trace.ts';
import { currentSchema } from './schema-history.ts';
import type { ProcessInfo, TraceEvent, UnpackedBatch } from './trace-event.ts';

const schema = currentSchema('trace');
const sourceKinds = symbolsOf<SourceKind>(schema, 'SourceKind');
const eventKinds = symbolsOf<EventKind>(schema, 'EventKind');
const lossCounters = symbolsOf<LossCounters>(schema, 'LossCounters');

/** Throws RangeError on bytes that are no TraceBatch of the schema in force; it allocates no more than they hold. */
export function readTraceBatch(bytes: Uint8Array): UnpackedBatch {
	const cursor: Cursor = {
		bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
		at: frameBytes,
	};
	const host = readString(cursor);
	const boot = readString(cursor);
	const source = readSymbol(cursor, sourceKinds);
	const sequence = readLong(cursor);
	const previous = readBytes(cursor);
	const observedUs = readLong(cursor);
	const strings = readStrings(cursor);
	if (strings[0] !== '') throw new AvroError('strings: expected the empty string at index 0');
	const processes = readProcesses(cursor, strings);
	const actors: number[] = [];
	const events = readEvents(cursor, strings, processes, actors);
	const batch: UnpackedBatch = {
		host,
		boot,
		source,
		sequence,
		previous,
		observedUs,
		processes,
		events,
		actors,
		losses: readLosses(cursor),
		lossCounters: readSymbol(cursor, lossCounters),
		hooks: readStrings(cursor),
		endOfInput: readBoolean(cursor),
	};
	expectEnd(cursor);
	return batch;
}

function readStrings(cursor: Cursor): string[] {
	const strings: string[] = [];
	for (let count = readBlock(cursor); count > 0; count = readBlock(cursor))
		for (let i = 0; i < count; i++) strings.push(readString(cursor));
	return strings;
}

function readText(cursor: Cursor, strings: readonly string[]): string {
	const index = readLong(cursor);
	const text = strings[index];
	if (text === undefined)
		throw new AvroError(`strings: index ${index} of ${strings.length}: expected an index into the table`);
	return text;
}

type Environment = Readonly<Record<string, string>>;

function readProcesses(cursor: Cursor, strings: readonly string[]): ProcessInfo[] {
	const processes: ProcessInfo[] = [];
	// Most processes of a build have their parent's environment: known by its indices, as they lie in the bytes.
	const environments = new Map<string, Environment>();
	for (let count = readBlock(cursor); count > 0; count = readBlock(cursor))
		for (let i = 0; i < count; i++)
			processes.push({
				execId: readText(cursor, strings),
				parentExecId: readText(cursor, strings),
				pid: readInt(cursor),
				uid: readInt(cursor),
				binary: readText(cursor, strings),
				arguments: readText(cursor, strings),
				cwd: readText(cursor, strings),
				flags: readText(cursor, strings),
				startUs: readLong(cursor),
				container: readText(cursor, strings),
				inInitTree: readBoolean(cursor),
				mountNamespace: readLong(cursor),
				pod: readText(cursor, strings),
				environment: readEnvironment(cursor, strings, environments),
			});
	return processes;
}

function readEnvironment(cursor: Cursor, strings: readonly string[], known: Map<string, Environment>): Environment {
	const start = cursor.at;
	const indices: number[] = [];
	for (let count = readBlock(cursor); count > 0; count = readBlock(cursor))
		for (let i = 0; i < count; i++) indices.push(readLong(cursor));
	const key = cursor.bytes.toString('latin1', start, cursor.at);
	const same = known.get(key);
	if (same !== undefined) return same;
	// A null prototype: an environment variable may be called __proto__.
	const environment: Record<string, string> = Object.create(null);
	for (let i = 0; i + 1 < indices.length; i += 2) {
		const name = strings[indices[i] as number];
		const value = strings[indices[i + 1] as number];
		if (name === undefined || value === undefined) throw new AvroError('environment: expected indices into the table');
		environment[name] = value;
	}
	known.set(key, environment);
	return environment;
}

function readEvents(
	cursor: Cursor,
	strings: readonly string[],
	processes: readonly ProcessInfo[],
	actors: number[],
): TraceEvent[] {
	const events: TraceEvent[] = [];
	for (let count = readBlock(cursor); count > 0; count = readBlock(cursor))
		for (let i = 0; i < count; i++) {
			const kind = readSymbol(cursor, eventKinds);
			const timeUs = readLong(cursor);
			const actor = readLong(cursor);
			const process = processes[actor];
			if (process === undefined)
				throw new AvroError(`events.process: index ${actor}: expected an index into processes (${processes.length})`);
			actors.push(actor);
			events.push({
				kind,
				timeUs,
				execId: process.execId,
				hook: readText(cursor, strings),
				path: readText(cursor, strings),
				path2: readText(cursor, strings),
				fsPath: readText(cursor, strings),
				fileType: readText(cursor, strings),
				dev: readLong(cursor),
				ino: readText(cursor, strings),
				size: readLong(cursor),
				flags: readLong(cursor),
				pos: readLong(cursor),
				digest: readText(cursor, strings),
				pid: readInt(cursor),
				request: readLong(cursor),
				family: readText(cursor, strings),
				address: readText(cursor, strings),
				port: readInt(cursor),
				count: readLong(cursor),
				status: readInt(cursor),
				signal: readText(cursor, strings),
			});
		}
	return events;
}

function readLosses(cursor: Cursor): Loss[] {
	const losses: Loss[] = [];
	for (let count = readBlock(cursor); count > 0; count = readBlock(cursor))
		for (let i = 0; i < count; i++)
			losses.push({
				counter: readString(cursor),
				count: readLong(cursor),
				fromUs: readLong(cursor),
				toUs: readLong(cursor),
			});
	return losses;
}
