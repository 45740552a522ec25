import assert from 'node:assert/strict';
import {
	appendFileSync,
	copyFileSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	renameSync,
	rmSync,
	truncateSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { TailCheckpoint } from '../../../src/source/export/checkpoint.ts';
import { decodeTailCheckpoint, encodeTailCheckpoint } from '../../../src/source/export/checkpoint.ts';
import { type ExportTail, openExportTail } from '../../../src/source/export/tail.ts';
import type { Line } from '../../../src/source/lines.ts';

const root = mkdtempSync(join(tmpdir(), 'affidavit-tail-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = (): string => mkdtempSync(join(root, `${folders++}-`));

const open = (path: string, checkpoint: TailCheckpoint | null = null, chunkBytes = 4096): ExportTail =>
	openExportTail({ path, checkpoint, lineBytesMax: 1000, chunkBytes, emit: collectingEmit().emit });

const textOf = (line: Line): string => (line.kind === 'line' ? line.bytes.toString() : `oversize ${line.raw.length}`);

interface Seen {
	lines: string[];
	unterminated: string[];
	gaps: string[];
}

/** Reads until there is nothing more. */
async function drain(tail: ExportTail): Promise<Seen> {
	const seen: Seen = { lines: [], unterminated: [], gaps: [] };
	for (;;) {
		const read = await tail.read();
		seen.lines.push(...read.lines.map(textOf));
		if (read.unterminated !== null) seen.unterminated.push(textOf(read.unterminated));
		if (read.gap !== null) seen.gaps.push(read.gap.reason);
		if (read.idle) return seen;
	}
}

const restarted = async (tail: ExportTail, path: string): Promise<ExportTail> => {
	const checkpoint = tail.checkpoint();
	await tail.close();
	return open(path, checkpoint === null ? null : decodeTailCheckpoint(encodeTailCheckpoint(checkpoint)));
};

describe('the tail of an export file', () => {
	it('waits for the file, for the rest of a line, and takes each line once', async () => {
		const path = join(newFolder(), 'tetragon.log');
		const tail = open(path);
		assert.deepEqual((await drain(tail)).lines, []);
		assert.equal(tail.checkpoint(), null);
		writeFileSync(path, 'a\nb');
		assert.deepEqual((await drain(tail)).lines, ['a']);
		appendFileSync(path, 'b\nc');
		assert.deepEqual((await drain(tail)).lines, ['bb']);
		const again = await restarted(tail, path);
		appendFileSync(path, 'c\n');
		assert.deepEqual((await drain(again)).lines, ['cc']);
		await again.close();
	});

	it('does not read what was rotated before it first started', async () => {
		const folder = newFolder();
		const path = join(folder, 'tetragon.log');
		writeFileSync(join(folder, 'tetragon-2026-11-23T04-00-00.000.log'), 'old\n');
		await sleep(5);
		writeFileSync(path, 'new\n');
		const tail = open(path);
		assert.deepEqual((await drain(tail)).lines, ['new']);
		await tail.close();
	});

	it('finishes a file that was rotated twice while it was down', async () => {
		const folder = newFolder();
		const path = join(folder, 'tetragon.log');
		writeFileSync(path, 'a\n');
		let tail = open(path);
		await drain(tail);
		appendFileSync(path, 'b\n');
		const checkpoint = tail.checkpoint();
		await tail.close();
		renameSync(path, join(folder, 'tetragon-2026-11-23T04-00-00.000.log'));
		writeFileSync(path, 'c\n');
		renameSync(path, join(folder, 'tetragon-2026-11-23T04-00-01.000.log'));
		writeFileSync(path, 'd\n');
		writeFileSync(join(folder, 'tetragon-agent.log'), 'not ours\n');
		tail = open(path, checkpoint);
		assert.deepEqual(await drain(tail), { lines: ['b', 'c', 'd'], unterminated: [], gaps: [] });
		await tail.close();
	});

	it('tells a gap when the rotated file is gone, and when the file was truncated without a copy', async () => {
		const folder = newFolder();
		const path = join(folder, 'tetragon.log');
		writeFileSync(path, 'a\n');
		let tail = open(path);
		await drain(tail);
		const checkpoint = tail.checkpoint();
		await tail.close();
		unlinkSync(path);
		await sleep(5);
		writeFileSync(path, 'other\n');
		tail = open(path, checkpoint);
		const seen = await drain(tail);
		assert.deepEqual(seen.lines, ['other']);
		// The new file may have been given the same inode.
		assert.equal(seen.gaps.length, 1);
		truncateSync(path);
		appendFileSync(path, 'x\n');
		assert.deepEqual(await drain(tail), { lines: ['x'], unterminated: [], gaps: ['truncated'] });
		await tail.close();
	});

	it('tells a gap when files came and went unread while it stood still', async () => {
		const folder = newFolder();
		const path = join(folder, 'tetragon.log');
		const rotate = (at: number, text: string): void => {
			renameSync(path, join(folder, `tetragon-2026-11-23T04-00-0${at}.000.log`));
			writeFileSync(path, text);
		};
		writeFileSync(path, 'a\n');
		const tail = open(path);
		await drain(tail);
		appendFileSync(path, 'b\n');
		rotate(1, 'c\n');
		rotate(2, 'd\n');
		unlinkSync(join(folder, 'tetragon-2026-11-23T04-00-01.000.log'));
		unlinkSync(join(folder, 'tetragon-2026-11-23T04-00-02.000.log'));
		// What it held open is read to its end; of c nobody knows.
		assert.deepEqual(await drain(tail), { lines: ['b', 'd'], unterminated: [], gaps: ['rotated-away'] });
		rotate(3, 'e\n');
		assert.deepEqual(await drain(tail), { lines: ['e'], unterminated: [], gaps: [] });
		assert.equal(await tail.lagBytes(), 0);
		appendFileSync(path, 'f\n');
		rotate(4, 'gg\n');
		assert.equal(await tail.lagBytes(), 5);
		await tail.close();
	});

	it('takes a finished file that was compressed for what it is', async () => {
		const folder = newFolder();
		const path = join(folder, 'tetragon.log');
		writeFileSync(path, 'a\n');
		const tail = open(path);
		await drain(tail);
		const rotated = join(folder, 'tetragon-2026-11-23T04-00-01.000.log');
		for (const text of ['b\n', 'c\n']) {
			renameSync(path, rotated);
			writeFileSync(path, text);
			await sleep(5);
			writeFileSync(`${rotated}.gz`, 'compressed');
			unlinkSync(rotated);
			assert.deepEqual(await drain(tail), { lines: [text.trim()], unterminated: [], gaps: [] });
			unlinkSync(`${rotated}.gz`);
		}
		await tail.close();
	});

	it('sees a truncation that grew beyond the old size again', async () => {
		const folder = newFolder();
		const path = join(folder, 'tetragon.log');
		writeFileSync(path, 'a\nb\n');
		const tail = open(path);
		await drain(tail);
		appendFileSync(path, 'c\n');
		copyFileSync(path, `${path}.1`);
		truncateSync(path);
		appendFileSync(path, 'd\ne\nf\ng\nh\n');
		assert.deepEqual(await drain(tail), { lines: ['c', 'd', 'e', 'f', 'g', 'h'], unterminated: [], gaps: [] });
		await tail.close();
	});

	it('hands out what a finished file holds after its last newline', async () => {
		const folder = newFolder();
		const path = join(folder, 'tetragon.log');
		writeFileSync(path, 'a\nhalf');
		const tail = open(path);
		assert.deepEqual((await drain(tail)).unterminated, []);
		renameSync(path, `${path}.1`);
		writeFileSync(path, 'b\n');
		assert.deepEqual(await drain(tail), { lines: ['a', 'b'].slice(1), unterminated: ['half'], gaps: [] });
		await tail.close();
	});

	it('skips a line that is too long', async () => {
		const path = join(newFolder(), 'tetragon.log');
		writeFileSync(path, `a\n${'x'.repeat(100_000)}\nb\n`);
		const tail = open(path);
		assert.deepEqual((await drain(tail)).lines, ['a', 'oversize 100000', 'b']);
		await tail.close();
	});

	it('wakes up when the file grows, and at its abort', async () => {
		const path = join(newFolder(), 'tetragon.log');
		writeFileSync(path, 'a\n');
		const tail = open(path);
		await drain(tail);
		const abort = new AbortController();
		const waiting = tail.wait(60_000, abort.signal);
		setTimeout(() => abort.abort(), 2000).unref();
		appendFileSync(path, 'b\n');
		await waiting;
		await tail.wait(60_000, AbortSignal.abort());
		await tail.close();
	});
});

/** mulberry32: the same storm for the same seed. */
function randomOf(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
	};
}

type Scheme = 'own' | 'numbered' | 'copytruncate';

/** Rotates as Tetragon does itself, as logrotate does, and as logrotate does with copytruncate. */
function rotate(folder: string, path: string, scheme: Scheme, count: number): void {
	if (!existsSync(path)) return;
	if (scheme === 'own') {
		renameSync(path, join(folder, `tetragon-2026-11-23T04-00-00.${String(count).padStart(6, '0')}.log`));
		return;
	}
	const numbers = readdirSync(folder).flatMap((name) => /^tetragon\.log\.(\d+)$/.exec(name)?.[1] ?? []);
	for (const number of numbers.map(Number).sort((a, b) => b - a))
		renameSync(`${path}.${number}`, `${path}.${number + 1}`);
	if (scheme === 'numbered') renameSync(path, `${path}.1`);
	else {
		copyFileSync(path, `${path}.1`);
		truncateSync(path);
	}
}

async function storm(seed: number, scheme: Scheme): Promise<void> {
	const random = randomOf(seed);
	const folder = newFolder();
	const path = join(folder, 'tetragon.log');
	const written: string[] = [];
	const committed: string[] = [];
	let pending: string[] = [];
	let checkpoint: TailCheckpoint | null = null;
	let rest = '';
	writeFileSync(path, '');
	let tail = open(path, null, 64);
	await tail.read();
	const write = (): void => {
		if (rest === '') {
			const line = `line ${written.length} ${'x'.repeat(random(60))}`;
			written.push(line);
			rest = `${line}\n`;
		}
		const piece = rest.slice(0, 1 + random(rest.length));
		appendFileSync(path, piece);
		rest = rest.slice(piece.length);
	};
	const commit = (): void => {
		committed.push(...pending);
		pending = [];
		checkpoint = tail.checkpoint();
	};
	commit();
	for (let step = 0; step < 150; step++) {
		const action = random(20);
		if (action < 10) write();
		else if (action < 15) {
			const read = await tail.read();
			assert.equal(read.gap, null);
			assert.equal(read.unterminated, null);
			pending.push(...read.lines.map(textOf));
		} else if (action < 17) commit();
		else if (action < 18) {
			await tail.close();
			pending = [];
			tail = open(path, checkpoint, 64);
		} else {
			while (rest !== '') write();
			// Coarse file times: two rotations in one tick are nothing that a tail could order.
			await sleep(5);
			rotate(folder, path, scheme, step);
			await sleep(5);
		}
	}
	while (rest !== '') write();
	pending.push(...(await drain(tail)).lines);
	commit();
	await tail.close();
	assert.deepEqual(committed, written);
}

for (const scheme of ['own', 'numbered', 'copytruncate'] as const)
	it(`every line once, in order, in a storm of rotations and restarts (${scheme})`, async () => {
		for (let seed = 1; seed <= 10; seed++) {
			try {
				await storm(seed, scheme);
			} catch (cause) {
				throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
			}
		}
	});
