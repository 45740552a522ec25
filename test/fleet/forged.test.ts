// What someone with a broker connection and a stolen key can try: each is detected, and no session but the one that it is aimed
// at changes, and that only to incomplete. The records go straight into the topics, as if no ACL were set.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findingCodec } from '@affidavit/model/codec.ts';
import type { LogRecord, StampedRecord, Topic } from '@affidavit/stream/ports.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import { secret, startReceiver } from '../../services/detect/test/alert/receiver.ts';
import { temporaryFolder } from '../e2e/affidavit.ts';
import { givenServers } from '../servers/given.ts';
import { sendStream } from './agent.ts';
import { type Expected, expectedSessions } from './expected.ts';
import {
	type BatchAttack,
	batchAttacks,
	earlyForgeries,
	forgedTitle,
	lateForgeries,
	letterOf,
	type RecordForgery,
	writeForeignRecords,
} from './forgeries.ts';
import { makeHosts, type SimulatedHost } from './hosts.ts';
import { type InProcessFleet, openInProcessFleet } from './in-process.ts';
import { type ExpectedDeadLetter, type FleetOutcome, outcomeDifferences, readFleetOutcome } from './outcome.ts';

const untouched = ['07-net-foreign', '08d-container-ns'] as const;
const partitions = 2;

test('forged, replayed, altered and dropped records are detected, and change no other session', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	const folder = temporaryFolder(t);
	const simulated = makeHosts(join(folder, 'hosts'), [...untouched, ...batchAttacks.map(() => '08d-container-ns')]);
	const [first, second, ...victims] = simulated.hosts as [SimulatedHost, SimulatedHost, ...SimulatedHost[]];
	const expected = await expectedSessions(simulated);
	await using receiver = await startReceiver();
	const alert = { url: receiver.url, secret, leads: false, allowPrivate: true };
	const fleet = await openInProcessFleet({ servers, fleet: simulated, folder, partitions, workers: 1, alert });
	try {
		const aim = [...expected].find(([, session]) => session.host === first.name)?.[0] as string;
		const letters: ExpectedDeadLetter[] = [];
		letters.push(...(await forge(fleet, earlyForgeries(aim, fleet.keys, first))));
		await Promise.all([first, second].map((host) => sendStream(host, sending(fleet, host))));
		for (const [i, attack] of batchAttacks.entries())
			letters.push(...(await sendAttacked(fleet, victims[i] as SimulatedHost, attack, second)));
		await fleet.settled();
		letters.push(...(await forge(fleet, lateForgeries(await genuineRecords(fleet, aim), fleet.keys))));
		letters.push(...(await writeForeignRecords(servers, partitions)));
		await fleet.settled();

		const outcome = await readFleetOutcome(fleet.log, fleet.outDir, fleet.keys.seals(null));
		// The verdict under the detector's own key is a record like any other; what counts is that nothing was signed for it.
		assert.deepEqual(outcome.sessions.get(aim)?.verdicts, ['failed', 'passed']);
		outcome.sessions.get(aim)?.verdicts.pop();
		const untouchedSessions = new Map(expected);
		for (const [i, attack] of batchAttacks.entries())
			if (attack.sessions !== 'same') checkVictim(victims[i] as SimulatedHost, attack, untouchedSessions, outcome);
		assert.deepEqual(outcomeDifferences(outcome, untouchedSessions, letters), []);
		for (const [i, { rule, name }] of batchAttacks.entries())
			if (rule !== null) {
				const subject = victims[i]?.name ?? '';
				assert.ok(
					outcome.hostFindings.some((f) => f.rule === rule && f.subject === subject),
					`${name}: ${rule}`,
				);
			}
		assert.ok(outcome.hostFindings.some((f) => f.rule === 'record-forged' && f.subject === aim));
		const posted = receiver.received.map(({ body }) => body);
		assert.equal(posted.filter((body) => body.includes(forgedTitle)).length, 0);
		for (const { confirmed } of outcome.sessions.values())
			for (const id of confirmed) assert.equal(posted.filter((body) => body.includes(id)).length, 1, `finding ${id}`);
	} finally {
		await fleet.close();
	}
});

const sending = ({ folder, log, keys, events }: InProcessFleet, host: SimulatedHost) => ({
	folder,
	remote: log,
	seals: keys.seals(host),
	emit: events.emit,
	batchEvents: 100,
});

async function forge({ log }: InProcessFleet, forgeries: readonly RecordForgery[]): Promise<ExpectedDeadLetter[]> {
	const letters: ExpectedDeadLetter[] = [];
	for (const { record, code } of forgeries) {
		await log.append([record]);
		if (code !== null) letters.push(letterOf(record.value, code));
	}
	return letters;
}

/** Where in the stream the attack comes: one of some sixteen batches. */
const attackedBatch = 7;

/** The host's stream, with the attack on its way. */
async function sendAttacked(
	fleet: InProcessFleet,
	host: SimulatedHost,
	attack: BatchAttack,
	other: SimulatedHost,
): Promise<ExpectedDeadLetter[]> {
	const letters: ExpectedDeadLetter[] = [];
	const before: StampedRecord[] = [];
	const remote = {
		append: async (records: readonly StampedRecord[]) => {
			const onTheWay = records.flatMap((record) => {
				const taken = before.length === attackedBatch ? attack.apply(record, before, other) : [record];
				if (before.length === attackedBatch && attack.code !== null && taken[0])
					letters.push(letterOf(taken[0].value, attack.code));
				before.push(record);
				return taken;
			});
			await fleet.log.append(onTheWay);
		},
	};
	await sendStream(host, { ...sending(fleet, host), remote });
	assert.ok(before.length > attackedBatch + 1, `${host.name}: ${before.length} batches`);
	return letters;
}

/** The last true record of the session in each topic. */
async function genuineRecords(
	{ log, keys }: InProcessFleet,
	session: string,
): Promise<Record<'session' | 'verdict' | 'finding', LogRecord>> {
	const last = async (topic: Topic): Promise<LogRecord> => {
		const found: LogRecord[] = [];
		for (let partition = 0; partition < log.partitions(topic); partition++)
			for await (const record of readTopic(log, topic, partition, keys.seals(null)))
				if (record.key === session && (topic !== 'finding' || findingCodec.decode(record.value).state === 'confirmed'))
					found.push(record);
		return found.at(-1) as LogRecord;
	};
	return { session: await last('session'), verdict: await last('verdict'), finding: await last('finding') };
}

/** Takes the host's sessions out of `expected` that the attack has changed as it may. */
function checkVictim(
	host: SimulatedHost,
	attack: BatchAttack,
	expected: Map<string, NonNullable<ReturnType<Expected['get']>>>,
	outcome: FleetOutcome,
): void {
	let changed = 0;
	for (const [id, session] of [...expected]) {
		if (session.host !== host.name) continue;
		const found = outcome.sessions.get(id);
		if (found?.verdicts[0] === session.verdict) continue;
		assert.deepEqual(found?.verdicts, ['incomplete'], `${attack.name}: ${host.name}`);
		changed += 1;
		expected.delete(id);
		outcome.sessions.delete(id);
	}
	if (attack.sessions === 'incomplete') assert.ok(changed > 0, `${attack.name}: expected an incomplete session`);
}
