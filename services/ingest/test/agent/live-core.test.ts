import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chainStart } from '@affidavit/model/batch-signature.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import { createLiveCore, type LiveCore, type LiveLimits } from '../../src/agent/live-core.ts';
import { decodeLiveState, type LiveState, liveCell, newLiveState } from '../../src/agent/live-state.ts';
import { liveBatchLimits } from '../../src/batch/batcher.ts';
import { rawInput } from '../../src/source/dead-letter.ts';
import { batchesOf, deadLettersOf } from '../source/memory-writer.ts';
import { baseUs, testDecoder } from '../source/test-decoder.ts';
import { testKey } from '../source/test-key.ts';

const key = testKey();
const limits: LiveLimits = { batch: liveBatchLimits, heartbeatUs: 1_000_000, deadLetters: 3 };

function open(saved: LiveState = newLiveState('a', chainStart())): { core: LiveCore; count: (name: string) => number } {
	const { emit, count } = collectingEmit();
	const options = { decoder: testDecoder(), redact: (text: string) => text, boot: 'boot', source: 'export' as const };
	return { core: createLiveCore(saved, { ...options, key, hooks: ['bprm_check_security'], limits, emit }), count };
}
const feed = (core: LiveCore, text: string, nowUs: number, unterminated = false) =>
	core.input({ kind: 'message', bytes: Buffer.from(text), origin: 'x:1', unterminated }, nowUs);
const event = (host = 'a'): string => JSON.stringify({ host, t: 0 });
const stateOf = (flushed: { cells: Map<string, Uint8Array | null> }): LiveState =>
	decodeLiveState(flushed.cells.get(liveCell) as Uint8Array);
const scrape = (value: number) => ({
	kind: 'ok' as const,
	text: `tetragon_bpf_missed_events_total{msg_op="13"} ${value}\n`,
});
const lossesOf = (records: OutRecord[]) =>
	batchesOf(records).flatMap((b) => b.losses.map((l) => [l.counter, l.count, l.fromUs, l.toUs]));

describe('the live agent', () => {
	it('sends a batch when the oldest event has waited 100 ms', () => {
		const { core } = open();
		feed(core, event(), baseUs);
		assert.equal(core.due(baseUs + 99_000, true), false);
		assert.equal(core.dueInUs(baseUs + 99_000), 0);
		assert.equal(core.due(baseUs + 100_000, false), true);
		const { records } = core.flush(baseUs + 100_000, false);
		const [batch] = batchesOf(records);
		assert.deepEqual(
			[batch?.events.length, batch?.observedUs, batch?.boot, batch?.source],
			[1, baseUs + 100_000, 'boot', 'export'],
		);
		assert.deepEqual(batch?.hooks, ['bprm_check_security', 'file_post_open']);
	});

	it('counts lines that may have been an event as loss since the events beside them, also when it reads late', () => {
		const { core } = open();
		const hourLater = baseUs + 3_600_000_000;
		feed(core, event(), hourLater);
		feed(core, '{"cut', hourLater);
		feed(core, event().slice(0, -2), hourLater, true);
		const at = [baseUs - 10_000_000, hourLater];
		assert.deepEqual(lossesOf(core.flush(hourLater, true).records).sort(), [
			['affidavit_input_cut_lines', 1, ...at],
			['affidavit_input_refused_lines', 1, ...at],
		]);
	});

	it('sends a heartbeat every second, never over a backlog, and when its clock was set back', () => {
		const { core } = open();
		assert.equal(core.due(baseUs, false), false);
		assert.equal(core.due(baseUs, true), true);
		assert.equal(batchesOf(core.flush(baseUs, true).records)[0]?.events.length, 0);
		assert.equal(core.due(baseUs + 999_999, true), false);
		assert.equal(core.due(baseUs + 1_000_000, false), false);
		assert.equal(core.due(baseUs + 1_000_000, true), true);
		assert.equal(core.due(baseUs - 1, true), true);
		assert.equal(batchesOf(core.flush(baseUs - 1, true).records)[0]?.observedUs, baseUs - 1);
	});

	it('goes on with its chain, hooks and counters after a restart', () => {
		const first = open();
		feed(first.core, event(), baseUs);
		first.core.scraped(scrape(5), baseUs);
		const flushed = first.core.flush(baseUs, false);
		assert.deepEqual(lossesOf(flushed.records), []);
		const second = open(stateOf(flushed));
		second.core.scraped(scrape(12), baseUs + 9e6);
		const { records } = second.core.flush(baseUs + 9e6, true);
		const [batch] = batchesOf(records);
		assert.deepEqual([batch?.sequence, batch?.lossCounters], [1, 'known']);
		assert.deepEqual(batch?.hooks, ['bprm_check_security', 'file_post_open']);
		assert.deepEqual(lossesOf(records), [['tetragon_bpf_missed_events_total{msg_op="13"}', 7, baseUs, baseUs + 9e6]]);
		assert.equal(second.count('sensor_events_lost'), 7);
	});

	it('tells losses once, an unknown number as 0, and does not move time over a backlog', () => {
		const { core } = open();
		core.flush(baseUs, true);
		core.lost({ counter: 'c', count: 3, fromUs: 5, toUs: 6 });
		core.lost({ counter: 'c', count: 0, fromUs: 4, toUs: 5 });
		core.lost({ counter: 'c', count: 3, fromUs: 5, toUs: 9 });
		const { records } = core.flush(baseUs + 5e6, false);
		assert.deepEqual(lossesOf(records), [['c', 0, 4, 9]]);
		assert.equal(batchesOf(records)[0]?.observedUs, baseUs);
		assert.deepEqual(core.flush(baseUs + 5e6, false).records, []);
	});

	it('says that the counters are unknown when a scrape fails, and counts what grew meanwhile', () => {
		const { core, count } = open();
		core.scraped(scrape(5), 1);
		core.scraped({ kind: 'error', message: 'refused' }, 2);
		assert.equal(batchesOf(core.flush(baseUs, true).records)[0]?.lossCounters, 'unknown');
		core.scraped(scrape(6), 3);
		assert.deepEqual(
			lossesOf(core.flush(baseUs + 2e6, true).records).map((l) => l.slice(1)),
			[[1, 1, 3]],
		);
		core.scraped(scrape(2), 4);
		assert.deepEqual(
			lossesOf(core.flush(baseUs + 4e6, true).records).map((l) => l.slice(1)),
			[[2, 3, 4]],
		);
		assert.equal(count('loss_counters_interrupted'), 2);
	});

	it('takes its name from the first event and refuses events of others', () => {
		const { core } = open(newLiveState('', chainStart()));
		assert.equal(core.due(baseUs, true), false);
		feed(core, event('first'), baseUs);
		const bad = feed(core, event('other'), baseUs);
		assert.equal(bad?.bytes.toString(), event('other'));
		const flushed = core.flush(baseUs, false);
		assert.deepEqual(
			batchesOf(flushed.records).map((b) => [b.host, b.events.length]),
			[['first', 1]],
		);
		assert.deepEqual(
			deadLettersOf(flushed.records).map((l) => [l.origin, l.code, l.digest]),
			[['x:1', 'foreign-host', bad?.digest]],
		);
		assert.equal(stateOf(flushed).host, 'first');
	});

	it('bounds the dead letters of a commit and counts the rest', () => {
		const { core, count } = open();
		for (let i = 0; i < 10; i++) feed(core, '{', baseUs);
		core.input({ kind: 'oversize', raw: rawInput(Buffer.from('x')), origin: 'x:2' }, baseUs);
		assert.equal(core.due(baseUs, false), true);
		assert.equal(deadLettersOf(core.flush(baseUs, false).records).length, 3);
		assert.deepEqual([count('ingest_input_refused'), count('ingest_dead_letters_suppressed')], [3, 8]);
		assert.equal(core.counts().deadLetters, 11);
		feed(core, '{"a', baseUs, true);
		assert.equal(deadLettersOf(core.flush(baseUs, false).records)[0]?.code, 'truncated-line');
	});
});
