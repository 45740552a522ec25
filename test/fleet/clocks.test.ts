// Hosts whose clocks are wrong, beside one whose clock is right, on one partition of real Kafka and Redis: each host's sessions are,
// byte for byte, what they are when the host is alone.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { findingCodec } from '@affidavit/model/codec.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Log, OutRecord, StampedRecord } from '@affidavit/stream/ports.ts';
import { createRandom } from '../../packages/stream/test/sim/random.ts';
import { fixtures, temporaryFolder } from '../e2e/affidavit.ts';
import { givenServers } from '../servers/given.ts';
import { deliver, plainPlan } from '../sim/delivery.ts';
import { decode, loadRecordings, type Manifests } from '../sim/recordings.ts';
import { hostKey, play } from '../sim/run.ts';
import type { Expected, ExpectedSession } from './expected.ts';
import type { SimulatedFleet } from './hosts.ts';
import { openInProcessFleet } from './in-process.ts';
import { outcomeDifferences, readFleetOutcome } from './outcome.ts';

const stream = '07-net-foreign';
const hourMs = 3_600_000;
const time = /"(time|start_time)":\s*"([^"]{23})([^"]*)"/g;

const recorded = gunzipSync(readFileSync(join(fixtures, stream, 'events.jsonl.gz')))
	.toString()
	.trimEnd()
	.split('\n');

const shifted = (line: string, ms: number): string =>
	line.replaceAll(time, (_all, key: string, text: string, rest: string) => {
		const moved = new Date(Date.parse(`${text}Z`) + ms).toISOString().slice(0, 23);
		return `"${key}":"${moved}${rest}"`;
	});

/** By host. The agent's own clock goes with its newest event. */
const clocks: Readonly<Record<string, readonly string[]>> = {
	right: recorded,
	'hour-ahead': recorded.map((line) => shifted(line, hourMs)),
	'jumps-back': recorded.map((line, i) => (i < recorded.length / 2 ? line : shifted(line, -hourMs))),
	'in-2100': recorded.map((line, i) => (i === 1500 ? line.replaceAll('"time":"2026', '"time":"2100') : line)),
};

test('clocks an hour ahead, jumping back and in 2100: every host is judged as if it were alone', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	const folder = temporaryFolder(t);
	writeFileSync(join(folder, 'indicators.txt'), '');
	const { manifests } = await loadRecordings(join(folder, 'repositories'));
	const inputs = new Map<string, OutRecord[]>();
	for (const [host, lines] of Object.entries(clocks)) {
		const named = lines.map((line) => line.replaceAll(/"node_name":"[^"]*"/g, `"node_name":"${host}"`));
		const plan = { ...plainPlan('export', 'unknown'), batchMax: 100 };
		inputs.set(host, deliver(decode(host, named), plan, createRandom(1), hostKey(host)));
	}
	const hosts = [...inputs.keys()].map((name) => ({ ...hostKey(name), name }));
	const fleet: SimulatedFleet = {
		hosts: [],
		repositories: { 'example/capp7': join(fixtures, stream, 'repo.bundle') },
		indicatorsFile: join(folder, 'indicators.txt'),
	};
	const running = await openInProcessFleet({ servers, fleet, enrolled: hosts, folder, partitions: 1, workers: 1 });
	try {
		await sendInTurns(running.log, inputs);
		await running.settled();
		const outcome = await readFleetOutcome(running.log, running.outDir, running.keys.seals(null));
		const { expected, letters } = await alone(inputs, manifests);
		assert.ok(letters.length > 0, 'what is out of all time is a dead letter');
		assert.equal([...expected.values()].find(({ host }) => host === 'right')?.verdict, 'failed');
		assert.deepEqual(outcomeDifferences(outcome, expected, letters), []);
	} finally {
		await running.close();
	}
});

/** A record of each host in turn. */
async function sendInTurns(log: Log, inputs: ReadonlyMap<string, readonly OutRecord[]>): Promise<void> {
	const longest = Math.max(...[...inputs.values()].map((records) => records.length));
	for (let offset = 0; offset < longest; offset++) {
		const turn: StampedRecord[] = [];
		for (const [host, records] of inputs) {
			const record = records[offset];
			if (record) turn.push({ ...record, origin: { stage: `ingest:${host}`, partition: 0, offset, index: 0 } });
		}
		await log.append(turn);
	}
}

/** What each host's records give when they are all there is. */
async function alone(
	inputs: ReadonlyMap<string, readonly OutRecord[]>,
	manifests: Manifests,
): Promise<{ expected: Expected; letters: DeadLetter[] }> {
	const expected = new Map<string, ExpectedSession>();
	const letters: DeadLetter[] = [];
	for (const [host, records] of inputs) {
		const keys = new Map([[host, hostKey(host)]]);
		const world = { inputs: new Map([[host, records]]), manifests, keys, partitions: 1, skewUs: 10_000_000 };
		const { outcome } = await play(world, null);
		letters.push(...outcome.deadLetters);
		for (const [id, { verdict, statements, confirmed }] of outcome.sessions) {
			const ids = confirmed.map((hex) => findingCodec.decode(Buffer.from(hex, 'hex')).id).sort();
			expected.set(id, { host, verdict, statements, confirmed: ids });
		}
	}
	return { expected, letters };
}
