// Records written straight to topic `session` by someone who is no correlator: each gets a dead letter, makes no session pass
// that would not, and changes no other session. Crashes and lost stores go on meanwhile.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeFactBatch, emptyFacts, encodeFactBatch, isSighting } from '@affidavit/model/facts.ts';
import type { Log } from '@affidavit/stream/ports.ts';
import { createRandom, type Random } from '../../packages/stream/test/sim/random.ts';
import { loadRecordings, type Recordings } from './recordings.ts';
import { expectedOutcome, inputsOf, planRun, play, type Run, worldOf } from './run.ts';

const runs = Number(process.env['SIM_RUNS'] ?? 4);
const only = process.env['SIM_SEED'];
const seeds = only === undefined ? Array.from({ length: runs }, (_, i) => i + 1) : [Number(only)];

let folder: string;
let recordings: Recordings;
before(async () => {
	folder = mkdtempSync(join(tmpdir(), 'affidavit-sim-repositories-'));
	recordings = await loadRecordings(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Intrusion {
	name: string;
	/** The record, given one that a correlator wrote. */
	forge: (genuine: { key: string; value: Uint8Array }, random: Random) => { key: string; value: Uint8Array };
	codes: readonly string[];
	/** The session that the genuine record is of may become incomplete. */
	touches: boolean;
}

const otherSession = 'f'.repeat(64);

const intrusions: readonly Intrusion[] = [
	{
		name: 'bytes that are no fact batch',
		forge: ({ key, value }, random) => ({ key, value: Buffer.from(value).subarray(0, random.below(value.length)) }),
		codes: ['fact-batch-undecodable'],
		touches: false,
	},
	{
		name: "another session's batch under this key",
		forge: ({ key, value }) => {
			const { link, facts } = decodeFactBatch(value);
			return { key, value: encodeFactBatch({ ...link, session: otherSession }, facts).bytes };
		},
		codes: ['fact-batch-undecodable'],
		touches: false,
	},
	{
		name: 'a batch that continues the chain from nothing',
		forge: ({ key, value }, random) => {
			const { link } = decodeFactBatch(value);
			const sequence = link.sequence + random.below(3);
			const previous = Buffer.alloc(32, 7);
			return { key, value: encodeFactBatch({ ...link, sequence, previous }, emptyFacts()).bytes };
		},
		codes: ['fact-chain-broken', 'late-facts', 'facts-mismatch'],
		touches: true,
	},
];

/** A random record of topic `session`, once there is one. */
async function genuineOf(log: Log, random: Random): Promise<{ key: string; value: Uint8Array } | null> {
	const partition = random.below(log.partitions('session'));
	const records = await log.read('session', partition, 0, { records: 1000, bytes: 2 ** 30 });
	const own = records.filter(
		({ origin, value }) => origin?.stage === 'correlate' && !isSighting(decodeFactBatch(value).link),
	);
	return own.length === 0 || random.chance(0.9) ? null : (own[random.below(own.length)] ?? null);
}

async function checkIntrusion(intrusion: Intrusion, seed: number): Promise<void> {
	const run: Run = planRun(seed, recordings);
	const random = createRandom(seed ^ 0x1337);
	let target = '';
	const { outcome } = await play(
		worldOf(run, recordings, inputsOf(run)),
		{ seed, steps: 4000, crash: 0.01, zombie: 0.002, lostStore: 0.001 },
		{
			records: async ({ log }) => {
				const genuine = await genuineOf(log, random);
				if (!genuine) return null;
				target = genuine.key;
				return [{ topic: 'session', ...intrusion.forge(genuine, random) }];
			},
		},
	);
	const expected = await expectedOutcome(run, recordings);
	for (const { code } of outcome.deadLetters) assert.ok(intrusion.codes.includes(code), code);
	if (target !== '') assert.ok(outcome.deadLetters.length > 0, 'a dead letter');
	for (const [id, session] of expected.sessions) {
		const actual = outcome.sessions.get(id);
		if (id !== target || !intrusion.touches) assert.deepEqual(actual, session);
		else if (actual?.verdict === 'passed') assert.deepEqual(actual, session);
		else assert.ok(actual, 'a verdict');
	}
}

for (const intrusion of intrusions)
	describe(`an intruder in topic session, simulated: ${intrusion.name}`, () => {
		it('is seen, and makes nothing pass', async () => {
			for (const seed of seeds)
				try {
					await checkIntrusion(intrusion, seed);
				} catch (error) {
					throw new Error(`SIM_SEED=${seed}: ${intrusion.name}`, { cause: error });
				}
		});
	});
