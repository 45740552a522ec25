// The recorded streams through the real decoder, the embedded log and the embedded store.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { verifySignedBatch } from '@affidavit/model/batch-signature.ts';
import type { TraceEvent, UnpackedBatch } from '@affidavit/model/trace-event.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { CrashError, type CrashPoint } from '@affidavit/stream/runner/options.ts';
import { openSource } from '@affidavit/stream/runner/source.ts';
import { recoverChain } from '../../src/agent/chain-recovery.ts';
import { type FileIngestResult, fileIngestLimits, runFileIngest } from '../../src/agent/file-ingest.ts';
import { createJsonDecoder } from '../../src/json/decoder.ts';
import { createRedactor } from '../../src/redact/redactor.ts';
import { testKey } from '../source/test-key.ts';

const root = mkdtempSync(join(tmpdir(), 'affidavit-recorded-'));
after(() => rmSync(root, { recursive: true }));
const key = testKey();
const { emit } = collectingEmit();
const fixture = (name: string): string => new URL(`../../../../test/fixtures/traces/${name}`, import.meta.url).pathname;

interface Run {
	result: FileIngestResult | 'crashed';
	batches: UnpackedBatch[];
	payloads: string[];
}

/** One process life: opens log and store, ingests until the end or the crash, reads what is in the log. */
async function live(folder: string, file: string, metrics: string[], crashAt = Number.POSITIVE_INFINITY): Promise<Run> {
	const log = openEmbeddedLog({ folder, emit });
	const store = openEmbeddedStore({ folder });
	let points = 0;
	const crashPoint = (_: CrashPoint): void => {
		if (++points === crashAt) throw new CrashError(_);
	};
	try {
		const result = await ingest();
		return { result, ...(await published()) };
	} finally {
		await store.close();
		await log.close();
	}

	async function ingest(): Promise<FileIngestResult | 'crashed'> {
		try {
			const writer = await openSource({ stage: 'ingest:test', partition: 0 }, { log, store, emit }, { crashPoint });
			return await runFileIngest({
				files: [file],
				decoder: createJsonDecoder(),
				redact: createRedactor(),
				key,
				writer,
				metrics,
				emit,
				limits: { ...fileIngestLimits, batch: { ...fileIngestLimits.batch, events: 300 } },
			});
		} catch (error) {
			assert.ok(error instanceof CrashError);
			return 'crashed';
		}
	}

	async function published(): Promise<{ batches: UnpackedBatch[]; payloads: string[] }> {
		const batches: UnpackedBatch[] = [];
		const payloads: string[] = [];
		const seen = new Set<string>();
		const { start, end } = await log.bounds('trace', 0);
		for (let offset = start; offset < end; offset++) {
			const [record] = await log.read('trace', 0, offset, { records: 1, bytes: 1 });
			// As a reader does: what was published twice is dropped by its origin.
			const origin = `${record?.origin?.offset}/${record?.origin?.index}`;
			if (record === undefined || seen.has(origin)) continue;
			seen.add(origin);
			const verified = verifySignedBatch(record.value, (_, id) => (id === key.keyId ? key.publicKey : undefined));
			assert.ok(verified.kind === 'ok', JSON.stringify(verified).slice(0, 200));
			batches.push(verified.batch);
			payloads.push(Buffer.from(verified.payloadDigest).toString('hex'));
		}
		const [last, head] = [batches.at(-1), await recoverChain(log, 'tetravm', key)];
		assert.equal(head?.sequence, last === undefined ? undefined : last.sequence + 1);
		return { batches, payloads };
	}
}

const folder = (): string => mkdtempSync(join(root, 'run-'));

describe('a recorded stream', () => {
	it('is the same chain of batches with a crash at any point of the commit protocol', async () => {
		const file = fixture('07-net-foreign/events.jsonl.gz');
		const whole = await live(folder(), file, []);
		assert.ok(whole.result !== 'crashed' && whole.result.kind === 'done');
		assert.deepEqual(
			whole.batches.map((b) => Buffer.from(b.previous).toString('hex')).slice(1),
			whole.payloads.slice(0, -1),
		);
		const events = whole.batches.flatMap((b) => b.events);
		const decoder = createJsonDecoder();
		const lines = gunzipSync(readFileSync(file)).toString().split('\n').filter(Boolean);
		const decoded = lines.map((line): TraceEvent => {
			const result = decoder.decode(Buffer.from(line));
			assert.ok(result.kind === 'event');
			return result.event;
		});
		assert.deepEqual(events, decoded);
		for (let crashAt = 1; crashAt <= 20; crashAt += 3) {
			const at = folder();
			for (let life = 0; life < 3; life++) await live(at, file, [], crashAt);
			const { result, payloads } = await live(at, file, []);
			assert.notEqual(result, 'crashed');
			assert.deepEqual(payloads, whole.payloads, `crash at point ${crashAt}`);
		}
	});

	it('with scrapes that grew ends with its losses, over the time of the recording', async () => {
		const metrics = ['before', 'after'].map((when) => readFileSync(fixture(`09-loss/metrics-${when}.txt`), 'utf8'));
		const { batches } = await live(folder(), fixture('09-loss/events.jsonl.gz'), metrics);
		assert.equal(batches.flatMap((b) => b.events).length, 31_003);
		const last = batches.at(-1);
		assert.deepEqual([last?.endOfInput, last?.lossCounters], [true, 'known']);
		assert.deepEqual(
			last?.losses.map((l) => l.count),
			[372, 1],
		);
		const times = batches.flatMap((b) => b.events.map((e) => e.timeUs)).sort((a, b) => a - b);
		assert.deepEqual([last?.losses[0]?.fromUs, last?.losses[0]?.toUs], [times[0], times.at(-1)]);
		assert.deepEqual(
			batches.slice(0, -1).flatMap((b) => b.losses),
			[],
		);
	});
});
