// Reads a process object out of a line: by comparison where its bytes are known, else by JSON.parse of these bytes alone.
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import { type Bytes, hashEnd, type Input, literalText, sameBytes } from '../event/bytes.ts';
import type { Problems } from '../event/problem.ts';
import { type CachedProcess, cachedProcess, matchProcess, type ProcessCache } from '../event/process-cache.ts';
import type { ProcessBuilder } from '../event/process-info.ts';
import { isObject } from './fields.ts';
import { parseJson } from './general.ts';
import { readProcess } from './general-process.ts';
import { integerEnd, plainStringEnd, quote, stringEnd } from './scan.ts';

export interface ProcessReader {
	/** Position after the object at `pos`, and `found` set; -1 when it is not one in the usual form. `guess` is tried first. */
	read(input: Input, pos: number, guess: CachedProcess | null): number;
	found: CachedProcess | null;
}

/** protojson writes fields in the order of their numbers: exec_id is the first. */
const opening = literalText('{"exec_id":"');

export function createProcessReader(cache: ProcessCache, build: ProcessBuilder): ProcessReader {
	const reader: ProcessReader = { read, found: null };
	const cuts: [number, number, number, number] = [0, 0, 0, 0];

	function read(input: Input, pos: number, guess: CachedProcess | null): number {
		if (guess) {
			const after = matchProcess(guess, input, pos, skipRefcnt, integerEnd);
			if (after >= 0) {
				reader.found = guess;
				return after;
			}
		}
		const start = pos + opening.bytes.length;
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
		return readNew(input, pos, hash);
	}

	function readNew(input: Input, pos: number, hash: number): number {
		const { bytes } = input;
		const after = outline(input, pos, cuts);
		if (after < 0) return -1;
		const info = parseProcess(bytes, pos, after);
		if (!info) return -1;
		const entry = cachedProcess(cache.copies, bytes, pos, after, cuts, cache.intern(info));
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
 * Position after the object at `pos`, by brackets and strings alone; -1 when it does not end. `cuts` receives what may
 * differ between two copies of it: refcnt, right after parent_exec_id or not there at all, and then tid's number. No cuts
 * where they do not stand so: the bytes are then compared as a whole.
 */
function outline(input: Input, pos: number, cuts: [number, number, number, number]): number {
	const { bytes, end } = input;
	let refcnt = -1;
	let tid = -1;
	let depth = 0;
	for (let p = pos; p < end; p++) {
		const byte = bytes[p] as number;
		if (byte === quote) {
			const close = anyStringEnd(input, p + 1);
			if (close < 0) return -1;
			if (depth === 1 && bytes[close + 1] === colon) {
				if (refcnt < 0 && isName(bytes, p + 1, close, 'parent_exec_id')) refcnt = nextMember(bytes, close + 2, end);
				else if (refcnt >= 0 && tid < 0 && isName(bytes, p + 1, close, 'tid')) tid = close + 2;
			}
			p = close;
		} else if (byte === 0x7b || byte === 0x5b) depth++;
		else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) {
			setCuts(cuts, bytes, pos, p + 1, refcnt, tid);
			return p + 1;
		}
	}
	return -1;
}

/** Position of the quote that closes the string whose content begins at `pos`: by the word as far as it is plain. */
function anyStringEnd(input: Input, pos: number): number {
	const close = plainStringEnd(input, pos);
	return close >= 0 ? close : stringEnd(input.bytes, pos, input.end);
}

const isName = (bytes: Bytes, start: number, end: number, name: string): boolean =>
	end - start === name.length && bytes.latin1Slice(start, end) === name;

function setCuts(
	cuts: [number, number, number, number],
	bytes: Bytes,
	start: number,
	end: number,
	refcnt: number,
	tid: number,
): void {
	const afterTid = refcnt >= 0 && tid >= 0 ? integerEnd(bytes, tid, end) : -1;
	const afterRefcnt = afterTid >= 0 ? skipRefcnt(bytes, refcnt, end) : -1;
	if (afterRefcnt < 0) cuts.fill(end - start);
	else {
		cuts[0] = refcnt - start;
		cuts[1] = afterRefcnt - start;
		cuts[2] = tid - start;
		cuts[3] = afterTid - start;
	}
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
