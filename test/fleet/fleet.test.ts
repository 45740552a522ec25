// Several hosts through real Kafka and Redis: every statement is, byte for byte, the one that a single process gives.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../e2e/affidavit.ts';
import { givenServers } from '../servers/given.ts';
import { sendStream } from './agent.ts';
import { expectedSessions } from './expected.ts';
import { makeHosts, streamsOf } from './hosts.ts';
import { openInProcessFleet } from './in-process.ts';
import { outcomeDifferences, readFleetOutcome } from './outcome.ts';

test('fleet: six hosts, two workers a stage: the statements of one process, no dead letter', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	const folder = temporaryFolder(t);
	const simulated = makeHosts(join(folder, 'hosts'), streamsOf(6));
	const expecting = expectedSessions(simulated);
	const fleet = await openInProcessFleet({ servers, fleet: simulated, folder, partitions: 4, workers: 2 });
	try {
		const { log, keys, events, outDir } = fleet;
		const agents = simulated.hosts.map((host) =>
			sendStream(host, { folder, remote: log, seals: keys.seals(host), emit: events.emit }),
		);
		await Promise.all(agents);
		await fleet.settled();
		const outcome = await readFleetOutcome(log, outDir, keys.seals(null));
		assert.deepEqual(outcomeDifferences(outcome, await expecting), []);
		assert.deepEqual(outcome.hostFindings, []);
	} finally {
		await fleet.close();
	}
});
