import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { unpackEvents } from '@affidavit/model/trace-event.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import fc from 'fast-check';
import { type FileIngestOptions, fileIngestLimits, runFileIngest } from '../../src/agent/file-ingest.ts';
import {
	batchesOf,
	deadLettersOf,
	Killed,
	type MemoryStore,
	memoryStore,
	memoryWriter,
} from '../source/memory-writer.ts';
import { baseUs, testDecoder } from '../source/test-decoder.ts';
import { testKey } from '../source/test-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-file-ingest-'));
after(() => rmSync(folder, { recursive: true }));
const key = testKey();

const file = (name: string, content: string | Buffer): string => {
	const path = join(folder, name);
	writeFileSync(path, content);
	return path;
};
const event = (t: number, more: Record<string, unknown> = {}): string => JSON.stringify({ host: 'a', t, ...more });
const events = (count: number, start = 0): string[] => Array.from({ length: count }, (_, i) => event(start + i * 0.01));

function ingest(files: string[], store: MemoryStore, more: Partial<FileIngestOptions> = {}, killAt?: number) {
	const collected = collectingEmit();
	return runFileIngest({
		files,
		decoder: testDecoder(),
		redact: (text) => text.replaceAll(/hunter2\w*/g, '[redacted]'),
		key,
		writer: memoryWriter(store, killAt),
		metrics: [],
		emit: collected.emit,
		...more,
	});
}

describe('a recorded file', () => {
	it('becomes chained batches that hold every event, the last one with the end of input', async () => {
		const store = memoryStore();
		const result = await ingest([file('plain.jsonl', events(2500).join('\n'))], store);
		assert.deepEqual(result, {
			kind: 'done',
			events: 2500,
			batches: 3,
			deadLetters: 0,
			hosts: ['a'],
			lossCounters: 'unknown',
			notes: [],
		});
		const batches = batchesOf(store.records);
		assert.deepEqual(
			batches.map((b) => [b.sequence, b.events.length, b.endOfInput, b.lossCounters]),
			[
				[0, 1000, false, 'unknown'],
				[1, 1000, false, 'unknown'],
				[2, 500, true, 'unknown'],
			],
		);
		assert.equal(batches[1]?.observedUs, baseUs + 19.99e6);
		assert.deepEqual(batches[0]?.hooks, ['file_post_open']);
		assert.deepEqual(
			batches.flatMap((b) => unpackEvents(b).events.map((e) => e.timeUs)),
			events(2500).map((_, i) => baseUs + Math.round(i * 1e4)),
		);
	});

	it('is the same compressed, and again with nothing new once it is done', async () => {
		const plain = memoryStore();
		const packed = memoryStore();
		await ingest([file('same.jsonl', `${events(1500).join('\n')}\n`)], plain);
		const path = file('same.bin', gzipSync(`${events(1500).join('\n')}\n`));
		await ingest([path], packed);
		assert.deepEqual(packed.records, plain.records);
		const commits = packed.commits;
		assert.equal((await ingest([path], packed)).kind, 'done');
		assert.equal(packed.commits, commits);
	});

	it('is refused when it changed under a run that was begun', async () => {
		const store = memoryStore();
		const path = file('changed.jsonl', events(30_000).join('\n'));
		await assert.rejects(ingest([path], store, {}, 2), Killed);
		file('changed.jsonl', events(30_001).join('\n'));
		const result = await ingest([path], store);
		assert.equal(result.kind === 'error' && result.code, 'input-changed');
	});

	it('that cannot be read is named', async () => {
		const result = await ingest([join(folder, 'absent.jsonl')], memoryStore());
		assert.equal(result.kind, 'error');
		assert.match(result.kind === 'error' ? result.message : '', /absent\.jsonl/);
	});
});

describe('bad lines', () => {
	it('are dead-lettered with place, digest, length and redacted excerpt, and the rest goes on', async () => {
		const store = memoryStore();
		const lines = [...events(3), '{"token":"hunter2secret",', '', event(0.05), '{"host":1}', event(0.06)];
		const result = await ingest([file('bad.jsonl', lines.join('\n'))], store);
		assert.equal(result.kind === 'done' && result.events, 5);
		const letters = deadLettersOf(store.records);
		assert.deepEqual(
			letters.map((l) => [l.origin, l.code, l.length, l.excerpt, l.stage]),
			[
				['bad.jsonl:4', 'not-json', 25, '{"token":"[redacted]",', 'ingest'],
				['bad.jsonl:7', 'missing-field', 10, '{"host":1}', 'ingest'],
			],
		);
		assert.match(letters[0]?.digest ?? '', /^[0-9a-f]{64}$/);
	});

	it('of 10 MB are skipped with their digest and length', async () => {
		const store = memoryStore();
		const long = `{"path":"${'x'.repeat(10_000_000)}"}`;
		const result = await ingest([file('long.jsonl', [event(0), long, event(1)].join('\n'))], store);
		assert.equal(result.kind === 'done' && result.events, 2);
		const [letter] = deadLettersOf(store.records);
		assert.deepEqual([letter?.origin, letter?.code, letter?.length], ['long.jsonl:2', 'too-long', 10_000_011]);
	});

	it('without end are told as truncated, with the loss in the last batch', async () => {
		const store = memoryStore();
		await ingest([file('cut.jsonl', `${event(0)}\n${event(1)}\n${event(2).slice(0, -3)}`)], store);
		assert.deepEqual(
			deadLettersOf(store.records).map((l) => [l.origin, l.code]),
			[['cut.jsonl:3', 'truncated-line']],
		);
		const at = { fromUs: baseUs, toUs: baseUs + 1e6 };
		const losses = batchesOf(store.records)
			.at(-1)
			?.losses.map((loss) => ({ ...loss }));
		assert.deepEqual(losses, [{ counter: 'affidavit_input_cut_lines', count: 1, ...at }]);
	});

	const lossesOf = (store: ReturnType<typeof memoryStore>): [string, number, number, number][] =>
		batchesOf(store.records)
			.flatMap((batch) => batch.losses)
			.map((loss) => [loss.counter, loss.count, (loss.fromUs - baseUs) / 1e6, (loss.toUs - baseUs) / 1e6]);

	it('of a file that is cut before another one: the loss lies between the two', async () => {
		const store = memoryStore();
		const first = file('first.jsonl', `${event(0)}\n${event(21)}\n${event(22).slice(0, -3)}`);
		const second = file('second.jsonl', `${event(27)}\n${event(28)}\n`);
		await ingest([second, first], store);
		assert.deepEqual(lossesOf(store), [['affidavit_input_cut_lines', 1, 11, 27]]);
	});

	it('count as loss between the events around them, also when one with a wrong clock is beside them', async () => {
		for (const wrong of [event(4e9), event(-1e6)]) {
			const store = memoryStore();
			const lines = [...events(3), event(21), wrong, '{"cut', event(22), event(23), ...events(200, 24)];
			await ingest([file('refused.jsonl', lines.join('\n'))], store);
			assert.deepEqual(lossesOf(store), [['affidavit_input_refused_lines', 1, 11, 22]]);
		}
	});

	it('of a cut gzip file: what can be read is processed, then one dead letter', async () => {
		const store = memoryStore();
		const packed = gzipSync(
			events(5000)
				.map((line, i) => line.replace('}', `,"path":"${i * 7919}"}`))
				.join('\n'),
		);
		const result = await ingest([file('cut.gz', packed.subarray(0, packed.length >> 1))], store);
		const read = result.kind === 'done' ? result.events : 0;
		assert.ok(read > 1000 && read < 4999, `${read} events`);
		assert.deepEqual(
			deadLettersOf(store.records).map((l) => [l.origin, l.code]),
			[[`cut.gz:${read + 1}`, 'truncated-file']],
		);
		assert.equal(batchesOf(store.records).at(-1)?.losses[0]?.counter, 'affidavit_input_cut_files');
	});

	it('beyond the limit of dead letters are only counted', async () => {
		const store = memoryStore();
		const collected = collectingEmit();
		const lines = Array.from({ length: 500 }, () => 'x');
		const limits = { ...fileIngestLimits, deadLetters: 20 };
		const result = await ingest([file('many.jsonl', lines.join('\n'))], store, { limits, emit: collected.emit });
		assert.equal(result.kind === 'done' && result.deadLetters, 500);
		assert.equal(deadLettersOf(store.records).length, 20);
		assert.equal(collected.count('ingest_dead_letters_suppressed'), 480);
	});
});

describe('wrong clocks', () => {
	const year = 365 * 24 * 3600;
	it('never move time: events far ahead, far behind, first and last', async () => {
		const store = memoryStore();
		const lines = [
			event(-50 * year),
			...events(150),
			event(70 * year),
			...events(150, 5),
			event(-50 * year),
			event(70 * year),
		];
		const result = await ingest([file('clock.jsonl', lines.join('\n'))], store);
		assert.equal(result.kind === 'done' && result.events, 300);
		const letters = deadLettersOf(store.records);
		assert.deepEqual(
			letters.map((l) => [l.origin, l.code]),
			[
				['clock.jsonl:1', 'event-time'],
				['clock.jsonl:152', 'event-time'],
				['clock.jsonl:303', 'event-time'],
				['clock.jsonl:304', 'event-time'],
			],
		);
		assert.equal(batchesOf(store.records).at(-1)?.observedUs, baseUs + 6.49e6);
	});

	it('an hour of idleness is no wrong clock', async () => {
		const store = memoryStore();
		const result = await ingest([file('idle.jsonl', [...events(400), ...events(400, 3600)].join('\n'))], store);
		assert.equal(result.kind === 'done' && result.events, 800);
	});
});

describe('several files and hosts', () => {
	it('are read in order of time', async () => {
		const store = memoryStore();
		await ingest([file('b.jsonl', events(10, 60).join('\n')), file('a.jsonl', events(10).join('\n'))], store);
		const times = batchesOf(store.records).flatMap((b) => b.events.map((e) => e.timeUs));
		assert.deepEqual(
			times,
			times.toSorted((a, b) => a - b),
		);
		assert.equal(batchesOf(store.records).length, 1);
	});

	it('have a chain each', async () => {
		const store = memoryStore();
		const lines = events(3000).map((line, i) => line.replace('"a"', `"host${i % 3}"`));
		const result = await ingest([file('hosts.jsonl', lines.join('\n'))], store);
		assert.deepEqual(result.kind === 'done' && result.hosts, ['host0', 'host1', 'host2']);
		for (const host of ['host0', 'host1', 'host2']) {
			const batches = batchesOf(store.records).filter((b) => b.host === host);
			assert.deepEqual(
				batches.map((b) => b.sequence),
				batches.map((_, i) => i),
			);
			assert.equal(batches.at(-1)?.endOfInput, true);
			assert.equal(batches.flatMap((b) => b.events).length, 1000);
		}
	});
});

it('a run killed at any commit and resumed gives the same records', async () => {
	const lines = events(4000).map((line, i) => {
		if (i % 97 === 0) return `{"bad":${i}`;
		if (i % 401 === 0) return event(1e9);
		return i % 5 === 0 ? line.replace('"a"', '"b"') : line.replace('}', `,"path":"${'p'.repeat(i % 300)}"}`);
	});
	const text = `${lines.join('\n')}\n{"cut`;
	const limits = { ...fileIngestLimits, batch: { ...fileIngestLimits.batch, events: 70, bytes: 20_000 } };
	const cut = file('kill.jsonl', text);
	const next = file('kill-next.jsonl', events(500, 60).join('\n'));
	for (const paths of [[cut], [file('kill.gz', gzipSync(text))], [cut, next]]) {
		const whole = memoryStore();
		await ingest(paths, whole, { limits });
		assert.ok(whole.commits >= 2);
		await fc.assert(
			fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }), async (kills) => {
				const store = memoryStore();
				for (const killAt of kills)
					await ingest(paths, store, { limits }, killAt).catch((e) => assert.ok(e instanceof Killed));
				await ingest(paths, store, { limits });
				assert.deepEqual(sortedRecords(store), sortedRecords(whole));
			}),
			{ numRuns: 15 },
		);
	}
});

/** Records of different keys have no order among them. */
const sortedRecords = (store: MemoryStore): string[][] => {
	const byKey = Map.groupBy(store.records, (r) => (r.topic === 'trace' ? r.key : 'deadletter'));
	return [...byKey]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([name, records]) => {
			const values = records.map((r) => Buffer.from(r.value).toString('base64'));
			return name === 'deadletter' ? values.sort() : values;
		});
};

it('of too many hosts takes the first ones and tells of the others', async () => {
	const store = memoryStore();
	const lines = Array.from({ length: 12 }, (_, i) => event(i, { host: `h${i % 4}` }));
	const limits = { ...fileIngestLimits, hosts: 3 };
	const result = await ingest(
		[file('crowd.jsonl', [...lines, event(1, { host: 'x'.repeat(300) })].join('\n'))],
		store,
		{
			limits,
		},
	);
	assert.deepEqual(result.kind === 'done' && result.hosts, ['h0', 'h1', 'h2']);
	const letters = deadLettersOf(store.records).map((l) => [l.origin, l.code]);
	assert.deepEqual(letters, [
		['crowd.jsonl:4', 'too-many-hosts'],
		['crowd.jsonl:8', 'too-many-hosts'],
		['crowd.jsonl:12', 'too-many-hosts'],
		['crowd.jsonl:13', 'too-long'],
	]);
});
