import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chainStart } from '@affidavit/model/batch-signature.ts';
import { signedBatchCodec, traceBatchCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import {
	emptyEvent,
	type ProcessInfo,
	type TraceEvent,
	unknownProcess,
	unpackEvents,
} from '@affidavit/model/trace-event.ts';
import fc from 'fast-check';
import {
	type Batcher,
	type BatchLimits,
	type ClosedBatch,
	createBatcher,
	type DecodedEvent,
	liveBatchLimits,
} from '../../src/batch/batcher.ts';
import { testKey } from '../source/test-key.ts';

const key = testKey();
const open = (limits: Partial<BatchLimits> = {}, hooks: string[] = []): Batcher =>
	createBatcher({
		host: 'h',
		boot: 'b',
		source: 'export',
		key,
		limits: { ...liveBatchLimits, ...limits },
		chain: chainStart(),
		hooks,
	});
const closing = { observedUs: 5, losses: [], lossCounters: 'unknown' as const, endOfInput: false };
const payloadOf = (closed: ClosedBatch): Uint8Array => signedBatchCodec.decode(closed.record.value).payload;
const batchOf = (closed: ClosedBatch): TraceBatch => traceBatchCodec.decode(payloadOf(closed));

const entry = (path: string, more: Partial<TraceEvent> = {}, process: Partial<ProcessInfo> = {}): DecodedEvent => ({
	kind: 'event',
	host: 'h',
	event: { ...emptyEvent('open', 1_700_000_000_000_000, process.execId ?? 'p1', 'file_post_open'), path, ...more },
	process: { ...unknownProcess('p1'), parentExecId: 'p0', ...process },
	parent: unknownProcess('p0'),
});

/** Offers everything, closing where the batcher wants it. */
function cut(batcher: Batcher, entries: readonly DecodedEvent[]): ClosedBatch[] {
	const closed: ClosedBatch[] = [];
	for (const one of entries) {
		if (batcher.offer(one, 0) === 'close-first') {
			closed.push(batcher.close(closing));
			assert.equal(batcher.offer(one, 0), 'added');
		}
		if (batcher.due(0)) closed.push(batcher.close(closing));
	}
	closed.push(batcher.close(closing));
	return closed;
}

describe('the batcher', () => {
	it("keeps the description of a process that first came as a parent's id alone", () => {
		const batcher = open();
		const child = entry('/a', {}, { execId: 'p2', parentExecId: 'p1' });
		batcher.offer({ ...child, parent: unknownProcess('p1') }, 0);
		batcher.offer(entry('/b', {}, { pid: 7, binary: '/bin/sh' }), 0);
		const { processes } = unpackEvents(batchOf(batcher.close(closing)));
		const [parent] = processes.filter((p) => p.execId === 'p1');
		assert.deepEqual([parent?.pid, parent?.binary], [7, '/bin/sh']);
	});

	it('closes at its number of events and after its age', () => {
		const batcher = open({ events: 3 });
		assert.equal(batcher.offer(entry('/a'), 1000), 'added');
		assert.equal(batcher.due(1000 + 99_999), false);
		assert.equal(batcher.due(1000 + 100_000), true);
		batcher.offer(entry('/b'), 2000);
		batcher.offer(entry('/c'), 2000);
		assert.equal(batcher.due(2000), true);
		assert.equal(batcher.offer(entry('/d'), 2000), 'close-first');
		assert.equal(batcher.close(closing).events, 3);
		assert.equal(batcher.due(1e12), false);
	});

	it('chains its batches, heartbeats too, by the digest of the payload before', () => {
		const batcher = open();
		const first = batcher.close(closing);
		batcher.offer(entry('/a'), 0);
		const second = batcher.close(closing);
		assert.deepEqual([batchOf(first).sequence, batchOf(first).events.length], [0, 0]);
		assert.deepEqual(Buffer.from(batchOf(first).previous), Buffer.alloc(32));
		assert.equal(Buffer.from(batchOf(second).previous).toString('hex'), sha256Hex(payloadOf(first)));
		assert.equal(Buffer.from(batcher.chain().previous).toString('hex'), sha256Hex(payloadOf(second)));
		assert.equal(batcher.chain().sequence, 2);
	});

	it('carries losses, counters, end of input and the hooks known and seen', () => {
		const batcher = open({}, ['security_path_rename']);
		batcher.offer(entry('/a', { hook: 'bprm_check_security' }), 0);
		const loss = { counter: 'c', count: 1, fromUs: 1, toUs: 2 };
		const batch = batchOf(batcher.close({ ...closing, losses: [loss], lossCounters: 'known', endOfInput: true }));
		assert.deepEqual([{ ...batch.losses[0] }, batch.lossCounters, batch.endOfInput], [loss, 'known', true]);
		assert.deepEqual(batch.hooks, ['bprm_check_security', 'security_path_rename']);
	});

	it('takes a path of 1 MiB alone, refuses what is larger than an event may be', () => {
		const batcher = open();
		batcher.offer(entry('/a'), 0);
		const large = entry('x'.repeat(1024 * 1024));
		assert.equal(batcher.offer(large, 0), 'close-first');
		batcher.close(closing);
		assert.equal(batcher.offer(large, 0), 'added');
		assert.equal(batcher.due(0), true);
		assert.equal(unpackEvents(batchOf(batcher.close(closing))).events[0]?.path.length, 1024 * 1024);
		const refused = batcher.offer(entry('x'.repeat(5 * 1024 * 1024)), 0);
		assert.equal(typeof refused === 'object' && refused.code, 'too-long');
		assert.equal(batcher.pending(), 0);
	});

	it('refuses numbers that the schema does not hold, and names the field', () => {
		const batcher = open();
		const cases: [DecodedEvent, RegExp][] = [
			[entry('/a', { pid: 2 ** 31 }), /^pid:/],
			[entry('/a', { size: 2 ** 52 + 1 }), /^size:/],
			[entry('/a', { timeUs: Number.NaN }), /^timeUs:/],
			[entry('/a', {}, { uid: 4294967294 }), /^process\.uid:/],
		];
		for (const [bad, message] of cases) {
			const refused = batcher.offer(bad, 0);
			assert.ok(typeof refused === 'object');
			assert.equal(refused.code, 'out-of-range');
			assert.match(refused.message, message);
		}
		assert.equal(batcher.close(closing).events, 0);
	});

	it('bounds the list of hooks', () => {
		const batcher = open();
		for (let i = 0; i < 600; i++) batcher.offer(entry('/a', { hook: `uprobe:${i}` }), 0);
		batcher.offer(entry('/a', { hook: 'x'.repeat(500) }), 0);
		assert.equal(batcher.hooks().length, 256);
	});
});

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const arbitraryEntry = fc
	.record({
		path: fc.oneof(
			text,
			fc.integer({ min: 0, max: 3000 }).map((n) => 'é'.repeat(n)),
		),
		path2: text,
		digest: text,
		id: fc.integer({ min: 0, max: 5 }),
		number: fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
		pid: fc.integer(),
		environment: fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: false }),
	})
	.map(({ path, path2, digest, id, number, pid, environment }) =>
		entry(
			path,
			{ path2, digest, pid, size: number, timeUs: Math.abs(number), execId: `p${id}` },
			{
				execId: `p${id}`,
				arguments: path2,
				environment: { ...environment, ['__proto__x']: 'y' },
			},
		),
	);

it('any cut unpacks to the same events, and no batch exceeds its limits', () => {
	fc.assert(
		fc.property(
			fc.array(arbitraryEntry, { maxLength: 40 }),
			fc.integer({ min: 1, max: 20 }),
			fc.integer({ min: 300, max: 20_000 }),
			(entries, events, bytes) => {
				const closed = cut(open({ events, bytes }), entries);
				for (const one of closed) {
					assert.ok(one.events <= events);
					assert.ok(one.events <= 1 || payloadOf(one).length <= bytes, `${payloadOf(one).length} > ${bytes}`);
				}
				const unpacked = closed.flatMap((one) => unpackEvents(batchOf(one)).events);
				assert.deepEqual(
					unpacked,
					entries.map((e) => e.event),
				);
				for (const one of closed) {
					const { processes, events: inBatch } = unpackEvents(batchOf(one));
					const ids = new Set(processes.map((p) => p.execId));
					for (const event of inBatch) assert.ok(ids.has(event.execId) && ids.has('p0'));
				}
			},
		),
		{ numRuns: 100 },
	);
});
