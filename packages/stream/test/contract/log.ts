// What every Log must do (ports.ts). Run on each implementation; Kafka's will run the same.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StreamError } from '../../src/errors.ts';
import { partitionOf } from '../../src/partition.ts';
import type { Log, LogRecord, Origin, OutRecord, Topic } from '../../src/ports.ts';

export interface LogContractOptions {
	partitions?: Partial<Record<Topic, number>>;
	maxBytes?: number;
	unreadBytesKept?: number;
}

export type OpenLog = (options: LogContractOptions) => Promise<{ log: Log; dispose: () => Promise<void> }>;

export const record = (
	topic: Topic,
	key: string,
	text: string,
	offset = 0,
	index = 0,
): OutRecord & { origin: Origin } => ({
	topic,
	key,
	value: Buffer.from(text),
	origin: { stage: 'test', partition: 0, offset, index },
});

const all = { records: 10_000, bytes: 1 << 30 };
const texts = (records: readonly LogRecord[]): string[] => records.map((r) => Buffer.from(r.value).toString());

/** `bounded`: the implementation keeps to `maxBytes`. Default true. */
export function logContract(name: string, open: OpenLog, { bounded = true }: { bounded?: boolean } = {}): void {
	const test = (title: string, options: LogContractOptions, body: (log: Log) => Promise<void>): void => {
		it(title, async () => {
			const { log, dispose } = await open(options);
			try {
				await body(log);
			} finally {
				await dispose();
			}
		});
	};

	describe(`log contract: ${name}`, () => {
		test('gives records back as they were appended, with offsets from 0 without holes', {}, async (log) => {
			await log.append([record('trace', 'a', 'one', 7, 1), record('trace', 'b', 'two', 7, 2)]);
			await log.append([record('trace', 'a', '', 8)]);
			const read = await log.read('trace', 0, 0, all);
			assert.deepEqual(
				read.map((r) => [r.topic, r.partition, r.offset, r.key]),
				[
					['trace', 0, 0, 'a'],
					['trace', 0, 1, 'b'],
					['trace', 0, 2, 'a'],
				],
			);
			assert.deepEqual(texts(read), ['one', 'two', '']);
			assert.deepEqual({ ...read[1]?.origin }, { stage: 'test', partition: 0, offset: 7, index: 2 });
			assert.deepEqual(await log.bounds('trace', 0), { start: 0, end: 3 });
			assert.deepEqual(await log.bounds('session', 0), { start: 0, end: 0 });
		});

		test('keeps what was appended when the writer reuses its buffer', {}, async (log) => {
			const value = Buffer.from('before');
			await log.append([{ ...record('trace', 'k', ''), value }]);
			value.fill(0);
			assert.deepEqual(texts(await log.read('trace', 0, 0, all)), ['before']);
		});

		test('reads from an offset on, within bounds of records and bytes, one record at least', {}, async (log) => {
			await log.append(Array.from({ length: 10 }, (_, i) => record('trace', 'k', String(i).repeat(100))));
			assert.deepEqual(
				(await log.read('trace', 0, 4, { records: 3, bytes: 1 << 20 })).map((r) => r.offset),
				[4, 5, 6],
			);
			assert.deepEqual(
				(await log.read('trace', 0, 8, all)).map((r) => r.offset),
				[8, 9],
			);
			assert.deepEqual(await log.read('trace', 0, 10, all), []);
			assert.deepEqual(await log.read('trace', 0, 99, all), []);
			assert.equal((await log.read('trace', 0, 0, { records: 10, bytes: 1 })).length, 1);
			const some = (await log.read('trace', 0, 0, { records: 10, bytes: 250 })).length;
			assert.ok(some >= 1 && some <= 3, `about 250 bytes: ${some} records of 100`);
		});

		test('places records by the stable hash of their key and keeps their order', {
			partitions: { trace: 4 },
		}, async (log) => {
			assert.equal(log.partitions('trace'), 4);
			assert.equal(log.partitions('session'), 1);
			const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
			for (let i = 0; i < 50; i++) await log.append(keys.map((key) => record('trace', key, `${key}${i}`, i)));
			for (const key of keys) {
				const read = await log.read('trace', partitionOf(key, 4), 0, all);
				const own = read.filter((r) => r.key === key);
				assert.deepEqual(
					texts(own),
					Array.from({ length: 50 }, (_, i) => `${key}${i}`),
				);
			}
		});

		test('takes any key: empty, long, with newlines, NUL, lone surrogates, __proto__', {}, async (log) => {
			const hostile = [
				'',
				'__proto__',
				'a\nb',
				'a\0b',
				'a\ud800',
				'a\ud801',
				"'; DROP TABLE x; --",
				'x'.repeat(10_000),
			];
			await fc.assert(
				fc.asyncProperty(
					fc.constantFrom(...hostile).chain((k) => fc.tuple(fc.constant(k), fc.string({ unit: 'binary' }))),
					async ([k, tail]) => {
						const key = k + tail;
						const { end } = await log.bounds('finding', 0);
						await log.append([
							{ ...record('finding', key, 'v'), origin: { stage: key, partition: 3, offset: 2 ** 52, index: 1 } },
						]);
						const [read] = await log.read('finding', 0, end, all);
						assert.equal(read?.key, key);
						assert.deepEqual({ ...read?.origin }, { stage: key, partition: 3, offset: 2 ** 52, index: 1 });
					},
				),
				{ numRuns: 50 },
			);
		});

		test('refuses a partition that the topic does not have', {}, async (log) => {
			await assert.rejects(log.read('trace', 1, 0, all), RangeError);
		});

		test('remembers the low water of each stage, topic and partition', { partitions: { trace: 2 } }, async (log) => {
			assert.equal(await log.lowWater('detect', 'trace', 1), 0);
			await log.saveLowWater('detect', 'trace', 1, 41);
			await log.saveLowWater('detect', 'trace', 1, 42, 50);
			await log.saveLowWater('archive', 'trace', 1, 7);
			assert.equal(await log.lowWater('detect', 'trace', 1), 42);
			assert.equal(await log.lowWater('archive', 'trace', 1), 7);
			assert.equal(await log.lowWater('detect', 'trace', 0), 0);
		});

		test('wakes who waits for a record when it is there, and not before', {}, async (log) => {
			const never = new AbortController();
			const from = (await log.bounds('session', 0)).end;
			let woken = false;
			const waiting = log.waitForRecord('session', 0, from + 1, never.signal).then(() => {
				woken = true;
			});
			await log.append([record('trace', 'k', 'other topic')]);
			await log.append([record('session', 'k', 'the one before')]);
			await new Promise((resolve) => setTimeout(resolve, 20));
			assert.equal(woken, false);
			await log.append([record('session', 'k', 'this one')]);
			await waiting;
			await log.waitForRecord('session', 0, from + 1, never.signal);
			await log.waitForRecord('session', 0, from, never.signal);
			const aborted = log.waitForRecord('session', 0, from + 2, never.signal);
			never.abort();
			await aborted;
			await log.waitForRecord('session', 0, from + 2, never.signal);
		});

		test('finds records by when it took them', {}, async (log) => {
			const before = Date.now() * 1000;
			for (const value of ['a', 'b', 'c']) {
				await log.append([record('session', 'k', value)]);
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
			const { start, end } = await log.bounds('session', 0);
			const records = await log.read('session', 0, start, all);
			assert.equal(records.length, 3);
			let newest = before - 60_000_000;
			for (const { offset, timestampUs } of records) {
				assert.ok(timestampUs > newest, `${timestampUs} after ${newest}`);
				newest = timestampUs;
				assert.equal(await log.offsetAt('session', 0, timestampUs), offset);
			}
			assert.equal(await log.offsetAt('session', 0, 0), start);
			assert.equal(await log.offsetAt('session', 0, newest + 1_000), end);
		});

		test('rejects what comes after close', {}, async (log) => {
			await log.close();
			await assert.rejects(log.append([record('trace', 'k', 'late')]), isCode('closed'));
			await assert.rejects(log.read('trace', 0, 0, all), isCode('closed'));
		});
	});
	if (bounded) boundContract(name, test);
}

type Test = (title: string, options: LogContractOptions, body: (log: Log) => Promise<void>) => void;

const isCode =
	(code: string) =>
	(error: unknown): boolean =>
		error instanceof StreamError && error.code === code;

const kilobyte = 'x'.repeat(1000);
const smallLog = { maxBytes: 100_000, unreadBytesKept: 10_000 };

async function fill(log: Log, topic: Topic): Promise<number> {
	for (let n = 0; n < 1000; n++) {
		try {
			await log.append([record(topic, 'k', kilobyte, n)]);
		} catch (error) {
			assert.ok(isCode('log-full')(error), String(error));
			return n;
		}
	}
	return 1000;
}

function boundContract(name: string, test: Test): void {
	describe(`log contract, bounds: ${name}`, () => {
		test('says log-full instead of dropping what a reader has not had', smallLog, async (log) => {
			await log.saveLowWater('correlate', 'trace', 0, 0);
			const count = await fill(log, 'trace');
			assert.ok(count > 50 && count < 100, `${count} records`);
			assert.deepEqual(await log.bounds('trace', 0), { start: 0, end: count });
		});

		test('keeps room for downstream topics, so that a full log can be worked off', smallLog, async (log) => {
			for (const topic of ['trace', 'session', 'verdict'] as const) await log.saveLowWater('reader', topic, 0, 0);
			assert.ok((await fill(log, 'trace')) > 10);
			assert.ok((await fill(log, 'session')) > 5);
			assert.ok((await fill(log, 'verdict')) > 5);
		});

		test('trims what lies below the low water of all readers when it is full, and no more', smallLog, async (log) => {
			await log.saveLowWater('correlate', 'trace', 0, 0);
			await log.saveLowWater('audit', 'trace', 0, 0);
			const count = await fill(log, 'trace');
			await log.saveLowWater('correlate', 'trace', 0, 40);
			await assert.rejects(log.append([record('trace', 'k', kilobyte)]), isCode('log-full'));
			await log.saveLowWater('audit', 'trace', 0, 20);
			const more = await fill(log, 'trace');
			const { start, end } = await log.bounds('trace', 0);
			assert.equal(start, 20);
			assert.equal(end, count + more);
			assert.equal((await log.read('trace', 0, 0, all))[0]?.offset, 20);
		});

		test('gives up what only a lost store would need before it stands still', smallLog, async (log) => {
			await log.saveLowWater('correlate', 'trace', 0, 0, 0);
			const count = await fill(log, 'trace');
			await log.saveLowWater('correlate', 'trace', 0, 0, count);
			assert.ok((await fill(log, 'trace')) > 10);
			const { start } = await log.bounds('trace', 0);
			assert.ok(start > 0 && start <= count);
		});

		test('keeps the newest of a topic that nobody reads', smallLog, async (log) => {
			assert.equal(await fill(log, 'deadletter'), 1000);
			const { start, end } = await log.bounds('deadletter', 0);
			assert.equal(end, 1000);
			assert.ok(end - start >= 9, `${end - start} records kept`);
		});

		test('never trims indicators', smallLog, async (log) => {
			const count = await fill(log, 'indicator');
			assert.ok(count < 200);
			assert.equal((await log.bounds('indicator', 0)).start, 0);
		});

		test('appends all of a batch or nothing', smallLog, async (log) => {
			await log.saveLowWater('correlate', 'trace', 0, 0);
			await fill(log, 'trace');
			const before = await log.bounds('trace', 0);
			const batch = Array.from({ length: 50 }, () => record('trace', 'k', kilobyte));
			await assert.rejects(log.append(batch), isCode('log-full'));
			assert.deepEqual(await log.bounds('trace', 0), before);
		});
	});
}
