import assert from 'node:assert/strict';
import {
	appendFileSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { readBootId } from '../../src/agent/boot-id.ts';
import { type LiveIngestOptions, liveIngestLimits, runLiveIngest } from '../../src/agent/live-ingest.ts';
import { openQuarantine } from '../../src/agent/quarantine.ts';
import { scrapeMetrics } from '../../src/loss/scrape.ts';
import { openExportSource } from '../../src/source/export/export-source.ts';
import type { LiveSource } from '../../src/source/live-source.ts';
import { batchesOf, deadLettersOf, type MemoryStore, memoryStore, memoryWriter } from '../source/memory-writer.ts';
import { testDecoder } from '../source/test-decoder.ts';
import { testKey } from '../source/test-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-live-'));
after(() => rmSync(folder, { recursive: true }));
const key = testKey();
const { emit } = collectingEmit();
const nowUs = (): number => Date.now() * 1000;
const limits = {
	...liveIngestLimits,
	heartbeatUs: 50_000,
	scrapeUs: 20_000,
	batch: { ...liveIngestLimits.batch, ageUs: 10_000 },
};
const exportSource = (path: string) => (checkpoint: Uint8Array | null) =>
	openExportSource({ path, checkpoint, emit, nowUs });

function run(store: MemoryStore, more: Partial<LiveIngestOptions>): Promise<unknown> {
	return runLiveIngest({
		openSource: exportSource(join(folder, 'none.log')),
		decoder: testDecoder(),
		redact: (text) => text,
		key,
		writer: memoryWriter(store),
		host: 'a',
		boot: 'boot',
		recoveredChain: null,
		hooks: [],
		scrape: null,
		quarantine: null,
		nowUs,
		emit,
		signal: AbortSignal.timeout(10_000),
		limits,
		...more,
	});
}

async function until(condition: () => boolean): Promise<void> {
	for (let i = 0; i < 1000 && !condition(); i++) await sleep(5);
	assert.ok(condition(), 'not in time');
}

const line = (i: number): string => `${JSON.stringify({ host: 'a', t: i, path: `/f${i}` })}\n`;
const eventsIn = (store: MemoryStore): number => batchesOf(store.records).reduce((sum, b) => sum + b.events.length, 0);

describe('the live agent on an export file', () => {
	it('commits each event once over restarts and rotation, in one chain, with heartbeats', async () => {
		const path = join(folder, 'tetragon.log');
		const store = memoryStore();
		writeFileSync(path, '');
		let written = 0;
		for (let round = 0; round < 4; round++) {
			const stop = new AbortController();
			const running = run(store, { openSource: exportSource(path), signal: stop.signal });
			for (let i = 0; i < 50; i++) appendFileSync(path, line(written++));
			if (round === 1) {
				renameSync(path, `${path}.1`);
				for (let i = 0; i < 50; i++) appendFileSync(path, line(written++));
			}
			await until(() => eventsIn(store) === written);
			stop.abort();
			await running;
			appendFileSync(path, line(written++));
		}
		const batches = batchesOf(store.records);
		const paths = batches.flatMap((b) => b.events.map((e) => b.strings[e.path]));
		assert.deepEqual(
			paths,
			Array.from({ length: written - 1 }, (_, i) => `/f${i}`),
		);
		assert.deepEqual(
			batches.map((b) => b.sequence),
			batches.map((_, i) => i),
		);
		const idle = memoryStore();
		await run(idle, { openSource: exportSource(path), signal: AbortSignal.timeout(400) });
		const heartbeats = batchesOf(idle.records).filter((b) => b.events.length === 0);
		assert.ok(heartbeats.length >= 3, `${heartbeats.length} heartbeats`);
	});

	it('keeps the raw bytes of bad lines on the host, for its owner only, within bounds', async () => {
		const path = join(folder, 'bad.log');
		const kept = join(folder, 'quarantine');
		const store = memoryStore();
		writeFileSync(path, `${line(1)}{"bad\n{"bad\n{"worse\n{"third\n${line(2)}`);
		const dropped = collectingEmit();
		const quarantine = await openQuarantine(kept, dropped.emit, { files: 2, bytes: 1000 });
		const stop = new AbortController();
		const running = run(store, { openSource: exportSource(path), quarantine, signal: stop.signal });
		await until(() => eventsIn(store) === 2);
		stop.abort();
		await running;
		assert.deepEqual(readdirSync(kept).sort(), [sha256Hex('{"bad'), sha256Hex('{"worse')].sort());
		assert.equal(readFileSync(join(kept, sha256Hex('{"bad')), 'utf8'), '{"bad');
		assert.equal(statSync(join(kept, sha256Hex('{"bad'))).mode & 0o777, 0o600);
		assert.equal(dropped.count('quarantine_dropped'), 1);
		assert.deepEqual(
			deadLettersOf(store.records).map((l) => l.origin),
			['bad.log:2', 'bad.log:3', 'bad.log:4', 'bad.log:5'],
		);
		const again = await openQuarantine(kept, dropped.emit, { files: 2, bytes: 1000 });
		await again.keep(sha256Hex('x'), Buffer.from('x'));
		assert.equal(dropped.count('quarantine_dropped'), 2);
	});

	it('waits for a folder that is not there yet', async () => {
		const store = memoryStore();
		const source = exportSource(join(folder, 'later', 'tetragon.log'));
		await run(store, { openSource: source, signal: AbortSignal.timeout(150) });
		assert.ok(batchesOf(store.records).length > 0);
	});
});

describe('the live agent', () => {
	it('builds nothing on a commit that was refused', async () => {
		const path = join(folder, 'refused.log');
		writeFileSync(path, line(1));
		const store = memoryStore();
		let commits = 0;
		const full = {
			cells: store.cells,
			commit: async () => ({ kind: ++commits > 0 ? 'refused' : 'published' }) as const,
		};
		await run(store, { openSource: exportSource(path), writer: full });
		assert.equal(commits, 1);
		const stop = new AbortController();
		const running = run(store, { openSource: exportSource(path), signal: stop.signal });
		await until(() => eventsIn(store) === 1);
		stop.abort();
		await running;
		assert.equal(batchesOf(store.records)[0]?.sequence, 0);
	});

	it('tells what a source that does not resume missed while no agent ran', async () => {
		const source: LiveSource = {
			kind: 'grpc',
			resumes: false,
			async pull(waitMs, signal) {
				await sleep(waitMs, undefined, { signal }).catch(() => {});
				return { inputs: [], losses: [], idle: true };
			},
			checkpoint: () => null,
			close: async () => {},
		};
		const store = memoryStore();
		const more = { openSource: () => source };
		await run(store, { ...more, signal: AbortSignal.timeout(100) });
		assert.deepEqual(
			batchesOf(store.records).flatMap((b) => b.losses),
			[],
		);
		await run(store, { ...more, signal: AbortSignal.timeout(100) });
		const losses = batchesOf(store.records).flatMap((b) => b.losses);
		assert.deepEqual(
			losses.map((l) => [l.counter, l.count]),
			[['affidavit_source_disconnected{reason="agent-stopped"}', 0]],
		);
		assert.ok((losses[0]?.fromUs ?? 0) <= (losses[0]?.toUs ?? -1));
	});

	it('scrapes the loss counters beside the events', async () => {
		let value = 0;
		const server = await serve((_, response) => {
			value += 2;
			response.end(`tetragon_bpf_missed_events_total ${value}\n`);
		});
		const store = memoryStore();
		const url = urlOf(server);
		await run(store, { scrape: (signal) => scrapeMetrics(url, signal), signal: AbortSignal.timeout(300) });
		server.close();
		const batches = batchesOf(store.records);
		assert.equal(batches.at(-1)?.lossCounters, 'known');
		const lost = batches.flatMap((b) => b.losses).reduce((sum, l) => sum + l.count, 0);
		assert.ok(lost >= 2 && lost <= value - 2, `${lost} of ${value}`);
	});
});

describe('a scrape', () => {
	const limited = { timeoutMs: 200, bytesMax: 10_000 };
	const signal = new AbortController().signal;
	const cases: [string, Parameters<typeof serve>[0], RegExp][] = [
		['of an error page', (_, r) => r.writeHead(503).end('no'), /HTTP 503/],
		['that is redirected', (_, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), /redirect/],
		['that never ends', (_, r) => r.write('a 1\n'), /timeout|aborted/i],
		['without end of bytes', (_, r) => r.end('x'.repeat(1_000_000)), /more than 10000 bytes/],
	];
	for (const [name, handler, message] of cases)
		it(`${name} says so`, async () => {
			const server = await serve(handler);
			const scraped = await scrapeMetrics(urlOf(server), signal, limited);
			server.closeAllConnections();
			server.close();
			assert.match(scraped.kind === 'error' ? scraped.message : '', message);
		});
	it('of nobody says so', async () => {
		const scraped = await scrapeMetrics('http://127.0.0.1:1/metrics', signal, limited);
		assert.match(scraped.kind === 'error' ? scraped.message : '', /127\.0\.0\.1:1/);
	});
});

it('the boot id is read where there is one', async () => {
	assert.match((await readBootId()) ?? '', /^[0-9a-f-]{36}$/);
	assert.equal(await readBootId(join(folder, 'absent')), null);
	writeFileSync(join(folder, 'boot'), 'x\n');
	assert.equal(await readBootId(join(folder, 'boot')), null);
});

async function serve(handler: Parameters<typeof createServer>[1]): Promise<Server> {
	const server = createServer(handler as never);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return server;
}
const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
