// Same events, other order of arrival, other batches, duplicates, restarts: the same facts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import fc from 'fast-check';
import { createAgent, type Decoded, factsOf, recordsOf, run } from './support/pipeline.ts';
import { decodeStream } from './support/recorded.ts';
import { restarting } from './support/small-build.ts';

const skewUs = 9_900_000;

/** Shuffled within the skew, every tenth event twice, cut at random. */
function rearranged(host: string, decoded: readonly Decoded[], random: () => number): LogRecord[] {
	const arrivals: { one: Decoded; at: number }[] = [];
	for (const one of decoded) {
		arrivals.push({ one, at: one.event.timeUs + random() * skewUs });
		if (random() < 0.1) arrivals.push({ one, at: one.event.timeUs + random() * skewUs });
	}
	arrivals.sort((a, b) => a.at - b.at);
	const agent = createAgent(host);
	const records: LogRecord[] = [];
	for (let at = 0; at < arrivals.length; ) {
		const size = 1 + Math.floor(random() * 400);
		records.push(agent.record(arrivals.slice(at, at + size).map((a) => a.one)));
		at += size;
	}
	records.push(agent.record([], { endOfInput: true }));
	return records;
}

/** Numbers in [0, 1) from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

for (const name of ['07-net-foreign', '06-two-builds'])
	test(`${name}: shuffled within the skew, duplicated, cut otherwise: the same facts`, async () => {
		const { host, decoded } = decodeStream(name);
		const expected = factsOf(await run(recordsOf(host, decoded, 1000)));
		await fc.assert(
			fc.asyncProperty(fc.integer(), async (seed) => {
				assert.deepEqual(factsOf(await run(rearranged(host, decoded, randomFrom(seed)))), expected);
			}),
			{ numRuns: name === '07-net-foreign' ? 10 : 2 },
		);
	});

for (const name of ['07-net-foreign', '03-go-trojan-compiler'])
	test(`${name}: a restart from the cells after every record gives the same bytes`, async () => {
		const { host, decoded } = decodeStream(name);
		const records = rearranged(host, decoded, randomFrom(7));
		const straight = await run(records);
		const restarted = await restarting(records);
		assert.deepEqual(restarted.batches, straight.batches);
	});
