// Replay and rederivation of a fleet on real Kafka and Redis, as the operator's command does them.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Rederived } from '@affidavit/cli/rederive/run.ts';
import type { ReplayedSession } from '@affidavit/cli/replay/report.ts';
import { hostKeysCodec } from '@affidavit/model/codec.ts';
import { sendStream } from '../../../test/fleet/agent.ts';
import { makeHosts, type SimulatedHost } from '../../../test/fleet/hosts.ts';
import { type InProcessFleet, openInProcessFleet } from '../../../test/fleet/in-process.ts';
import { type FleetOutcome, readFleetOutcome } from '../../../test/fleet/outcome.ts';
import { type GivenServers, givenServers } from '../../../test/servers/given.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';
import { configOf } from './recorded-past.ts';

/** Enrols the host as `affidavit hosts enroll` does. */
async function enroll({ log, keys }: InProcessFleet, { name, keyId, publicKey }: SimulatedHost): Promise<void> {
	const key = {
		keyId,
		publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
		validFromUs: 0,
		validToUs: -1,
		revokedUs: -1,
		revokedReason: '',
		enrolledBy: 'test',
	};
	const record = {
		topic: 'host' as const,
		key: name,
		value: hostKeysCodec.encode({ host: name, keys: [key] }),
		origin: { stage: 'operator', partition: 0, offset: Date.now(), index: 0 },
	};
	await log.append([{ ...record, seal: keys.seals(keys.services.operator).seal(record) }]);
}

/** The operator's data folder and configuration. */
function operatorOf(fleet: InProcessFleet, servers: GivenServers, repositories: Readonly<Record<string, string>>) {
	const data = join(fleet.folder, 'operator');
	const trustedDir = join(data, 'trusted');
	mkdirSync(trustedDir, { recursive: true });
	for (const [name, { publicKey }] of Object.entries(fleet.keys.services))
		writeFileSync(join(trustedDir, `${name}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }));
	configOf(data, {
		outDir: fleet.outDir,
		repositories,
		kafka: { brokers: servers.brokers.split(','), topicPrefix: servers.prefix },
		service: { trustedDir, blobsDir: join(fleet.folder, 'blobs') },
	});
	return ['--config', join(data, 'affidavit.yaml'), '--json'];
}

test('replay and rederive: a fleet on Kafka, all of its sessions, and one of a host', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	const folder = temporaryFolder(t);
	const simulated = makeHosts(join(folder, 'hosts'), ['07-net-foreign', '08d-container-ns', '03-go-trojan-compiler']);
	const fleet = await openInProcessFleet({ servers, fleet: simulated, folder, partitions: 4, workers: 1 });
	let outcome: FleetOutcome;
	try {
		const { log, keys, events, outDir } = fleet;
		for (const host of simulated.hosts)
			await sendStream(host, { folder, remote: log, seals: keys.seals(host), emit: events.emit });
		await fleet.settled();
		outcome = await readFleetOutcome(log, outDir, keys.seals(null));
		for (const host of simulated.hosts) await enroll(fleet, host);
		const operator = operatorOf(fleet, servers, simulated.repositories);

		const replayed = await runCli(['replay', ...operator, '--from', '1h', '--to', 'now']);
		assert.equal(replayed.code, 0, replayed.stderr);
		const sessions = replayed.stdout
			.split('\n')
			.filter(Boolean)
			.map((line) => JSON.parse(line) as ReplayedSession);
		assert.deepEqual(sessions.map(({ session }) => session).sort(), [...outcome.sessions.keys()].sort());
		for (const { session, cut, before, findings, judgedAgainst } of sessions) {
			assert.equal(cut, null);
			assert.equal(before?.verdict, outcome.sessions.get(session)?.verdicts[0]);
			// The operator's configuration has no indicators; the fleet's had the compiler's digest.
			assert.ok(findings.every(({ mark, rule }) => mark === 'same' || rule === 'denied-tool-digest'));
			assert.deepEqual(judgedAgainst?.indicators, { state: 'changed', added: 0, removed: 1, changed: 0 });
			assert.equal(judgedAgainst?.manifest, 'same');
		}
		assert.ok(sessions.some(({ findings }) => findings.some(({ mark }) => mark === 'gone')));

		const [first] = sessions as [ReplayedSession];
		const ofHost = await runCli([
			'replay',
			...operator,
			...['--from', '1h', '--to', 'now', '--host', first.host ?? '', '--session', first.session],
		]);
		assert.equal(ofHost.stdout.trim().split('\n').length, 1, ofHost.stderr);

		for (const { session } of sessions) {
			const run = await runCli(['rederive', session, ...operator]);
			assert.equal(run.code, 0, `${run.stdout}${run.stderr}`);
			const result = JSON.parse(run.stdout) as Rederived;
			assert.equal(result.outcome, 'equal');
			assert.equal(result.facts, 'same');
			assert.deepEqual(
				result.statements.map((s) => `${s.predicateType} ${s.payloadSha256}`).sort(),
				outcome.sessions.get(session)?.statements,
			);
		}
	} finally {
		await fleet.close();
	}
});
