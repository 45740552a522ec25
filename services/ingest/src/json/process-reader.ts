// Reads a process object out of a line: by comparison where its bytes are known, else by JSON.parse of these bytes alone.
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import { type Bytes, hashEnd, type Input, literalText, sameBytes } from '../event/bytes.ts';
import type { Problems } from '../event/problem.ts';
import {
	type CachedProcess,
	type Cuts,
	cachedProcess,
	matchProcess,
	type ProcessCache,
} from '../event/process-cache.ts';
import type { ProcessBuilder } from '../event/process-info.ts';
import { isObject } from './fields.ts';
import { parseJson } from './general.ts';
import { readProcess } from './general-process.ts';
import { bracketedEnd, integerEnd, plainStringEnd, quote, stringEnd } from './scan.ts';

export interface ProcessReader {
	/** Position after the object at `pos`, and `found` set; -1 when it is not one in the usual form. `guess` is tried first. */
	read(input: Input, pos: number, guess: CachedProcess | null): number;
	found: CachedProcess | null;
}

/** protojson writes fields in the order of their numbers: exec_id is the first. */
const opening = literalText('{"exec_id":"');

export function createProcessReader(cache: ProcessCache, build: ProcessBuilder): ProcessReader {
	const reader: ProcessReader = { read, found: null };

	function read(input: Input, pos: number, guess: CachedProcess | null): number {
		if (guess) {
			const after = matchProcess(guess, input, pos, skipRefcnt, integerEnd);
			if (after >= 0) {
				reader.found = guess;
				return after;
			}
		}
		const start = pos + opening.bytes.length;
		const { bytes, end } = input;
		if (!sameBytes(input, pos, opening, 0, opening.bytes.length)) return -1;
		const close = plainStringEnd(input, start);
		if (close < 0) return -1;
		const hash = hashEnd(input, start, close);
		for (let entry = cache.get(hash); entry; entry = entry.variant) {
			const after = matchProcess(entry, input, pos, skipRefcnt, integerEnd);
			if (after >= 0) {
				reader.found = entry;
				return after;
			}
		}
		return readNew(bytes, pos, end, hash);
	}

	function readNew(bytes: Bytes, pos: number, end: number, hash: number): number {
		const after = bracketedEnd(bytes, pos, end);
		if (after < 0) return -1;
		const info = parseProcess(bytes, pos, after);
		if (!info) return -1;
		const entry = cachedProcess(bytes, pos, after, cutsOf(bytes, pos, after), cache.intern(info));
		cache.put(hash, entry);
		reader.found = entry;
		return after;
	}

	function parseProcess(bytes: Bytes, pos: number, end: number): ProcessInfo | null {
		const value = parseJson(bytes.utf8Slice(pos, end));
		if (!isObject(value)) return null;
		const problems: Problems = { first: null };
		const raw = readProcess(problems, value, 'process');
		return problems.first ? null : build(raw);
	}

	return reader;
}

const refcntKey = Buffer.from('"refcnt":');

/**
 * Position after the member `"refcnt":N,` and the blank after it, or `pos` itself where another member stands:
 * the exporter leaves a 0 out. No field of a ProcessInfo is made of it.
 */
function skipRefcnt(bytes: Bytes, pos: number, end: number): number {
	for (let i = 0; i < refcntKey.length; i++) if (bytes[pos + i] !== refcntKey[i]) return pos;
	const after = integerEnd(bytes, pos + refcntKey.length, end);
	if (after < 0 || bytes[after] !== comma) return -1;
	return bytes[after + 1] === blank ? after + 2 : after + 1;
}

/**
 * What may differ between two copies of a valid process object: refcnt, right after parent_exec_id or not there at all,
 * and then tid's number. No cuts where they do not stand so: the bytes are then compared as a whole.
 */
function cutsOf(bytes: Bytes, start: number, end: number): Cuts {
	let refcnt = -1;
	let depth = 0;
	for (let p = start; p < end; p++) {
		const byte = bytes[p] as number;
		if (byte === 0x7b || byte === 0x5b) depth++;
		else if (byte === 0x7d || byte === 0x5d) depth--;
		else if (byte === quote) {
			const close = stringEnd(bytes, p + 1, end);
			if (close < 0) break;
			if (depth === 1 && bytes[close + 1] === colon) {
				const name = bytes.latin1Slice(p + 1, close);
				if (name === 'parent_exec_id' && refcnt < 0) refcnt = nextMember(bytes, close + 2, end);
				const tid = name === 'tid' && refcnt >= 0 ? integerEnd(bytes, close + 2, end) : -1;
				const afterRefcnt = tid >= 0 ? skipRefcnt(bytes, refcnt, end) : -1;
				if (afterRefcnt >= 0) return [refcnt - start, afterRefcnt - start, close + 2 - start, tid - start];
			}
			p = close;
		}
	}
	const size = end - start;
	return [size, size, size, size];
}

/** Where the member after the string value at `pos` begins, -1 when there is none. */
function nextMember(bytes: Bytes, pos: number, end: number): number {
	if (bytes[pos] !== quote) return -1;
	const close = stringEnd(bytes, pos + 1, end);
	if (close < 0 || bytes[close + 1] !== comma) return -1;
	const next = bytes[close + 2] === blank ? close + 3 : close + 2;
	return bytes[next] === quote ? next : -1;
}

const comma = 0x2c;
const colon = 0x3a;
const blank = 0x20;
