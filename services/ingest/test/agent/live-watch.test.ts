// What the live agent notices of itself: its clock, its pace, and a chain that cannot go on where it stood.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { chainAfterCut } from '../../src/agent/chain-start.ts';
import {
	clockStepCounter,
	type LiveIngestOptions,
	type LiveObservation,
	liveIngestLimits,
	runLiveIngest,
} from '../../src/agent/live-ingest.ts';
import type { LiveSource } from '../../src/source/live-source.ts';
import { batchesOf, memoryStore, memoryWriter } from '../source/memory-writer.ts';
import { testDecoder } from '../source/test-decoder.ts';
import { testKey } from '../source/test-key.ts';

const second = 1_000_000;
const limits = { ...liveIngestLimits, batch: { ...liveIngestLimits.batch, ageUs: 0 } };

/** Hands out one event a pull; runs dry after `events`. */
function sourceOf(events: number, onPull: (pulls: number) => void = () => {}): LiveSource {
	let pulls = 0;
	return {
		kind: 'export',
		resumes: true,
		async pull() {
			await sleep(1);
			onPull(++pulls);
			if (pulls > events) return { inputs: [], losses: [], idle: true };
			const bytes = Buffer.from(JSON.stringify({ host: 'a', t: pulls, path: `/f${pulls}` }));
			return {
				inputs: [{ kind: 'message', bytes, origin: `x:${pulls}`, unterminated: false }],
				losses: [],
				idle: false,
			};
		},
		lagBytes: async () => 4711,
		checkpoint: () => null,
		close: async () => {},
	};
}

function run(store: ReturnType<typeof memoryStore>, source: LiveSource, more: Partial<LiveIngestOptions>) {
	return runLiveIngest({
		openSource: () => source,
		decoder: testDecoder(),
		redact: (text) => text,
		key: testKey(),
		writer: memoryWriter(store),
		host: 'a',
		boot: 'boot',
		recoveredChain: null,
		hooks: [],
		scrape: null,
		quarantine: null,
		nowUs: () => Date.now() * 1000,
		emit: () => {},
		signal: AbortSignal.timeout(5000),
		limits,
		...more,
	});
}

describe('the live agent watches itself', () => {
	it('tells a step of its clock, and the interval that it cannot order', async () => {
		const store = memoryStore();
		const { emit, events } = collectingEmit();
		const start = 1_800_000_000 * second;
		let monotonic = 0;
		let ahead = 0;
		const stop = new AbortController();
		const source = sourceOf(6, (pulls) => {
			monotonic += 10_000;
			if (pulls === 3) ahead = 3600 * second;
			if (pulls === 5) ahead = 0;
			if (pulls === 8) stop.abort();
		});
		const nowUs = (): number => start + monotonic + ahead;
		await run(store, source, { nowUs, monotonicUs: () => monotonic, emit, signal: stop.signal });
		const steps = batchesOf(store.records).flatMap(({ losses }) => losses);
		assert.deepEqual(
			steps.map(({ counter, count, fromUs, toUs }) => [counter, count, toUs - fromUs]),
			[
				[`${clockStepCounter}{direction="forward"}`, 0, 3600 * second],
				[`${clockStepCounter}{direction="back"}`, 0, 3600 * second],
			],
		);
		assert.deepEqual(
			events.filter(({ name }) => name === 'clock_stepped').map(({ reason }) => reason),
			['forward', 'back'],
		);
	});

	it('says that it is behind, why and by how much, and drops nothing', async () => {
		for (const paced of [true, false]) {
			const store = memoryStore();
			const { emit, events } = collectingEmit();
			let monotonic = 0;
			let waitedMs = 0;
			const stop = new AbortController();
			const seen: LiveObservation[] = [];
			const source = sourceOf(40, (pulls) => {
				monotonic += second;
				if (pulls === 42) stop.abort();
			});
			await run(store, source, {
				monotonicUs: () => monotonic,
				// The wall clock goes with it: no step.
				nowUs: () => 1_800_000_000 * second + monotonic,
				emit,
				signal: stop.signal,
				pacer: {
					pace: async () => {
						if (paced) waitedMs += 10;
					},
					waitedMs: () => waitedMs,
				},
				observe: (observation) => seen.push(observation),
			});
			const behind = events.filter(({ name }) => name === 'agent_behind');
			assert.equal(behind.length, 1 + Math.floor((40 - 11) / 30));
			for (const { reason, detail } of behind) {
				assert.equal(reason, paced ? 'cpu-share' : 'source-faster');
				assert.equal(detail?.['lagBytes'], 4711);
				assert.ok((detail?.['lagSeconds'] as number) > 0);
			}
			assert.equal(seen.at(-1)?.behindMs, 0);
			assert.equal(seen.at(-1)?.idle, true);
			assert.equal(
				batchesOf(store.records).reduce((sum, { events: inBatch }) => sum + inBatch.length, 0),
				40,
			);
		}
	});

	it('goes on with its chain after a hole when the machine went down', async () => {
		const store = memoryStore();
		const untilDry = async (more: Partial<LiveIngestOptions>): Promise<void> => {
			const stop = new AbortController();
			await run(
				store,
				sourceOf(3, (pulls) => pulls === 5 && stop.abort()),
				{ signal: stop.signal, ...more },
			);
		};
		await untilDry({});
		const before = batchesOf(store.records);
		await untilDry({ resumeChain: (kept) => chainAfterCut(kept, 5_000_000) });
		const after = batchesOf(store.records).slice(before.length);
		assert.equal(after[0]?.sequence, 5_000_000);
		await untilDry({});
		assert.equal(
			batchesOf(store.records).at(-1)?.sequence,
			5_000_000 + batchesOf(store.records).length - before.length - 1,
		);
	});
});
