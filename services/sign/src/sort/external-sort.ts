// Sorting with bounded memory: sorted runs in temporary files, merged. Items of equal keys fold into one.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { SignError } from '../errors.ts';

export interface SortSpec<T> {
	/** 0 means equal keys. */
	compare(a: T, b: T): number;
	/** Adds `more` to `into`, in place. */
	fold(into: T, more: T): void;
	/** One line of text without a line feed. */
	encode(item: T): string;
	decode(line: string): T;
	/** Folder for the runs; must exist. */
	folder: string;
	/** Items held in memory before a run is written. */
	runItemsMax: number;
}

export interface Sorter<T> {
	/** The item is the sorter's from then on. */
	add(item: T): void;
	/** Items in order, each key once. To be called once, after the last `add`. */
	merged(): Generator<T, void, void>;
	/** Removes the temporary files. */
	dispose(): void;
}

/** Most runs that are merged at once; more are merged into longer ones first. */
const fanInMax = 256;
const chunkBytes = 16 * 1024;
const writeCharsMax = 64 * 1024;

export function createSorter<T>(spec: SortSpec<T>): Sorter<T> {
	let items: T[] = [];
	let runs: string[] = [];
	let made = 0;
	let folder: string | null = null;

	const writeRun = (source: Iterable<T>): string => {
		folder ??= mkdtempSync(join(spec.folder, 'runs-'));
		const path = join(folder, String(made++));
		writeLines(path, source, spec.encode);
		return path;
	};
	const spill = (): void => {
		runs.push(writeRun(foldSorted(items.sort(spec.compare), spec)));
		items = [];
		if (runs.length < fanInMax) return;
		const longer = writeRun(
			mergeSources(
				runs.map((run) => readRun(run, spec.decode)),
				spec,
			),
		);
		for (const run of runs) rmSync(run);
		runs = [longer];
	};
	return {
		add(item) {
			items.push(item);
			if (items.length >= spec.runItemsMax) spill();
		},
		*merged() {
			const rest = foldSorted(items.sort(spec.compare), spec);
			items = [];
			if (runs.length === 0) yield* rest;
			else yield* mergeSources([...runs.map((run) => readRun(run, spec.decode)), rest], spec);
		},
		dispose() {
			items = [];
			if (folder !== null) rmSync(folder, { recursive: true, force: true });
			folder = null;
		},
	};
}

/** Folds neighbours of equal keys. */
function* foldSorted<T>(source: Iterable<T>, spec: SortSpec<T>): Generator<T, void, void> {
	let held: T | undefined;
	for (const item of source) {
		if (held === undefined) held = item;
		else if (spec.compare(held, item) === 0) spec.fold(held, item);
		else {
			yield held;
			held = item;
		}
	}
	if (held !== undefined) yield held;
}

function mergeSources<T>(sources: Iterator<T>[], spec: SortSpec<T>): Generator<T, void, void> {
	return foldSorted(mergeHeads(sources, spec.compare), spec);
}

interface Head<T> {
	item: T;
	source: Iterator<T>;
}

/** k-way merge over a binary heap of the sources' heads. */
function* mergeHeads<T>(sources: Iterator<T>[], compare: (a: T, b: T) => number): Generator<T, void, void> {
	const heap: Head<T>[] = [];
	for (const source of sources) {
		const first = source.next();
		if (!first.done) heap.push({ item: first.value, source });
	}
	for (let i = (heap.length >> 1) - 1; i >= 0; i--) siftDown(heap, i, compare);
	for (let top = heap[0]; top !== undefined; top = heap[0]) {
		yield top.item;
		const next = top.source.next();
		if (!next.done) top.item = next.value;
		else {
			const last = heap.pop() as Head<T>;
			if (heap.length === 0) return;
			heap[0] = last === top ? (heap[0] as Head<T>) : last;
		}
		siftDown(heap, 0, compare);
	}
}

function siftDown<T>(heap: Head<T>[], start: number, compare: (a: T, b: T) => number): void {
	let i = start;
	const node = heap[i] as Head<T>;
	for (;;) {
		let child = 2 * i + 1;
		if (child >= heap.length) break;
		const right = child + 1;
		if (right < heap.length && compare((heap[right] as Head<T>).item, (heap[child] as Head<T>).item) < 0) child = right;
		const smaller = heap[child] as Head<T>;
		if (compare(smaller.item, node.item) >= 0) break;
		heap[i] = smaller;
		i = child;
	}
	heap[i] = node;
}

function writeLines<T>(path: string, source: Iterable<T>, encode: (item: T) => string): void {
	let fd: number | null = null;
	try {
		fd = openSync(path, 'wx', 0o600);
		let lines: string[] = [];
		let chars = 0;
		for (const item of source) {
			const line = encode(item);
			lines.push(line);
			chars += line.length + 1;
			if (chars < writeCharsMax) continue;
			writeWhole(fd, `${lines.join('\n')}\n`);
			lines = [];
			chars = 0;
		}
		if (lines.length > 0) writeWhole(fd, `${lines.join('\n')}\n`);
	} catch (cause) {
		throw new SignError('sort-failed', `${path}: the sort could not write its run (is the disk full?)`, cause);
	} finally {
		if (fd !== null) closeSync(fd);
	}
}

function writeWhole(fd: number, text: string): void {
	const bytes = Buffer.from(text, 'utf8');
	for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function* readRun<T>(path: string, decode: (line: string) => T): Generator<T, void, void> {
	const fd = openSync(path, 'r');
	try {
		const chunk = Buffer.allocUnsafe(chunkBytes);
		const decoder = new StringDecoder('utf8');
		let rest = '';
		for (let size = readSync(fd, chunk); size > 0; size = readSync(fd, chunk)) {
			const text = rest + decoder.write(chunk.subarray(0, size));
			let from = 0;
			for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
				yield decode(text.slice(from, end));
				from = end + 1;
			}
			rest = text.slice(from);
		}
	} finally {
		closeSync(fd);
	}
}
