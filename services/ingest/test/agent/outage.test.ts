// An agent as a whole (tail, batches, spool, forwarder) while the brokers are away. AGENT_OUTAGE_S and AGENT_EVENTS_PER_S make it
// longer and heavier by hand: 180 and 2000 are what the agent has to stand.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { signedBatchCodec, traceBatchCodec } from '@affidavit/model/codec.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import { collectingEmit, type Emit } from '@affidavit/stream/internal-event.ts';
import { createForwarder } from '../../src/agent/forward.ts';
import { liveIngestLimits, runLiveIngest } from '../../src/agent/live-ingest.ts';
import type { Spool } from '../../src/agent/spool.ts';
import { openExportSource } from '../../src/source/export/export-source.ts';
import { exportGapCounter } from '../../src/source/live-source.ts';
import { testDecoder } from '../source/test-decoder.ts';
import { testKey } from '../source/test-key.ts';
import {
	forwardOptions,
	mib,
	newFolder,
	type Remote,
	recordsOf,
	remoteThat,
	sourceOf,
	spoolAt,
} from './spool-samples.ts';

const outageMs = Number(process.env['AGENT_OUTAGE_S'] ?? 2) * 1000;
const eventsPerSecond = Number(process.env['AGENT_EVENTS_PER_S'] ?? 2000);
const nowUs = (): number => Date.now() * 1000;
const limits = { ...liveIngestLimits, heartbeatUs: 200_000 };

async function runIngest(spool: Spool, path: string, emit: Emit, signal: AbortSignal): Promise<unknown> {
	return runLiveIngest({
		openSource: (checkpoint) => openExportSource({ path, checkpoint, emit, nowUs }),
		decoder: testDecoder(),
		redact: (text) => text,
		key: testKey(),
		writer: await sourceOf(spool, emit),
		host: 'a',
		boot: 'boot',
		recoveredChain: null,
		hooks: [],
		scrape: null,
		quarantine: null,
		nowUs,
		emit,
		signal,
		limits,
	});
}

async function batchesAt(remote: Remote): Promise<TraceBatch[]> {
	const records = await recordsOf(remote.log, 'trace');
	return records.map(({ value }) => traceBatchCodec.decode(signedBatchCodec.decode(value).payload));
}

const pathOf = (i: number): string => `/f${i}/${'x'.repeat(100)}`;
const line = (i: number): string => `${JSON.stringify({ host: 'a', t: i / 1000, path: pathOf(i) })}\n`;

const pathsOf = (batches: readonly TraceBatch[]): string[] =>
	batches.flatMap(({ events, strings }) => events.map(({ path }) => strings[path] as string));

describe('while the brokers are away', () => {
	it('nothing is lost, order and chain hold, and it is caught up soon after', async (context) => {
		const folder = newFolder();
		mkdirSync(folder);
		const path = join(folder, 'tetragon.log');
		writeFileSync(path, '');
		const spool = await spoolAt(join(folder, 'spool'), { bytesMax: 1024 * mib });
		let away = false;
		const remote = remoteThat(() => (away ? 'nothing-taken' : 'none'));
		const { emit, count } = collectingEmit();
		const stop = new AbortController();
		context.after(() => {
			away = false;
			stop.abort();
		});
		const reading = runIngest(spool, path, emit, stop.signal);
		const forwarding = createForwarder(forwardOptions(spool, remote, { emit })).run(
			reading,
			new AbortController().signal,
		);
		let written = 0;
		const write = async (ms: number): Promise<void> => {
			for (const end = performance.now() + ms; performance.now() < end; await sleep(20)) {
				let text = '';
				for (let i = 0; i < eventsPerSecond / 50; i++) text += line(written++);
				appendFileSync(path, text);
			}
		};
		await write(500);
		away = true;
		await write(outageMs);
		assert.ok(spool.backlog().records > 3, `${spool.backlog().records}`);
		away = false;
		const backAt = performance.now();
		while (spool.backlog().records > 3) await sleep(2);
		const caughtUpMs = performance.now() - backAt;
		stop.abort();
		await reading;
		assert.equal(await forwarding, 'drained');
		const batches = await batchesAt(remote);
		assert.deepEqual(
			pathsOf(batches),
			Array.from({ length: pathsOf(batches).length }, (_, i) => pathOf(i)),
		);
		assert.ok(
			written - pathsOf(batches).length <= eventsPerSecond / 2,
			'only what was written when it stopped is missing',
		);
		assert.deepEqual(
			batches.map(({ sequence }) => sequence),
			batches.map((_, i) => i),
		);
		assert.equal(count('forward_resumed'), 1);
		assert.ok(caughtUpMs < Math.max(2000, outageMs), `${caughtUpMs} ms`);
		await spool.close();
	});

	it('a full spool stops reading; what is rotated away meanwhile is told as a loss of that time', async (context) => {
		const folder = newFolder();
		mkdirSync(folder);
		const path = join(folder, 'tetragon.log');
		writeFileSync(path, '');
		const spool = await spoolAt(join(folder, 'spool'), { bytesMax: mib / 2 });
		let away = true;
		const remote = remoteThat(() => (away ? 'nothing-taken' : 'none'));
		const { emit, count } = collectingEmit();
		const stop = new AbortController();
		context.after(() => {
			away = false;
			stop.abort();
		});
		const reading = runIngest(spool, path, emit, stop.signal);
		const forwarding = createForwarder(forwardOptions(spool, remote, { emit })).run(
			reading,
			new AbortController().signal,
		);
		const began = nowUs();
		let written = 0;
		// As the sensor rotates: the live file is renamed, and beyond three old ones the oldest goes.
		for (let file = 0; file < 40; file++) {
			let text = '';
			for (let i = 0; i < 1000; i++) text += line(written++);
			appendFileSync(path, text);
			await sleep(15);
			renameSync(path, join(folder, `tetragon-2026-11-23T04-00-00.${String(file).padStart(3, '0')}.log`));
			writeFileSync(path, '');
			const old = readdirSync(folder)
				.filter((name) => name.startsWith('tetragon-'))
				.sort();
			for (const name of old.slice(0, -3)) rmSync(join(folder, name));
		}
		assert.ok(count('publish_delayed') > 0, 'the spool was never full');
		assert.ok(spool.backlog().bytes < mib / 2);
		away = false;
		appendFileSync(path, line(written++));
		const lastPath = pathOf(written - 1);
		for (const end = Date.now() + 20_000; ; await sleep(20)) {
			assert.ok(Date.now() < end, 'the last event did not arrive');
			if (pathsOf((await batchesAt(remote)).slice(-5)).includes(lastPath)) break;
		}
		stop.abort();
		await reading;
		await forwarding;
		const batches = await batchesAt(remote);
		const paths = pathsOf(batches);
		assert.ok(paths.length < written, 'nothing was rotated away: no test');
		assert.equal(new Set(paths).size, paths.length);
		assert.deepEqual(
			batches.map(({ sequence }) => sequence),
			batches.map((_, i) => i),
		);
		const losses = batches.flatMap((batch) => batch.losses);
		assert.ok(losses.length > 0);
		for (const { counter, count: lost, fromUs, toUs } of losses) {
			assert.equal(counter, `${exportGapCounter}{reason="rotated-away"}`);
			assert.equal(lost, 0);
			assert.ok(fromUs >= began - 1_000_000 && toUs >= fromUs && toUs <= nowUs(), `${fromUs} ${toUs}`);
		}
		await spool.close();
	});
});
