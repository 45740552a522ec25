// Somebody who may write to every topic, and has no service's key or another service's: what each stage writes is sealed, so
// that nothing else reaches a stage or a reader, whatever crashes, sleeps, is lost or taken back meanwhile.
// A failing seed is in the message: SIM_SEED=… runs it alone, SIM_RUNS=… runs more.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { decodeFactBatch, emptyFacts, encodeFactBatch, factHead } from '@affidavit/model/facts.ts';
import type { LogRecord, OutRecord, Stamp, Topic } from '@affidavit/stream/ports.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import { forge, someGenuine } from '../../packages/stream/test/sim/forger.ts';
import { createRandom, type Random } from '../../packages/stream/test/sim/random.ts';
import { loadRecordings, type Recordings } from './recordings.ts';
import { expectedOutcome, inputsOf, planRun, play, worldOf } from './run.ts';
import type { Disturbance } from './simulator.ts';
import type { World } from './world.ts';

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

/** What the forger would like to be believed. Topic `deadletter`, of which there are few: packages/stream/test/sim. */
const lies: Partial<Record<Topic, (genuine: LogRecord) => Uint8Array>> = {
	// Continues the chain correctly, and ends the session before it does anything more.
	session: ({ value }) => {
		const { link } = decodeFactBatch(value);
		const closed = {
			timeUs: link.watermarkUs,
			reason: 'exited' as const,
			events: 1,
			orphanProcesses: 0,
			filesWithoutDigest: 0,
			copies: 0,
			lossCounters: 'known' as const,
			workspaceWatched: true,
			hooks: [],
		};
		const next = { ...link, sequence: link.sequence + 1, previous: factHead(value) };
		return encodeFactBatch(next, { ...emptyFacts(), closed }).bytes;
	},
	verdict: ({ value }) => verdictCodec.encode({ ...verdictCodec.decode(value), verdict: 'passed', findings: [] }),
	finding: ({ value }) => findingCodec.encode({ ...findingCodec.decode(value), state: 'withdrawn' }),
	attestation: ({ value }) => value,
};
/** Topics that a stage of the simulation reads: what is refused there has a dead letter. */
const read: readonly Topic[] = ['session', 'verdict'];
const sealCodes = ['unsealed', 'unknown-sealer', 'wrong-sealer', 'bad-seal'];

async function forgeries(
	{ log, seals }: World,
	topic: Topic,
	random: Random,
): Promise<(OutRecord & Partial<Stamp>)[] | null> {
	if (random.chance(0.9)) return null;
	const lie = lies[topic] as (genuine: LogRecord) => Uint8Array;
	const genuine = await someGenuine(log, topic, seals?.get('sign') as Seals, random);
	const forgery = genuine && forge(genuine, seals as ReadonlyMap<string, Seals>, random, lie);
	return forgery?.forged ? [forgery.record] : null;
}

/** How many records were forged. */
async function check(topic: Topic, seed: number): Promise<number> {
	const run = planRun(seed, recordings);
	const random = createRandom(seed ^ 0xf04d);
	let forged = 0;
	const disturbance: Disturbance = {
		seed,
		steps: 4000,
		crash: 0.005,
		zombie: 0.001,
		...(seed % 2 ? { lostStore: 0.001, rolledBack: 0.001, paused: 0.01 } : { lostStore: 0 }),
	};
	const { outcome } = await play({ ...worldOf(run, recordings, inputsOf(run)), sealed: true }, disturbance, {
		records: async (world) => {
			const records = await forgeries(world, topic, random);
			forged += records?.length ?? 0;
			return records;
		},
	});
	const expected = await expectedOutcome(run, recordings);
	assert.deepEqual([...outcome.sessions.keys()].sort(), [...expected.sessions.keys()].sort());
	for (const [id, session] of expected.sessions) assert.deepEqual(outcome.sessions.get(id), session, id);
	assert.equal(outcome.deadLetters.length, read.includes(topic) ? forged : 0);
	for (const { code } of outcome.deadLetters) assert.ok(sealCodes.includes(code), code);
	return forged;
}

for (const topic of Object.keys(lies) as Topic[])
	describe(`a forger in topic ${topic}, simulated`, () => {
		it('changes nothing, and has a dead letter where a stage reads', async (t) => {
			let forged = 0;
			for (const seed of seeds)
				try {
					forged += await check(topic, seed);
				} catch (error) {
					throw new Error(`SIM_SEED=${seed}: topic ${topic}`, { cause: error });
				}
			t.diagnostic(`forged: ${forged}`);
			if (only === undefined) assert.ok(forged > 0, 'the simulation reached what it is for');
		});
	});
