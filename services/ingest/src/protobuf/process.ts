// tetragon.Process: by comparison where its bytes are known, else field by field.
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import { type Bytes, hashEnd, type Input } from '../event/bytes.ts';
import { complain } from '../event/problem.ts';
import {
	type CachedProcess,
	type Cuts,
	cachedProcess,
	matchProcess,
	type ProcessCache,
} from '../event/process-cache.ts';
import { emptyRawProcess, type ProcessBuilder, type RawProcess } from '../event/process-info.ts';
import { knownUid, maxInt32 } from '../event/range.ts';
import { malformedTime } from '../event/time.ts';
import { takeBytes, takeNewText, takeTimestamp, takeWrapped, wrongType } from './fields.ts';
import { nextField, skipValue, type Wire, WireType } from './wire.ts';

export interface ProcessReader {
	/** The process whose bytes are [start, end); null when they are none, with the reason in the wire. `guess` is tried first. */
	read(wire: Wire, start: number, end: number, guess: CachedProcess | null, field: string): CachedProcess | null;
}

const execIdTag = 0x0a;
const execIdMax = 127;

export function createProcessReader(cache: ProcessCache, build: ProcessBuilder): ProcessReader {
	return {
		read(wire, start, end, guess, field) {
			const { input } = wire;
			if (guess && matchProcess(guess, input, start, skipVarint, skipVarint) === end) return guess;
			const hash = execIdHash(input, start, end);
			for (let entry = hash < 0 ? null : cache.get(hash); entry; entry = entry.variant)
				if (matchProcess(entry, input, start, skipVarint, skipVarint) === end) return entry;
			const spans: number[] = [];
			const raw = readProcess(wire, start, end, field, spans);
			if (wire.first !== null) return null;
			const info: ProcessInfo = cache.intern(build(raw));
			const entry = cachedProcess(cache.copies, input.bytes, start, end, cutsOf(spans, start, end), info);
			if (hash >= 0) cache.put(hash, entry);
			return entry;
		},
	};
}

/** -1 when the exec_id does not come first, or is none. */
function execIdHash(input: Input, start: number, end: number): number {
	const { bytes } = input;
	if (end - start < 2 || bytes[start] !== execIdTag) return -1;
	const length = bytes[start + 1] as number;
	if (length > execIdMax || length > end - start - 2) return -1;
	return hashEnd(input, start + 2, start + 2 + length);
}

function cutsOf(spans: readonly number[], start: number, end: number): Cuts {
	const size = end - start;
	const cut = (index: number): number => (spans[index] === undefined ? size : spans[index] - start);
	return spans.length > 4 ? [size, size, size, size] : [cut(0), cut(1), cut(2), cut(3)];
}

/** A varint of the same length: tid's is inside a message, whose length is compared. */
function skipVarint(bytes: Bytes, pos: number, end: number, length: number): number {
	const last = pos + length - 1;
	if (last >= end) return -1;
	for (let p = pos; p < last; p++) if ((bytes[p] as number) < 0x80) return -1;
	return (bytes[last] as number) < 0x80 ? last + 1 : -1;
}

/** `cuts` receives [start, end) of the varints of refcnt and tid. */
function readProcess(wire: Wire, start: number, end: number, field: string, cuts: number[]): RawProcess {
	const raw = emptyRawProcess();
	const after = wire.pos;
	wire.pos = start;
	while (nextField(wire, end)) readField(wire, end, raw, field, cuts);
	if (wire.first !== null) return raw;
	wire.pos = after;
	if (raw.execId === '') complain(wire, 'missing-field', `${field}.exec_id: expected a string, found nothing`);
	return raw;
}

function readField(wire: Wire, end: number, raw: RawProcess, field: string, cuts: number[]): void {
	switch (wire.field) {
		case 1:
			raw.execId = takeNewText(wire, end, `${field}.exec_id`);
			break;
		case 2:
			raw.pid = inRange(wire, takeWrapped(wire, end, `${field}.pid`), `${field}.pid`);
			break;
		case 3:
			raw.uid = knownUid(takeWrapped(wire, end, `${field}.uid`));
			break;
		case 4:
			raw.cwd = takeNewText(wire, end, `${field}.cwd`);
			break;
		case 5:
			raw.binary = takeNewText(wire, end, `${field}.binary`);
			break;
		case 6:
			raw.arguments = takeNewText(wire, end, `${field}.arguments`);
			break;
		case 7:
			raw.flags = takeNewText(wire, end, `${field}.flags`);
			break;
		case 8:
			raw.startUs = startOf(wire, takeTimestamp(wire, end, `${field}.start_time`), `${field}.start_time`);
			break;
		case 10:
			readPod(wire, end, raw, `${field}.pod`);
			break;
		case 11:
			raw.docker = takeNewText(wire, end, `${field}.docker`);
			break;
		case 12:
			raw.parentExecId = takeNewText(wire, end, `${field}.parent_exec_id`);
			break;
		case 13:
			cuts.push(wire.pos);
			skipValue(wire, end);
			cuts.push(wire.pos);
			break;
		case 15:
			readNamespaces(wire, end, raw, `${field}.ns`);
			break;
		case 16:
			readTid(wire, end, cuts);
			break;
		case 20:
			raw.inInitTree = takeWrapped(wire, end, `${field}.in_init_tree`) !== 0;
			break;
		case 21:
			readVariable(wire, end, raw, `${field}.environment_variables`);
			break;
		default:
			skipValue(wire, end);
	}
}

function inRange(wire: Wire, pid: number, field: string): number {
	if (pid <= maxInt32) return pid;
	complain(wire, 'out-of-range', `${field}: expected an integer from 0 to ${maxInt32}, found ${pid}`);
	return -1;
}

function startOf(wire: Wire, us: number, field: string): number {
	if (us >= 0) return us;
	if (us === malformedTime) wrongType(wire, field, 'a timestamp');
	return -1;
}

/** Cut only in its usual form: a message of one varint. */
function readTid(wire: Wire, end: number, cuts: number[]): void {
	skipValue(wire, end);
	if (wire.first !== null || wire.type !== WireType.bytes) return;
	const { bytes } = wire.input;
	const first = wire.start + 1;
	if (wire.end <= first || bytes[wire.start] !== 0x08) return;
	if (skipVarint(bytes, first, wire.end, wire.end - first) === wire.end) cuts.push(first, wire.end);
}

function readPod(wire: Wire, end: number, raw: RawProcess, field: string): void {
	if (!takeBytes(wire, end, field)) return;
	const { end: inner, pos: after } = wire;
	wire.pos = wire.start;
	while (nextField(wire, inner))
		if (wire.field === 1) raw.podNamespace = takeNewText(wire, inner, `${field}.namespace`);
		else if (wire.field === 2) raw.podName = takeNewText(wire, inner, `${field}.name`);
		else skipValue(wire, inner);
	if (wire.first === null) wire.pos = after;
}

function readNamespaces(wire: Wire, end: number, raw: RawProcess, field: string): void {
	if (!takeBytes(wire, end, field)) return;
	const { end: inner, pos: after } = wire;
	wire.pos = wire.start;
	while (nextField(wire, inner))
		// Namespace.inum is field 1, as a wrapper's value is.
		if (wire.field === 3) raw.mountNamespace = takeWrapped(wire, inner, `${field}.mnt`);
		else skipValue(wire, inner);
	if (wire.first === null) wire.pos = after;
}

function readVariable(wire: Wire, end: number, raw: RawProcess, field: string): void {
	if (!takeBytes(wire, end, field)) return;
	const { end: inner, pos: after } = wire;
	wire.pos = wire.start;
	let name = '';
	let value = '';
	while (nextField(wire, inner))
		if (wire.field === 1) name = takeNewText(wire, inner, `${field}.Key`);
		else if (wire.field === 2) value = takeNewText(wire, inner, `${field}.Value`);
		else skipValue(wire, inner);
	raw.environment.push(name, value);
	if (wire.first === null) wire.pos = after;
}
