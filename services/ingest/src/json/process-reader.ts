// Reads a process object out of a line: by comparison where its bytes are known, else by JSON.parse of these bytes alone.
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import { type Bytes, hashBytes, type Input, literalText, sameBytes } from '../event/bytes.ts';
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
import { bracketedEnd, integerEnd, plainEnd, quote, stringEnd } from './scan.ts';

export interface ProcessReader {
	/** Position after the object at `pos`, and `found` set; -1 when it is not one in the usual form. `guess` is tried first. */
	read(input: Input, pos: number, guess: CachedProcess | null): number;
	found: CachedProcess | null;
}

/** protojson writes fields in the order of their numbers: exec_id is the first. */
const opening = literalText('{"exec_id":"');
const execIdMax = 256;

export function createProcessReader(cache: ProcessCache, build: ProcessBuilder): ProcessReader {
	const reader: ProcessReader = { read, found: null };

	function read(input: Input, pos: number, guess: CachedProcess | null): number {
		if (guess) {
			const after = matchProcess(guess, input, pos, integerEnd);
			if (after >= 0) {
				reader.found = guess;
				return after;
			}
		}
		const start = pos + opening.bytes.length;
		const { bytes, end } = input;
		if (!sameBytes(input, pos, opening, 0, opening.bytes.length)) return -1;
		const close = plainEnd(bytes, start, Math.min(end, start + execIdMax));
		if (close < 0) return -1;
		const hash = hashBytes(bytes, start, close);
		for (let entry = cache.get(hash); entry; entry = entry.variant) {
			const after = matchProcess(entry, input, pos, integerEnd);
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
		const entry = cachedProcess(bytes, pos, after, numberCuts(bytes, pos, after), cache.intern(info));
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

/** Where refcnt and tid stand in a valid process object: no field of a ProcessInfo is made of them. */
function numberCuts(bytes: Bytes, start: number, end: number): Cuts {
	const spans: number[] = [];
	let depth = 0;
	let p = start;
	while (p < end && spans.length < 4) {
		const byte = bytes[p] as number;
		if (byte === 0x7b || byte === 0x5b) depth++;
		else if (byte === 0x7d || byte === 0x5d) depth--;
		else if (byte === quote) {
			const close = stringEnd(bytes, p + 1, end);
			if (close < 0) break;
			// Exactly `"refcnt":` with the number at once after it, as protojson writes it.
			if (depth === 1 && bytes[close + 1] === 0x3a && isCounter(bytes.latin1Slice(p + 1, close))) {
				const after = integerEnd(bytes, close + 2, end);
				if (after > 0) spans.push(close + 2 - start, after - start);
			}
			p = close;
		}
		p++;
	}
	const size = end - start;
	return [spans[0] ?? size, spans[1] ?? size, spans[2] ?? size, spans[3] ?? size];
}

const isCounter = (name: string): boolean => name === 'refcnt' || name === 'tid';
